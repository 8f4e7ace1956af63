/** Words for sessions: pure, in one place, so that tree, status bar, quick picks and screen readers say the same. */
import type { Role } from '../../shared/domain/orchestrator.ts';
import type { SessionView, AttentionView } from '../../shared/channel/views.ts';
import type { Translate } from '../translate.ts';
import { classOf, lookOf, sessionClasses } from './session-icon.ts';
import type { SessionClass } from './session-icon.ts';
import type { ViewContext } from './view-context.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** `now`, `3m`, `2h`, `5d`. */
export function shortAge(since: number, { now, t }: ViewContext): string {
  const age = Math.max(0, now - since);
  if (age < minute) return t('now');
  if (age < hour) return t('{0}m', Math.floor(age / minute));
  if (age < day) return t('{0}h', Math.floor(age / hour));
  return t('{0}d', Math.floor(age / day));
}

/** The same for a sentence: `3 minutes`. */
export function longAge(since: number, { now, t }: ViewContext): string {
  const age = Math.max(0, now - since);
  const count = (unit: number) => Math.floor(age / unit);
  if (age < minute) return t('less than a minute');
  if (age < hour) return count(minute) === 1 ? t('1 minute') : t('{0} minutes', count(minute));
  if (age < day) return count(hour) === 1 ? t('1 hour') : t('{0} hours', count(hour));
  return count(day) === 1 ? t('1 day') : t('{0} days', count(day));
}

export function roleName(role: Role, t: Translate): string {
  switch (role) {
    case 'mayor':
      return t('Mayor');
    case 'deacon':
      return t('Deacon');
    case 'witness':
      return t('Witness');
    case 'refinery':
      return t('Refinery');
    case 'crew':
      return t('Crew');
    case 'polecat':
      return t('Polecats');
  }
}

/** What the row is called: the worker's name, or the role where there is only one of it. */
export function sessionName(session: SessionView, t: Translate): string {
  return session.agentName === '' ? roleName(session.role, t) : session.agentName;
}

/** The name with its rig, for lists that are not below one. */
export function fullSessionName(session: SessionView, t: Translate): string {
  const name = sessionName(session, t);
  return session.rig === '' ? name : t('{0} ({1})', name, session.rig);
}

/** State and activity in a few words, without the time: `waiting for permission`. */
export function stateText(session: SessionView, { t, clock }: ViewContext): string {
  switch (lookOf(session)) {
    case 'starting':
      return t('starting');
    case 'working':
      return t('working');
    case 'permission':
      return t('waiting for permission');
    case 'plan':
      return t('waiting for plan approval');
    case 'question':
      return t('waiting for an answer');
    case 'dialog':
      return t('waiting in its terminal');
    case 'unread':
      return t('idle, has news');
    case 'idle':
      return t('idle');
    case 'limited':
      if (session.activity.kind !== 'rate-limited') return t('rate-limited');
      return session.activity.failing
        ? t('provider fails, tries again at {0}', clock(session.activity.until))
        : t('rate-limited until {0}', clock(session.activity.until));
    case 'paused':
      return t('paused');
    case 'failed':
      return t('failed');
    case 'quarantined':
      return t('quarantined');
    case 'ended':
      return t('ended');
    case 'stopped':
      return t('stopped');
    case 'unknown':
      return t('running, activity unknown');
  }
}

/** The agent, and the backend where the name does not say it already. */
export function agentText(session: SessionView, t: Translate): string {
  return session.agent === session.backend ? session.backend : t('{0} on {1}', session.agent, session.backend);
}

export function sessionDescription(session: SessionView, context: ViewContext): string {
  const parts = [stateText(session, context), shortAge(session.since, context), agentText(session, context.t)];
  if (session.branch !== undefined) parts.push(session.branch);
  // Before what is cut off first in a narrow side bar: it is what there is to do.
  if (session.worktree !== undefined) parts.splice(1, 0, context.t('its worktree stays: {0}', session.worktree));
  if (session.unreadMail > 0) parts.push(context.t('{0} unread', session.unreadMail));
  const held = heldText(session, context.t);
  if (held !== '') parts.unshift(held);
  return parts.join(' · ');
}

/** Why what waits for it does not reach it now; empty where nothing is held. */
export function heldText({ held, queued }: SessionView, t: Translate): string {
  if (held === undefined || queued === 0) return '';
  return queued === 1
    ? t('1 message waits: its terminal is in use')
    : t('{0} messages wait: its terminal is in use', queued);
}

/** One sentence for screen readers. */
export function sessionSentence(session: SessionView, context: ViewContext): string {
  const { t } = context;
  const who =
    session.agentName === ''
      ? t('session {0}', roleName(session.role, t))
      : t('session {0}, {1}', session.agentName, session.role);
  const where = session.rig === '' ? who : t('{0} of rig {1}', who, session.rig);
  const why = session.asks[0];
  const state = [
    why ? t('{0}: {1}', stateText(session, context), why.title) : stateText(session, context),
    heldText(session, t),
  ]
    .filter((part) => part !== '')
    .join(', ');
  return t('{0}, {1}, for {2}, agent {3}', where, state, longAge(session.since, context), agentText(session, t));
}

export function waitSentence(session: SessionView, wait: AttentionView, context: ViewContext): string {
  const { t } = context;
  const title = t('{0} asks: {1}, for {2}', fullSessionName(session, t), wait.title, longAge(wait.since, context));
  return wait.resolvable ? title : t('{0}. It can only be answered in its terminal', title);
}

function classText(kind: SessionClass, count: number, t: Translate): string {
  switch (kind) {
    case 'waiting':
      return t('{0} waiting', count);
    case 'failed':
      return t('{0} failed', count);
    case 'working':
      return t('{0} working', count);
    case 'starting':
      return t('{0} starting', count);
    case 'limited':
      return t('{0} rate-limited', count);
    case 'idle':
      return t('{0} idle', count);
    case 'unknown':
      return t('{0} unknown', count);
    case 'paused':
      return t('{0} paused', count);
    case 'ended':
      return t('{0} ended', count);
    case 'stopped':
      return t('{0} stopped', count);
  }
}

/** Everything about many sessions in a few words, what matters most first: `2 waiting · 1 working · 3 idle`. */
export function aggregateText(sessions: readonly SessionView[], t: Translate): string {
  return sessions.length === 0 ? t('no sessions') : counts(sessions, t).join(' · ');
}

/** What a parent row has room for. */
export function shortAggregateText(sessions: readonly SessionView[], t: Translate): string {
  return sessions.length === 0 ? t('no sessions') : counts(sessions, t).slice(0, 3).join(' · ');
}

function counts(sessions: readonly SessionView[], t: Translate): string[] {
  const kinds = sessions.map(classOf);
  return sessionClasses
    .map((kind) => ({ kind, count: kinds.filter((each) => each === kind).length }))
    .filter(({ count }) => count > 0)
    .map(({ kind, count }) => classText(kind, count, t));
}
