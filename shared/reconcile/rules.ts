/**
 * The rules by which trouble is dealt with: pure, over facts, without any judgement of a model. Each session and each unit
 * gets at most one action at a time; carrying it out changes the facts, and the rules are asked again. At rest there is
 * none.
 */
import type { EscalationKey } from '../domain/escalation-key.ts';
import type { SessionId } from '../domain/orchestrator.ts';
import { ownedStates } from '../domain/work-state.ts';
import type { Severity } from '../domain/severity.ts';
import type { Facts, SessionFacts, UnitFacts } from './facts.ts';

export type Rule =
  | 'dead-process'
  | 'lost-server'
  | 'hung-turn'
  | 'idle-session'
  | 'missed-event'
  | 'dead-session-unit'
  | 'stalled-unit'
  | 'failed-unit'
  | 'failed-start'
  | 'escalated-unit'
  | 'closed-unit'
  | 'due-unit';

export type SessionAct =
  | { kind: 'restart' }
  /** It is not started again until a user resets it. */
  | { kind: 'quarantine' }
  /** It stays ended: what waited for it is told so, and its worktree goes where that loses nothing. */
  | { kind: 'settle' }
  | { kind: 'stop' }
  | { kind: 'escalate'; severity: Severity; key: EscalationKey };

export type UnitAct =
  | { kind: 'running'; runId: string }
  /** Back to open, nobody's. */
  | { kind: 'release' }
  | { kind: 'stall' }
  | { kind: 'remind'; session: SessionId }
  /** Queued for another attempt, by `to` where it lives then, else by a new session, which takes the place of `stop`. */
  | { kind: 'requeue'; notBefore: number; to?: SessionId; stop?: SessionId }
  /** `moves`: the unit becomes escalated by it, and stays so until a user resets it. */
  | { kind: 'escalate'; severity: Severity; key: EscalationKey; moves: boolean }
  | { kind: 'tell-closed'; session: SessionId }
  | { kind: 'dispatch' };

/** `reason` is for people: the timeline and the unit's history show it. */
export type Action = { rule: Rule; reason: string } & (
  { session: SessionId; act: SessionAct } | { work: string; act: UnitAct }
);

export interface Verdict {
  actions: Action[];
  /** Whose facts mean something else at a time although nothing happens until then. */
  later: Later[];
}

/** `at`: epoch milliseconds. */
export type Later = { at: number } & ({ session: SessionId } | { work: string });

/** An idle session whose turn's end was never reported is taken at its word after so long, in milliseconds. */
export const missedEndMs = 30_000;
/** A session that died this often before it was ready is not started again. */
const failedStartBound = 2;

type Judgement<A> = { rule: Rule; reason: string; act: A } | { due: number } | undefined;

/** The facts, by whom they concern: what is asked of each session and unit must not cost with how many others there are. */
interface World extends Facts {
  session: ReadonlyMap<SessionId, SessionFacts>;
  unitsOf: ReadonlyMap<SessionId, readonly UnitFacts[]>;
  /** How many that are dead and not settled ended with the same. */
  lostWith: ReadonlyMap<string, number>;
}

export function reconcile(given: Facts): Verdict {
  const facts = worldOf(given);
  const actions: Action[] = [];
  const later: Later[] = [];
  for (const session of facts.sessions) {
    const judged = session.inHand ? undefined : judgeSession(session, facts);
    if (judged && 'due' in judged) later.push({ at: judged.due, session: session.id });
    else if (judged) actions.push({ ...judged, session: session.id });
  }
  const begun: { unit: UnitFacts; action: Action }[] = [];
  for (const unit of facts.units) {
    const judged = unit.inHand ? undefined : judgeUnit(unit, facts);
    if (judged && 'due' in judged) later.push({ at: judged.due, work: unit.id });
    else if (judged?.act.kind === 'dispatch') begun.push({ unit, action: { ...judged, work: unit.id } });
    else if (judged) actions.push({ ...judged, work: unit.id });
  }
  begun.sort((a, b) => mostUrgentFirst(a.unit, b.unit));
  actions.push(...begun.map(({ action }) => action));
  return { actions, later };
}

