import { join } from 'node:path';
import type { CallerView, Params, Results } from '../../channel/protocol.ts';
import type { AgentChoice } from '../../backends/choose.ts';
import { GasTownError } from '../../errors.ts';
import { openRepository } from '../../git/repository.ts';
import { worktreePath } from '../../git/worktree-places.ts';
import { townRoles } from '../../orchestrator.ts';
import type { Orchestrator, Role, SessionConfig, SessionId, SessionInfo } from '../../orchestrator.ts';
import { sessionIdOf } from '../../roles/names.ts';
import { restartSession } from '../../sessions/restart.ts';
import type { SessionRestart } from '../../sessions/restart.ts';
import { hasEnded } from '../../sessions/session-info.ts';
import { getOrchestrator } from '../../sessions/orchestrator.ts';
import { nameOfCaller } from '../parts.ts';
import type { TownParts } from '../parts.ts';
import type { SessionView } from '../snapshot.ts';
import { noteChoice, withAgent } from './with-agent.ts';
import { withWorkerName } from './worker-names.ts';

/** Branch of a polecat that has no work yet, below `polecat/<name>/`. */
const withoutWork = 'idle';

/** Starts a session of a role, without work. A polecat gets its own worktree from the beginning, as when it is slung. */
export async function spawnSession(
  town: TownParts,
  params: Params<'session.spawn'>,
  caller: CallerView,
  signal: AbortSignal,
): Promise<SessionView> {
  town.requireTrust();
  const { role } = params;
  const rig = rigOf(town, role, params.rig);
  return withWorkerName(town, { role, rig, given: params.name }, (name) =>
    spawnNamed(town, { ...params, rig, name }, caller, signal),
  );
}

async function spawnNamed(
  town: TownParts,
  params: Params<'session.spawn'> & { rig: string; name: string },
  caller: CallerView,
  signal: AbortSignal,
): Promise<SessionView> {
  const { role, rig, name: agentName } = params;
  const workDir = await workDirOf(town, role, rig);
  const wanted = { role, rig, name: agentName, agent: params.agent, backend: params.backend };
  const ended = town.registry.find(sessionIdOf(role, rig, agentName));
  if (ended && isResumable(town, ended, workDir)) return resumeSession(town, ended, params, caller, signal);
  return withAgent(town, wanted, nameOfCaller(caller), async (choice) => {
    const config = { role, rig, agentName, agent: choice.agent.name, workDir, metadata: { by: nameOfCaller(caller) } };
    const id =
      role === 'polecat'
        ? await spawnPolecat(town, config, choice, signal)
        : await orchestratorOf(town, choice).spawnSession(config, signal);
    noteChoice(town, id, choice);
    return town.builder.session(town.registry.get(id));
  });
}

/**
 * Whether a session of this name has ended that still has its conversation, so that a start resumes it. The name of a polecat
 * that was stopped goes to the next worker, with nothing of the last one's.
 */
function isResumable(town: TownParts, session: SessionInfo, workDir: string): boolean {
  if (!hasEnded(session) || town.manager.isRestarting(session.id)) return false;
  if (session.role === 'polecat' ? !session.endedUnseen : session.workDir !== workDir) return false;
  return town.store.sessions.lastReference(session.id) !== undefined;
}

/** Starts it with the agent that it had, unless the caller names another. */
async function resumeSession(
  town: TownParts,
  session: SessionInfo,
  { agent, backend }: Params<'session.spawn'>,
  caller: CallerView,
  signal: AbortSignal,
): Promise<SessionView> {
  const { id, role, rig, agentName } = session;
  const by = nameOfCaller(caller);
  const named = agent !== undefined || backend !== undefined;
  const reason = `started again by ${by}`;
  if (!named) return restartEnded(town, session, { reason, by }, signal);
  return withAgent(town, { role, rig, name: agentName, agent, backend }, by, async (choice) => {
    const view = await restartEnded(town, session, { reason, by, agent: choice.agent }, signal);
    noteChoice(town, id, choice);
    return view;
  });
}

