import type { FailurePolicy } from '../config/failure-policy.ts';
import type { Outbox } from '../messages/outbox.ts';
import type { Role, SessionInfo } from '../domain/orchestrator.ts';
import type { SessionManager } from '../sessions/manager.ts';
import type { Registry } from '../sessions/registry.ts';
import { hasDied } from '../domain/session-state.ts';
import type { Store } from '../store/store.ts';
import type { StoredWork } from '../store/work.ts';
import { ownedStates } from '../domain/work-state.ts';
import type { Facts, SessionFacts, UnitFacts } from './facts.ts';
import { closedNoticeId } from '../orchestration/requeue.ts';

export interface FactSources {
  store: Store;
  registry: Registry;
  manager: SessionManager;
  outbox: Outbox;
  /** The policy of a rig, or of the town for `''`. */
  policyOf: (rig: string) => FailurePolicy;
  hasRig: (rig: string) => boolean;
  /** After how long an idle session of the role is stopped because it runs on demand only, in ms. */
  sleepAfterMs: (role: Role) => number | undefined;
}

/** Whoever has closed a unit, its session is told within this time, also after a restart of the host. In ms. */
const closedFor = 3_600_000;

/** Sessions and units that may have changed. */
export interface Subjects {
  sessions: Iterable<string>;
  units: Iterable<string>;
}

/**
 * Looks at what the rules judge by: everything, or what they need to judge these, which is also the units of a session, the
 * session of a unit, and those that ended with the same. `inHand`: sessions and units about which something is being done.
 */
export function gatherFacts(sources: FactSources, inHand: ReadonlySet<string>, about?: Subjects): Facts {
  const { store, registry, manager } = sources;
  const now = manager.now();
  const since = now - closedFor;
  const { sessions, units } = about
    ? concerned(sources, about, since)
    : { sessions: registry.list(), units: [...store.work.unfinished(), ...store.work.closedSince(since)] };
  const sequence = store.work.sequenceOf(units.map(({ id }) => id));
  return {
    now,
    countedFrom: (at) => manager.clock.countedFrom(at),
    sessions: sessions.map((session) => sessionFacts(sources, inHand, session, now)),
    units: units
      .map((unit) => unitFacts(sources, inHand, unit, sequence.get(unit.id) ?? 0))
      .sort((a, b) => a.sequence - b.sequence),
    wasRaised: (key) => store.escalations.byKey(key) !== undefined,
  };
}

function concerned(
  { store, registry }: FactSources,
  about: Subjects,
  since: number,
): { sessions: SessionInfo[]; units: StoredWork[] } {
  const sessions = new Map<string, SessionInfo>();
  const units = new Map<string, StoredWork>();
  const owners = new Set<string>();
  const take = (id: string): void => {
    if (owners.has(id)) return;
    owners.add(id);
    const session = registry.find(id);
    if (session) sessions.set(id, session);
    for (const unit of store.work.concerning(id, since)) units.set(unit.id, unit);
  };
  for (const id of about.sessions) take(id);
  for (const id of about.units) {
    const unit = store.work.get(id);
    if (!unit) continue;
    if (unit.owner !== undefined) take(unit.owner);
    const isClosed = unit.state === 'done' || unit.state === 'cancelled';
    if (!isClosed) units.set(id, unit);
  }
  const shared = new Set(
    [...sessions.values()].flatMap((session) => (hasDied(session) ? (session.lostWith ?? []) : [])),
  );
  if (shared.size > 0)
    for (const other of registry.list())
      if (other.lostWith !== undefined && shared.has(other.lostWith) && hasDied(other)) take(other.id);
  return {
    sessions: [...sessions.values()].sort((a, b) => a.startedAt - b.startedAt || a.id.localeCompare(b.id)),
    units: [...units.values()],
  };
}

function sessionFacts(
  { store, manager, outbox, policyOf, sleepAfterMs }: FactSources,
  inHand: ReadonlySet<string>,
  session: SessionInfo,
  now: number,
): SessionFacts {
  const { id, role, runId, state, activity, since, cause, rig, asks } = session;
  const policy = policyOf(rig);
  const sleepAfter = sleepAfterMs(role);
  // Only what the rules ask for is looked up: this is done after every change.
  const dead = hasDied(session);
  const busy = activity.kind === 'busy';
  const idle = activity.kind === 'idle';
  return {
    id,
    role,
    runId,
    state,
    activity: activity.kind,
    since,
    cause,
    endedUnseen: session.endedUnseen === true,
    ...(session.lostWith === undefined ? {} : { lostWith: session.lostWith }),
    settled: dead && store.sessions.isSettled(runId),
    quarantined: dead && store.sessions.session(id)?.quarantined !== undefined,
    failedStarts: dead ? store.sessions.failedStarts(id) : 0,
    restarts: dead || busy ? store.sessions.restartsSince(id, now - policy.restarts.windowMs).length : 0,
    progressAt: Math.max(since, manager.progressOf(runId) ?? 0),
    waiting: idle ? outbox.queued(id) + asks.length : 0,
    unreadMail: idle ? store.messages.countUnread(id) : 0,
    ...(sleepAfter === undefined ? {} : { sleepAfterMs: sleepAfter }),
    inHand: inHand.has(id) || manager.isRestarting(id),
    policy,
  };
}

function unitFacts(
  { store, policyOf, hasRig, registry }: FactSources,
  inHand: ReadonlySet<string>,
  unit: StoredWork,
  sequence: number,
): UnitFacts {
  const { id, state, owner, runId, changedAt, assignedAt, attempts, notBefore, rig, dispatch, priority } = unit;
  const session = owner === undefined ? undefined : registry.find(owner);
  const owned = ownedStates.includes(state);
  return {
    id,
    state,
    changedAt,
    attempts,
    priority,
    sequence,
    waits: dispatch?.waits ?? false,
    ...(owner === undefined ? {} : { owner }),
    ...(runId === undefined ? {} : { runId }),
    ...(assignedAt === undefined ? {} : { assignedAt }),
    ...(notBefore === undefined ? {} : { notBefore }),
    delivered: state === 'assigned' && session !== undefined && store.messages.wasGiven(session.runId, id),
    reminded: state === 'running' && session !== undefined && store.messages.wasReminded(session.runId, id),
    startFailed: dispatch?.startFailed ?? false,
    byOwner: !owned && owner !== undefined && store.work.lastMove(id)?.by === owner,
    toldClosed: !owned && store.messages.get(closedNoticeId(unit)) !== undefined,
    canBeSlung: hasRig(rig),
    inHand: inHand.has(id),
    policy: policyOf(rig),
  };
}