function worldOf(facts: Facts): World {
  const lostWith = new Map<string, number>();
  for (const session of facts.sessions) {
    if (session.lostWith === undefined || session.settled || !isDead(session)) continue;
    lostWith.set(session.lostWith, (lostWith.get(session.lostWith) ?? 0) + 1);
  }
  const unitsOf = new Map<SessionId, UnitFacts[]>();
  for (const unit of facts.units) {
    if (unit.owner === undefined) continue;
    const units = unitsOf.get(unit.owner);
    if (units) units.push(unit);
    else unitsOf.set(unit.owner, [unit]);
  }
  return { ...facts, session: new Map(facts.sessions.map((each) => [each.id, each])), unitsOf, lostWith };
}

/** The order in which units begin that may begin at once. */
const mostUrgentFirst = (a: UnitFacts, b: UnitFacts): number => a.priority - b.priority || a.sequence - b.sequence;

function judgeSession(session: SessionFacts, facts: World): Judgement<SessionAct> {
  switch (session.state) {
    case 'failed':
      return judgeDead(session, facts);
    case 'running':
      return session.activity === 'busy' ? judgeBusy(session, facts) : judgeIdle(session, facts);
    case 'stopped':
      return session.endedUnseen ? judgeDead(session, facts) : undefined;
    case 'starting':
    case 'paused':
      return undefined;
  }
}

/** Whether it ended, and nobody wanted that: unlike a stop that somebody asked for, or its own orderly end. */
function isDead({ state, endedUnseen }: SessionFacts): boolean {
  return state === 'failed' || endedUnseen;
}

/** What becomes of a session that is dead. */
function judgeDead(session: SessionFacts, facts: World): Judgement<SessionAct> {
  if (session.quarantined || session.settled) return undefined;
  const alike = session.lostWith === undefined ? 0 : (facts.lostWith.get(session.lostWith) ?? 0);
  const rule = alike > 1 ? 'lost-server' : 'dead-process';
  const owned = (facts.unitsOf.get(session.id) ?? []).filter((unit) => has(session, unit));
  // What has stalled waits for the user: nothing begins again because the editor was started. One that dies under their eyes
  // comes back for it, with what they have told it last; the unit itself is put before the model by their word only.
  const hasWork = owned.some(({ state }) => state !== 'stalled' || !session.endedUnseen);
  const { cause } = session;
  const { max, windowMs } = session.policy.restarts;
  // Nobody waits for a polecat without work; and nobody has asked for the others since the window was closed.
  const wanted = hasWork || (session.role !== 'polecat' && !session.endedUnseen);
  if (!wanted) {
    const why = owned.length > 0 ? 'its work has stalled and waits for you' : 'it has no work';
    return { rule, act: { kind: 'settle' }, reason: `${cause}; ${why}, so it is not restarted` };
  }
  if (max === 0) return { rule, act: { kind: 'settle' }, reason: `${cause}; failure_policy.restarts.max is 0` };
  if (session.failedStarts >= failedStartBound) {
    return {
      rule,
      act: { kind: 'quarantine' },
      reason: `it did not start ${session.failedStarts} times in a row: ${cause}`,
    };
  }
  if (session.restarts >= max) {
    const often = `it was restarted ${session.restarts === 1 ? 'once' : `${session.restarts} times`} in ${windowMs / 1000} s`;
    return { rule, act: { kind: 'quarantine' }, reason: `${often} and ended again: ${cause}` };
  }
  return { rule, act: { kind: 'restart' }, reason: cause };
}

function judgeBusy(session: SessionFacts, { now, countedFrom, wasRaised }: World): Judgement<SessionAct> {
  const { id, policy, runId, progressAt } = session;
  const from = countedFrom(progressAt);
  const due = from + policy.hungMs;
  if (now < due) return { due };
  const rule = 'hung-turn';
  const reason = `busy without any progress for ${Math.floor((now - from) / 60_000)} minutes`;
  if (policy.hung === 'restart' && session.restarts < policy.restarts.max)
    return { rule, act: { kind: 'restart' }, reason };
  const key = { kind: 'hung', subject: id, run: runId, since: progressAt } as const;
  if (wasRaised(key)) return undefined;
  return { rule, act: { kind: 'escalate', severity: 'high', key }, reason };
}

