/** What is wrong with what a row shows, as a trouble of a kind: the same for rows, `gt doctor` and *Check Health*. Pure. */
import { waitsOf } from '../attention/waits.ts';
import type { BackendDescriptor } from '../backends/backend.ts';
import type { BackendPart, EscalationView, RigView, SessionView, TownSnapshot, WorkView } from '../channel/views.ts';
import type { OpenBreaker } from '../domain/circuit-breaker.ts';
import { consentCause } from '../domain/consent.ts';
import type { EscalationKind } from '../domain/escalation-key.ts';
import type { Problem } from '../domain/problem.ts';
import { hasEnded } from '../domain/session-state.ts';
import type { Trouble } from '../domain/trouble.ts';
import { againstText } from '../orchestration/choose-agent.ts';
import { cutText } from '../platform/cut-text.ts';
import { sanitizeLine } from '../platform/sanitize.ts';

/** What a backend advises about accounts, by its name. */
export type AccountAdvice = readonly Pick<BackendDescriptor, 'name' | 'accountAdvice'>[];

/** Of what agents have written as the cause. */
const longestCause = 1000;

export function sessionTroubles(session: SessionView): Trouble[] {
  const subject = { session: session.id };
  const { quarantined, problem, state, cause } = session;
  return [
    ...(quarantined === undefined ? [] : [{ kind: 'quarantined' as const, cause: quarantined.reason, subject }]),
    ...(quarantined === undefined && state === 'failed' ? [{ kind: 'dead' as const, cause, subject }] : []),
    ...waitsOf(session).flatMap(({ ask, title }) =>
      ask === undefined ? [{ kind: 'dialog' as const, cause: title, subject }] : [],
    ),
    ...(problem === undefined ? [] : [{ kind: 'link' as const, cause: problem, subject }]),
  ];
}

/** `sessions`: those of its town. */
export function workTrouble(
  { id, state, note, owner, rig }: WorkView,
  { sessions }: Pick<TownSnapshot, 'sessions'>,
): Trouble | undefined {
  const subject = { work: id, rig };
  switch (state) {
    case 'stalled':
    case 'failed':
    case 'escalated':
      return { kind: state, cause: note === undefined ? `${id} is ${state}` : inShort(note), subject };
    case 'assigned':
    case 'running': {
      const session = sessions.find((each) => each.id === owner);
      // A unit is assigned before its session is there.
      if (session ? !hasEnded(session) : state === 'assigned') return undefined;
      return { kind: 'ownerless', cause: `${id} is ${state}, but ${owner ?? 'nobody'} does not run`, subject };
    }
    case 'open':
    case 'queued':
    case 'done':
    case 'cancelled':
      return undefined;
  }
}

export function escalationTrouble(
  { id, kind, message, session, work }: EscalationView,
  { sessions }: Pick<TownSnapshot, 'sessions'>,
  backends: AccountAdvice,
): Trouble {
  const backend = sessions.find((each) => each.id === session)?.backend;
  const accountAdvice = backends.find(({ name }) => name === backend)?.accountAdvice;
  return { kind, cause: inShort(message), subject: { session, work, escalation: id, accountAdvice } };
}

/** Kinds that the session or the unit itself shows while they last, so that their escalations add nothing. */
export const toldOfSubject: readonly EscalationKind[] = ['quarantined', 'stalled', 'failed', 'escalated'];

export function rigTrouble({ name, problem, toReview }: RigView): Trouble | undefined {
  if (problem !== undefined) return { kind: 'rig', cause: problem, subject: { rig: name } };
  return toReview === undefined ? undefined : { kind: 'consent', cause: consentCause(name), subject: { rig: name } };
}

export function problemTrouble({ kind = 'settings', file, line, message, subject = {} }: Problem): Trouble {
  const place = file === undefined ? '' : `${file}${line === undefined ? '' : `:${line}`}: `;
  return { kind, cause: `${place}${message}`, subject };
}

/** A limit has to end; what else is open is tried when it has been put right. */
export const kindOfBreaker = ({ limited }: OpenBreaker): 'breaker' | 'model-rate-limit' =>
  limited ? 'model-rate-limit' : 'breaker';

export const breakerTrouble = (breaker: BackendPart['breaker']): Trouble => ({
  kind: kindOfBreaker(breaker),
  cause: `stopped: ${againstText(breaker)}`,
  subject: {},
});

/** Agents read it, too: none of it can pass for another's word. */
const inShort = (text: string): string => cutText(sanitizeLine(text), longestCause);
