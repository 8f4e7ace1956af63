import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { openRepository } from '../platform/git/repository.ts';
import { worktreePath } from '../platform/git/worktree-places.ts';
import { townRoles, worktreeRoles } from '../domain/orchestrator.ts';
import type { BackendName, Role, SessionInfo } from '../domain/orchestrator.ts';
import { hasEnded } from '../domain/session-state.ts';
import type { ReservedName } from '../sessions/session-names.ts';
import { noteChoice } from './agent-selection.ts';
import { getOrchestrator } from './backend-orchestrator.ts';
import type { StartContext } from './backend-orchestrator.ts';
import { isWorkedIn } from './cleanup.ts';
import { idleBranch } from './idle-branch.ts';
import { ownPlace, worksInOwn } from './own-worktree.ts';
import { restartSession } from './restart-session.ts';
import type { SessionRestart } from './restart-session.ts';
import type { Town } from './town.ts';
import { withSessionName } from './worker-names.ts';

export interface SpawnOrder {
  role: Role;
  /** Empty for roles of the town. */
  rig: string;
  /** Of a polecat or crew member; the next free one where it is absent. */
  name?: string | undefined;
  agent?: string | undefined;
  backend?: BackendName | undefined;
}

/**
 * Starts a session of a role, without work: with its conversation where it has ended and still has one. Polecats, crew and
 * refinery get a worktree of their own from the beginning; the witness works in the rig's checkout, the roles of the town in
 * its root, where its settings are.
 */
export async function spawnSession(
  town: Town,
  order: SpawnOrder,
  by: string,
  signal: AbortSignal,
): Promise<SessionInfo> {
  town.manager.requireTrust();
  const { role, rig, name: given } = order;
  return withSessionName(town, { role, rig, given }, (name) => spawnNamed(town, order, name, by, signal));
}

async function spawnNamed(
  town: Town,
  { agent, backend }: SpawnOrder,
  name: ReservedName,
  by: string,
  signal: AbortSignal,
): Promise<SessionInfo> {
  const { id, role, rig, name: agentName } = name;
  const ended = town.registry.find(id);
  if (ended && (await isResumable(town, ended))) return resume(town, ended, { agent, backend }, name, by, signal);
  return town.agents.withAgent({ role, rig, name: agentName, agent, backend }, by, async (choice) => {
    const start = { agent: choice.agent, name, by };
    if (worktreeRoles.includes(role)) await spawnInWorktree(town, start, signal);
    else {
      const workDir = townRoles.includes(role) ? town.paths.root : await checkoutOf(town, rig);
      await getOrchestrator(town.orchestrators, choice).spawnSession({ role, rig, agentName, workDir }, signal, start);
    }
    noteChoice(town, id, choice);
    return town.registry.get(id);
  });
}

/**
 * Whether a session of this name has ended that still has its conversation, so that a start resumes it. The name of a polecat
 * that was stopped goes to the next worker, with nothing of the last one's. A conversation belongs to its folder: who has one in
 * the rig's checkout, where crew and refinery worked before they had worktrees, goes on there.
 */
async function isResumable(town: Town, session: SessionInfo): Promise<boolean> {
  const { id, role, rig, workDir, endedUnseen } = session;
  if (!hasEnded(session) || town.manager.isRestarting(id)) return false;
  if (town.store.sessions.lastReference(id) === undefined) return false;
  if (role === 'polecat') return endedUnseen === true;
  if (worksInOwn(session)) return true;
  return workDir === (townRoles.includes(role) ? town.paths.root : await checkoutOf(town, rig));
}

/** Starts it with the agent that it had, unless the caller names another. */
async function resume(
  town: Town,
  session: SessionInfo,
  { agent, backend }: Pick<SpawnOrder, 'agent' | 'backend'>,
  name: ReservedName,
  by: string,
  signal: AbortSignal,
): Promise<SessionInfo> {
  const { id, role, rig, agentName } = session;
  const named = agent !== undefined || backend !== undefined;
  const reason = `started again by ${by}`;
  if (!named) return restartEnded(town, session, { reason, by, name }, signal);
  return town.agents.withAgent({ role, rig, name: agentName, agent, backend }, by, async (choice) => {
    const restarted = await restartEnded(town, session, { reason, by, name, agent: choice.agent }, signal);
    noteChoice(town, id, choice);
    return restarted;
  });
}

/** Starts a session again that has ended. What led to its end is not held against it any more. */
export async function restartEnded(
  town: Town,
  session: SessionInfo,
  restart: SessionRestart,
  signal: AbortSignal,
): Promise<SessionInfo> {
  const { id, role, rig, branch } = session;
  if (worksInOwn(session) && branch !== undefined) {
    const path = town.rigs.worktreeOf(session);
    // That of a polecat without work may have gone with its end; what is there has whatever its agent has checked out.
    if (role === 'polecat' || !existsSync(path))
      await town.worktrees.create(town.rigs.get(rig).path, path, branch, { session: id, rig }, signal);
  }
  town.store.sessions.reset(session.id);
  return restartSession(town, session.id, restart, signal);
}

async function spawnInWorktree(town: Town, start: StartContext, signal: AbortSignal): Promise<void> {
  const { id, role, rig, name: agentName } = start.name;
  const { path: repository, subfolder } = town.rigs.get(rig);
  const worker = { session: id, rig };
  const { path, branch } =
    role === 'polecat'
      ? await idlePlace(town, repository, start.name, signal)
      : await ownPlace(repository, town.paths, start.name, signal);
  const worktree = await town.worktrees.create(repository, path, branch, worker, signal);
  try {
    const config = {
      role,
      rig,
      agentName,
      workDir: join(worktree.path, subfolder),
      branch: worktree.branch,
    } as const;
    await getOrchestrator(town.orchestrators, start).spawnSession(config, signal, start);
    if (worktree.warning !== undefined) {
      const detail = { reason: worktree.warning };
      const event = { at: town.manager.now(), sessionId: id, type: 'worktree.hook-failed', detail };
      town.store.backlog.keep(() => town.store.addEvent(event));
    }
  } catch (error) {
    const place = { repository, path: worktree.path, branch: worktree.branch };
    // Of two starts of one name the second fails in the worktree that the first one works in.
    await town.worktrees.over(place, worker, () => !isWorkedIn(town, place.path));
    throw error;
  }
}

async function idlePlace(
  town: Town,
  repository: string,
  { rig, name }: ReservedName,
  signal: AbortSignal,
): Promise<{ path: string; branch: string }> {
  const path = worktreePath(town.paths, rig, name);
  return { path, branch: await idleBranch(repository, path, name, signal) };
}

async function checkoutOf(town: Town, rig: string): Promise<string> {
  const { path, subfolder } = town.rigs.get(rig);
  return join((await openRepository(path, town.rigs.baseOf(rig).branch)).path, subfolder);
}