/** What led to its end is not held against it any more. */
async function restartEnded(
  town: TownParts,
  session: SessionInfo,
  restart: SessionRestart,
  signal: AbortSignal,
): Promise<SessionView> {
  // That of a polecat without work may have gone with its end.
  if (session.role === 'polecat' && session.branch !== undefined) {
    const repository = town.rigs.get(session.rig).path;
    await town.worktrees.create(
      repository,
      town.rigs.worktreeOf(session),
      session.branch,
      { session: session.id, rig: session.rig },
      signal,
    );
  }
  town.store.sessions.reset(session.id);
  return town.builder.session(await restartSession(town, session.id, restart, signal));
}

async function spawnPolecat(
  town: TownParts,
  config: SessionConfig,
  choice: AgentChoice,
  signal: AbortSignal,
): Promise<SessionId> {
  const { rig, agentName } = config;
  const { path: repository, subfolder } = town.rigs.get(rig);
  const worker = { session: sessionIdOf('polecat', rig, agentName), rig };
  requireFreeId(town, worker.session);
  const path = worktreePath(town.paths, rig, agentName);
  const worktree = await town.worktrees.create(repository, path, `polecat/${agentName}/${withoutWork}`, worker, signal);
  try {
    const session = await orchestratorOf(town, choice).spawnSession(
      { ...config, workDir: join(worktree.path, subfolder), branch: worktree.branch },
      signal,
    );
    if (worktree.warning !== undefined) {
      town.store.addEvent({
        at: town.manager.now(),
        sessionId: session,
        type: 'worktree.hook-failed',
        detail: { reason: worktree.warning },
      });
    }
    return session;
  } catch (error) {
    const place = { repository, path: worktree.path, branch: worktree.branch };
    await town.worktrees.over(place, worker);
    throw error;
  }
}

const orchestratorOf = (town: TownParts, { agent }: AgentChoice): Orchestrator =>
  getOrchestrator(town.orchestrators, { agent });

/** Before a worktree is made: `createWorktree` would adopt the one of the session that has the name. */
function requireFreeId(town: TownParts, id: string): void {
  const present = town.registry.findLive(id);
  if (present) {
    throw new GasTownError(
      'name-taken',
      `There is a session named ${present.id} already (${present.state}). Choose another name, or stop it first.`,
    );
  }
}

export async function stopSession(town: TownParts, id: string, caller: CallerView): Promise<SessionView> {
  const { runId } = town.registry.get(id);
  town.store.addEvent({
    at: town.manager.now(),
    sessionId: id,
    runId,
    type: 'session.stop-requested',
    detail: { by: nameOfCaller(caller) },
  });
  const stopped = await town.manager.stop(id);
  // The next worker of the name may come at once: it finds the place as it will be.
  await town.endings.get(id);
  return town.builder.session(stopped);
}

/** Takes a session that has ended off the list; its work is open again, and its conversation is not resumed any more. */
export async function dismissSession(
  town: TownParts,
  { session: id }: Params<'session.dismiss'>,
  caller: CallerView,
): Promise<SessionView> {
  const { runId } = town.registry.get(id);
  const view = town.builder.session(await town.manager.dismiss(id));
  town.outbox.expire(id, `${id} was dismissed before it had this`);
  town.store.addEvent({
    at: town.manager.now(),
    sessionId: id,
    runId,
    type: 'session.dismissed',
    detail: { by: nameOfCaller(caller) },
  });
  return view;
}

/** Starts a session again that has ended, with its conversation; where it was quarantined, that is lifted. */
export async function resetSession(
  town: TownParts,
  { session: id }: Params<'session.reset'>,
  caller: CallerView,
  signal: AbortSignal,
): Promise<SessionView> {
  town.requireTrust();
  const session = town.registry.get(id);
  if (!hasEnded(session)) {
    throw new GasTownError('refused', `${id} has not ended: it is ${session.state}. There is nothing to reset.`);
  }
  const by = nameOfCaller(caller);
  const reason = session.state === 'failed' ? `reset by ${by}` : `started again by ${by}`;
  return restartEnded(town, session, { reason, by }, signal);
}

export async function primeSession(
  town: TownParts,
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

function rigOf(town: TownParts, role: Role, given: string | undefined): string {
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

/** Town roles work in the town's root, where its settings are; rig roles in the rig's checkout. */
async function workDirOf(town: TownParts, role: Role, rig: string): Promise<string> {
  return townRoles.includes(role)
    ? town.paths.root
    : join((await openRepository(town.rigs.get(rig).path)).path, town.rigs.get(rig).subfolder);
}