function judgeIdle(session: SessionFacts, facts: World): Judgement<SessionAct> {
  const { policy, role, since, sleepAfterMs } = session;
  const after = role === 'polecat' ? policy.idleStopMs : sleepAfterMs;
  if (after === undefined || !isFree(session, facts)) return undefined;
  const from = facts.countedFrom(since);
  const due = from + after;
  if (facts.now < due) return { due };
  const reason = `idle without work for ${Math.floor((facts.now - from) / 60_000)} minutes`;
  return { rule: 'idle-session', act: { kind: 'stop' }, reason };
}

/** Idle, with nothing that waits for it, and no unit but `besides`. */
function isFree(session: SessionFacts, { unitsOf }: World, besides?: UnitFacts): boolean {
  if (session.activity !== 'idle' || session.waiting > 0) return false;
  // The mail of a role that exists once waits for its next run.
  if (session.role === 'polecat' && session.unreadMail > 0) return false;
  return unitsOf.get(session.id)?.some((unit) => unit !== besides && has(session, unit)) !== true;
}

function judgeUnit(unit: UnitFacts, facts: World): Judgement<UnitAct> {
  const owner = unit.owner === undefined ? undefined : facts.session.get(unit.owner);
  switch (unit.state) {
    case 'queued':
      if (unit.waits) return undefined;
      if (unit.notBefore !== undefined && facts.now < unit.notBefore) return { due: unit.notBefore };
      return {
        rule: 'due-unit',
        act: { kind: 'dispatch' },
        reason: unit.attempts === 0 ? 'queued' : `attempt ${unit.attempts + 1}`,
      };
    case 'assigned':
    case 'running':
    case 'stalled':
      return judgeOwned(unit, owner, facts);
    case 'failed':
      return judgeClosed(unit, owner) ?? judgeFailed(unit, owner, facts);
    case 'escalated':
      return judgeClosed(unit, owner) ?? judgeEscalated(unit, facts);
    case 'done':
    case 'cancelled':
      return judgeClosed(unit, owner);
    case 'open':
      return undefined;
  }
}

/**
 * Whether the session has the unit. One that it got after its end is for the next session of its name, which is being
 * started.
 */
function has(session: SessionFacts, { owner, state, assignedAt = 0 }: UnitFacts): boolean {
  if (owner !== session.id || !ownedStates.includes(state)) return false;
  const ended = session.state === 'stopped' || session.state === 'failed';
  return !(ended && state === 'assigned' && assignedAt > session.since);
}

function judgeOwned(unit: UnitFacts, owner: SessionFacts | undefined, facts: World): Judgement<UnitAct> {
  if (!owner) {
    // A unit is assigned before its session is there.
    if (unit.state === 'assigned') return undefined;
    return {
      rule: 'dead-session-unit',
      act: { kind: 'release' },
      reason: `${unit.owner ?? 'its session'} is not there any more`,
    };
  }
  if (owner.inHand || !has(owner, unit)) return undefined;
  if (owner.state === 'stopped' && !owner.endedUnseen) {
    return { rule: 'missed-event', act: { kind: 'release' }, reason: `${owner.id} ended (${owner.cause})` };
  }
  if (isDead(owner)) {
    if (!owner.quarantined && !owner.settled) return undefined;
    if (unit.state !== 'stalled')
      return { rule: 'dead-session-unit', act: { kind: 'stall' }, reason: `${owner.id} ended (${owner.cause})` };
    return judgeStalled(unit, owner, facts);
  }
  if (unit.state === 'assigned') {
    if (!unit.delivered) return undefined;
    return { rule: 'missed-event', act: { kind: 'running', runId: owner.runId }, reason: 'the model has it' };
  }
  if (unit.state === 'stalled') return judgeStalled(unit, owner, facts);
  return judgeRunning(unit, owner, facts);
}

