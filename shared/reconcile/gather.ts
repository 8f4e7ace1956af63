import type { FailurePolicy } from '../config/failure-policy.ts';
import type { Outbox } from '../mail/outbox.ts';
import type { SessionInfo } from '../orchestrator.ts';
import type { SessionManager } from '../sessions/manager.ts';
import type { Registry } from '../sessions/registry.ts';
import { hasDied } from '../sessions/session-info.ts';
import type { Store } from '../store/store.ts';
import type { StoredWork } from '../store/work.ts';
import { ownedStates } from '../work/state.ts';
import type { Facts, SessionFacts, UnitFacts } from './facts.ts';

export interface FactSources {
  store: Store;
  registry: Registry;
  manager: SessionManager;
  outbox: Outbox;
  /** The policy of a rig, or of the town for `''`. */
  policyOf: (rig: string) => FailurePolicy;
  hasRig: (rig: string) => boolean;
}

/** Whoever has closed a unit, its session is told within this time, also after a restart of the host. In ms. */
const closedFor = 3_600_000;

/** The message by which a session is told that its unit is closed; one id for each time. */
export const closedNoticeId = ({ id, changedAt }: Pick<StoredWork, 'id' | 'changedAt'>): string =>
  `closed_${id}_${changedAt}`;

/** Looks at everything that the rules judge by. `inHand`: sessions and units about which something is being done. */
export function gatherFacts(sources: FactSources, inHand: ReadonlySet<string>): Facts {
  const { store, registry, manager } = sources;
  const now = manager.now();
  const units = [...store.work.unfinished(), ...store.work.closedSince(now - closedFor)];
  return {
    now,
    sessions: registry.list().map((session) => sessionFacts(sources, inHand, session, now)),
    units: units.map((unit) => unitFacts(sources, inHand, unit)),
    wasRaised: (cause) => store.escalations.byCause(cause) !== undefined,
  };
}

function sessionFacts(
  { store, manager, outbox, policyOf }: FactSources,
  inHand: ReadonlySet<string>,
  session: SessionInfo,
  now: number,
): SessionFacts {
  const { id, role, runId, state, activity, since, cause, rig, asks } = session;
  const policy = policyOf(rig);
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
    settled: dead && store.sessions.isSettled(runId),
    quarantined: dead && store.sessions.session(id)?.quarantined !== undefined,
    failedStarts: dead ? store.sessions.failedStarts(id) : 0,
    restarts: dead || busy ? store.sessions.restartsSince(id, now - policy.restarts.windowMs).length : 0,
    progressAt: Math.max(since, manager.progressOf(runId) ?? 0),
    waiting: idle ? outbox.queued(id) + asks.length : 0,
    unreadMail: idle ? store.messages.countUnread(id) : 0,
    inHand: inHand.has(id) || manager.isRestarting(id),
    policy,
  };
}

function unitFacts(
  { store, policyOf, hasRig, registry }: FactSources,
  inHand: ReadonlySet<string>,
  unit: StoredWork,
): UnitFacts {
  const { id, state, owner, runId, changedAt, assignedAt, attempts, notBefore, rig, dispatch } = unit;
  const session = owner === undefined ? undefined : registry.find(owner);
  const owned = ownedStates.includes(state);
  return {
    id,
    state,
    changedAt,
    attempts,
    ...(owner === undefined ? {} : { owner }),
    ...(runId === undefined ? {} : { runId }),
    ...(assignedAt === undefined ? {} : { assignedAt }),
    ...(notBefore === undefined ? {} : { notBefore }),
    delivered:
      state === 'assigned' && session !== undefined && store.messages.wasGiven(session.runId, id, assignedAt ?? 0),
    reminded: state === 'running' && session !== undefined && store.messages.wasReminded(session.runId, id),
    startFailed: dispatch?.startFailed ?? false,
    byOwner: !owned && owner !== undefined && store.work.history(id).at(-1)?.by === owner,
    toldClosed: !owned && store.messages.get(closedNoticeId(unit)) !== undefined,
    canBeSlung: hasRig(rig),
    inHand: inHand.has(id),
    policy: policyOf(rig),
  };
}
