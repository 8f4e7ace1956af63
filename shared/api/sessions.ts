import type { CallerView, Params, Results } from '../channel/protocol.ts';
import { GasTownError } from '../platform/errors.ts';
import { townRoles } from '../domain/orchestrator.ts';
import type { Role } from '../domain/orchestrator.ts';
import { hasEnded } from '../domain/session-state.ts';
import { tidyDismissed } from '../orchestration/cleanup.ts';
import { getOrchestrator } from '../orchestration/backend-orchestrator.ts';
import { restartEnded, spawnSession as spawn } from '../orchestration/spawn-session.ts';
import { nameOfCaller } from './caller.ts';
import type { ApiContext } from './context.ts';
import type { SessionView } from '../channel/views.ts';

/** What the orchestrators tell of, and what only the registry remembers. */
export async function listSessions(
  town: ApiContext,
  _params: Params<'session.list'>,
  _caller: CallerView,
  signal: AbortSignal,
): Promise<Results['session.list']> {
  const living = await Promise.all(
    [...town.orchestrators.values()].map((orchestrator) => orchestrator.listSessions(signal)),
  );
  const ids = new Set(living.flat().map(({ id }) => id));
  const sessions = town.registry.list().filter((session) => ids.has(session.id) || hasEnded(session));
  return { sessions: sessions.map((session) => town.views.session(session)), backends: town.views.backendViews() };
}

export async function spawnSession(
  town: ApiContext,
  { role, rig, name, agent, backend }: Params<'session.spawn'>,
  caller: CallerView,
  signal: AbortSignal,
): Promise<SessionView> {
  const order = { role, rig: rigOf(town, role, rig), name, agent, backend };
  return town.views.session(await spawn(town, order, nameOfCaller(caller), signal));
}

export async function stopSession(town: ApiContext, id: string, caller: CallerView): Promise<SessionView> {
  const before = town.registry.get(id);
  const { runId, backend } = before;
  town.store.addEvent({
    at: town.manager.now(),
    sessionId: id,
    runId,
    type: 'session.stop-requested',
    detail: { by: nameOfCaller(caller) },
  });
  await getOrchestrator(town.orchestrators, { backend }).terminateSession(id);
  // The next worker of the name may come at once: it finds the place as it will be.
  await town.endings.settled(id);
  const after = town.registry.find(id);
  // Of one that was being started nothing is left.
  const stopped = {
    ...before,
    state: 'stopped',
    since: town.manager.now(),
    cause: 'stopped before it was ready',
  } as const;
  return town.views.session(after?.runId === runId ? after : stopped);
}

/** Takes a session that has ended off the list; its work is open again, and its conversation is not resumed any more. */
export async function dismissSession(
  town: ApiContext,
  { session: id }: Params<'session.dismiss'>,
  caller: CallerView,
): Promise<SessionView> {
  const { runId } = town.registry.get(id);
  const session = await town.manager.dismiss(id);
  const view = town.views.session(session);
  town.outbox.expire(id, `${id} was dismissed before it had this`);
  const at = town.manager.now();
  const detail = { by: nameOfCaller(caller) };
  town.store.backlog.keep(() => town.store.addEvent({ at, sessionId: id, runId, type: 'session.dismissed', detail }));
  // What it did last is read from its worktree.
  await town.endings.settled(id);
  await tidyDismissed(town, session);
  return view;
}

/** Starts a session again that has ended, with its conversation; where it was quarantined, that is lifted. */
export async function resetSession(
  town: ApiContext,
  { session: id }: Params<'session.reset'>,
  caller: CallerView,
  signal: AbortSignal,
): Promise<SessionView> {
  town.manager.requireTrust();
  const session = town.registry.get(id);
  if (!hasEnded(session)) {
    throw new GasTownError('refused', `${id} has not ended: it is ${session.state}. There is nothing to reset.`);
  }
  const by = nameOfCaller(caller);
  const reason = session.state === 'failed' ? `reset by ${by}` : `started again by ${by}`;
  return town.views.session(await restartEnded(town, session, { reason, by }, signal));
}

export async function primeSession(
  town: ApiContext,
  params: Params<'session.prime'>,
  caller: CallerView,
): Promise<Results['session.prime']> {
  const id = ownSession(params.session, caller, 'gt prime');
  const session = town.store.sessions.session(town.registry.get(id).id);
  if (!session) throw new GasTownError('unknown-session', `${id} has no record in this town.`);
  return { text: await town.contexts.prime(session) };
}

/** The session that a call is about: named, or the calling one. */
export function ownSession(named: string | undefined, caller: CallerView, command: string): string {
  if (named !== undefined) return named;
  if (caller.kind === 'session') return caller.session;
  throw new GasTownError(
    'bad-input',
    `"${command}" is for a session's own shell. Name the session to do it from here.`,
  );
}

function rigOf(town: ApiContext, role: Role, given: string | undefined): string {
  if (townRoles.includes(role)) {
    if (given) throw new GasTownError('bad-input', `The ${role} belongs to the town, not to a rig. Leave the rig out.`);
    return '';
  }
  if (given) return town.rigs.get(given).name;
  const [only, ...others] = town.rigs.names();
  if (only === undefined)
    throw new GasTownError(
      'unknown-rig',
      `A ${role} needs a rig, and the town has none yet. Add one: "Gas Town: Add Rig".`,
    );
  if (others.length > 0)
    throw new GasTownError('bad-input', `Which rig? The town has ${town.rigs.names().join(', ')}.`);
  return only;
}
