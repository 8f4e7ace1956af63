import { failurePolicy } from '../config/failure-policy.ts';
import type { FailurePolicy } from '../config/failure-policy.ts';
import { GasTownError, messageOf } from '../errors.ts';
import type { SessionInfo } from '../orchestrator.ts';
import { closedNoticeId, gatherFacts } from '../reconcile/gather.ts';
import { Reconciler } from '../reconcile/reconciler.ts';
import type { Action, SessionAct, UnitAct } from '../reconcile/rules.ts';
import { restartSession } from '../sessions/restart.ts';
import { tidyWorktree } from './cleanup.ts';
import { failOver } from './fail-over.ts';
import { giveWork, slingUnit } from './operations/work.ts';
import { insteadOf } from './operations/with-agent.ts';
import type { TownParts } from './parts.ts';
import { closeSettled } from './settled-escalations.ts';
import { takeBack } from './take-back.ts';
import { unblockQueued } from './unblock.ts';

/** What the host does by itself is by this name in histories. */
const host = 'host';
/** What no backend can be started for is tried again after this long, where nothing tells of a change. In ms. */
const blockedMs = 60_000;
const dayMs = 24 * 60 * 60_000;

/** Keeps the town in order by the rules (`reconcile/rules.ts`). What is done by them stands in the timeline, with the reason. */
export function reconcileTown(town: TownParts): Reconciler {
  const sources = {
    ...town,
    policyOf: (rig: string) => policyOf(town, rig),
    hasRig: (rig: string) => town.rigs.names().includes(rig),
  };
  const reconciler = new Reconciler({
    gather: (inHand) => gatherFacts(sources, inHand),
    carryOut: (action) => carryOut(town, action),
    now: () => town.manager.now(),
    log: town.log,
  });
  const schedule = (): void => reconciler.schedule();
  const changed = (): void => {
    town.store.backlog.keep(() => closeSettled(town));
    schedule();
  };
  town.registry.onDidChange(changed);
  town.work.onDidChange(changed);
  town.manager.events.onDelivered(schedule);
  town.settings.onDidChange(schedule);
  town.store.backlog.onDidChange(() => {
    if (town.store.backlog.trouble) return;
    reconciler.resume();
    changed();
  });
  town.breakers.onDidChange(() => {
    unblockQueued(town, 'a backend has changed');
    schedule();
  });
  return reconciler;
}

function policyOf(town: TownParts, rig: string): FailurePolicy {
  const known = town.rigs.names().includes(rig);
  return failurePolicy(
    town.settings.value.failure_policy,
    known ? town.rigs.get(rig).settings.failure_policy : undefined,
  );
}

async function carryOut(town: TownParts, action: Action): Promise<void> {
  record(town, action);
  if ('session' in action) await aboutSession(town, action.session, action.act, action.reason);
  else await aboutUnit(town, action.work, action.act, action.reason);
}

function record(town: TownParts, action: Action): void {
  const { rule, reason, act } = action;
  const subject =
    'session' in action
      ? { session: action.session }
      : { session: town.work.find(action.work)?.owner, work: action.work };
  const runId = subject.session === undefined ? undefined : town.registry.find(subject.session)?.runId;
  town.store.addEvent({
    at: town.manager.now(),
    type: `reconciler.${rule}`,
    ...(subject.session === undefined ? {} : { sessionId: subject.session }),
    ...(runId === undefined ? {} : { runId }),
    detail: { action: act.kind, reason, ...('work' in subject ? { work: subject.work } : {}) },
  });
  town.log.info(`[orchestration] ${rule}: ${act.kind} ${'work' in action ? action.work : action.session} (${reason})`);
}

async function aboutSession(town: TownParts, id: string, act: SessionAct, reason: string): Promise<void> {
  const session = town.registry.get(id);
  switch (act.kind) {
    case 'restart':
      return restart(town, id, reason);
    case 'quarantine':
      town.store.transaction(() => quarantine(town, session, reason));
      return town.changed();
    case 'settle':
      town.store.transaction(() => {
        town.store.sessions.settle(session.runId, town.manager.now());
        if (!session.endedUnseen) town.outbox.expire(id, `${id} ended (${session.cause}) before it had this`);
      });
      // It can be resumed, with its worktree and with what waits for it, until the user does not want it any more.
      if (session.endedUnseen) return;
      return tidyWorktree(town, session);
    case 'stop':
      await town.manager.stop(id);
      return;
    case 'escalate':
      town.escalations.raise({
        severity: act.severity,
        message: `${id}: ${reason}`,
        by: host,
        sessionId: id,
        cause: act.cause,
      });
  }
}