/** A turn's end that nobody reported: the session is idle since after it got the unit, and nothing is on its way to it. */
function judgeRunning(unit: UnitFacts, owner: SessionFacts, { now, countedFrom }: World): Judgement<UnitAct> {
  if (owner.activity !== 'idle' || owner.waiting > 0) return undefined;
  // A time to come was noted before the clock was set back.
  if (owner.since < unit.changedAt && unit.changedAt <= now) return undefined;
  const due = countedFrom(owner.since) + missedEndMs;
  if (now < due) return { due };
  const rule = 'missed-event';
  if (!unit.reminded)
    return { rule, act: { kind: 'remind', session: owner.id }, reason: 'idle, but its turn was not seen to end' };
  return { rule, act: { kind: 'stall' }, reason: 'idle after the reminder without a report' };
}

function judgeStalled(unit: UnitFacts, owner: SessionFacts, facts: World): Judgement<UnitAct> {
  const { policy } = unit;
  const rule = 'stalled-unit';
  if (policy.stalled === 'leave') return undefined;
  if (policy.stalled === 'reassign' && unit.canBeSlung && unit.attempts < policy.retries) {
    // Else each attempt would leave one more session that runs for nothing.
    const stop = owner.role === 'polecat' && owner.state === 'running' && isFree(owner, facts, unit);
    return {
      rule,
      act: { kind: 'requeue', notBefore: facts.now, ...(stop ? { stop: owner.id } : {}) },
      reason: `stalled with ${owner.id}, so another session gets it`,
    };
  }
  // The quarantine has told of it.
  if (owner.quarantined) return undefined;
  const act = escalation({ kind: 'stalled', subject: unit.id, since: unit.changedAt }, 'medium', facts);
  return act && { rule, act, reason: `${unit.id} is stalled: ${owner.id} stopped working on it without a report` };
}

function judgeFailed(unit: UnitFacts, owner: SessionFacts | undefined, { now }: World): Judgement<UnitAct> {
  const { policy, attempts, startFailed } = unit;
  const wanted = startFailed ? policy.spawnFailure : unit.byOwner ? policy.workFailure : 'leave';
  if (wanted === 'leave' || wanted === 'fail') return undefined;
  const rule = startFailed ? 'failed-start' : 'failed-unit';
  const same = wanted === 'retry' && !startFailed && owner?.state === 'running';
  if (wanted !== 'escalate' && attempts < policy.retries && (same || unit.canBeSlung)) {
    const notBefore = now + policy.backoffMs * 2 ** attempts;
    const reason = `failed, so it is tried again (${attempts + 1} of ${policy.retries})`;
    return { rule, act: { kind: 'requeue', notBefore, ...(same ? { to: owner.id } : {}) }, reason };
  }
  const often = attempts === 0 ? '' : ` ${attempts + 1} times`;
  const reason = startFailed ? `no session could be started for ${unit.id}${often}` : `${unit.id} failed${often}`;
  return {
    rule,
    act: {
      kind: 'escalate',
      severity: 'medium',
      key: { kind: 'failed', subject: unit.id, since: unit.changedAt },
      moves: true,
    },
    reason,
  };
}

/** The session said that it is beyond it. */
function judgeEscalated(unit: UnitFacts, facts: World): Judgement<UnitAct> {
  if (!unit.byOwner) return undefined;
  const act = escalation({ kind: 'escalated', subject: unit.id, since: unit.changedAt }, 'medium', facts);
  return act && { rule: 'escalated-unit', act, reason: `${unit.owner ?? 'its session'} cannot finish ${unit.id}` };
}

/** A session must not go on with what is closed. */
function judgeClosed(unit: UnitFacts, owner: SessionFacts | undefined): Judgement<UnitAct> {
  if (unit.byOwner || unit.toldClosed || owner?.state !== 'running' || owner.runId !== unit.runId) return undefined;
  return {
    rule: 'closed-unit',
    act: { kind: 'tell-closed', session: owner.id },
    reason: `${unit.id} is ${unit.state} by somebody else`,
  };
}

function escalation(
  key: EscalationKey,
  severity: Severity,
  { wasRaised }: World,
): (UnitAct & { kind: 'escalate' }) | undefined {
  return wasRaised(key) ? undefined : { kind: 'escalate', severity, key, moves: false };
}