function quarantine(town: TownParts, { id, runId }: SessionInfo, reason: string): void {
  town.store.sessions.quarantine(id, { at: town.manager.now(), reason });
  town.store.addEvent({
    at: town.manager.now(),
    sessionId: id,
    runId,
    type: 'session.quarantined',
    detail: { reason },
  });
  town.outbox.expire(id, `${id} is quarantined: ${reason}`);
  town.escalations.raise({
    severity: 'high',
    message: `${id} is quarantined: ${reason}. When the cause is dealt with: gt reset ${id}; if it is not wanted any more: gt stop ${id}`,
    by: host,
    sessionId: id,
    cause: `quarantined:${runId}`,
  });
}

async function restart(town: TownParts, id: string, reason: string): Promise<void> {
  town.requireTrust();
  const before = town.registry.get(id).runId;
  try {
    const session = town.registry.get(id);
    const other = insteadOf(town, session);
    if (other) await failOver(town, session, other.agent, `${reason}; ${other.reason}`);
    else await restartSession(town, id, { reason });
  } catch (error) {
    // A run that came to be and failed is a fact like any other: the rules judge it next.
    if (town.registry.find(id)?.runId === before) throw error;
    town.log.warn(`[orchestration] ${id} was restarted in vain: ${messageOf(error)}`);
  }
}

async function aboutUnit(town: TownParts, id: string, act: UnitAct, reason: string): Promise<void> {
  const unit = town.work.get(id);
  const session = unit.owner === undefined ? {} : { sessionId: unit.owner };
  switch (act.kind) {
    case 'running':
      town.work.move(unit, 'running', { by: host, runId: act.runId, note: reason });
      return;
    case 'release':
      town.work.move(unit, 'open', { by: host, note: reason }, { owner: null });
      return;
    case 'stall':
      town.work.move(unit, 'stalled', { by: host, note: reason });
      return;
    case 'remind':
      town.outbox.accept({ from: host, to: act.session, kind: 'reminder', body: '', workId: id });
      return;
    case 'requeue':
      takeBack(town, unit, {
        by: host,
        note: reason,
        attempts: unit.attempts + 1,
        notBefore: act.notBefore,
        ...(act.to === undefined ? {} : { to: act.to }),
      });
      return;
    case 'escalate': {
      const message = unit.note === undefined ? reason : `${reason}: ${unit.note}`;
      town.store.transaction(() => {
        if (act.moves) town.work.move(unit, 'escalated', { by: host, note: message });
        town.escalations.raise({ severity: act.severity, message, by: host, workId: id, cause: act.cause, ...session });
      });
      return;
    }
    case 'tell-closed': {
      const body = `${id} is ${unit.state} (${unit.note ?? 'no reason given'}). Stop working on it, and leave its branch as it is.`;
      town.outbox.accept({ id: closedNoticeId(unit), from: host, to: act.session, kind: 'nudge', body });
      return;
    }
    case 'dispatch':
      return dispatch(town, id);
  }
}

/** Gives a queued unit to the session that is to have it, where that lives, else to a new one. */
async function dispatch(town: TownParts, id: string): Promise<void> {
  const { rig, attempts, dispatch: how = {} } = town.work.get(id);
  const { to, agent, note } = how;
  if (to !== undefined && town.registry.find(to)?.state === 'running') {
    await giveWork(town, id, to, { by: host, attempts, ...(note === undefined ? {} : { note }) });
    return;
  }
  const order = {
    work: id,
    rig,
    ...(agent === undefined ? {} : { agent }),
    ...(note === undefined ? {} : { message: note }),
  };
  try {
    await slingUnit(town, order, host, new AbortController().signal);
  } catch (error) {
    // The unit says what became of it, and the rules judge that next.
    const unit = town.work.get(id);
    if (unit.state !== 'queued') return;
    if (!GasTownError.is(error, 'backend-unavailable') && !GasTownError.is(error, 'consent-needed')) throw error;
    // The user's word, or other settings, let it be tried (`unblockQueued`); time does not.
    const notBefore = GasTownError.is(error, 'consent-needed') ? town.manager.now() + dayMs : nextTrial(town);
    town.work.move(
      unit,
      'queued',
      { by: host, note: error.message },
      { notBefore, dispatch: { ...unit.dispatch, blocked: true } },
    );
  }
}

/** When the first of what is not used now is tried again, as far as that is known. */
const nextTrial = (town: TownParts): number => town.breakers.nextTrial() ?? town.manager.now() + blockedMs;
