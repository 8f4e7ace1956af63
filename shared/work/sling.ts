import { join } from 'node:path';
import type { ResolvedAgent } from '../config/agents.ts';
import { GasTownError, messageOf } from '../errors.ts';
import { openRepository } from '../git/repository.ts';
import { createWorktree, removeWorktree } from '../git/worktree.ts';
import type { Worktree } from '../git/worktree.ts';
import type { BackendName, Orchestrator, SessionInfo } from '../orchestrator.ts';
import { sessionIdOf } from '../roles/names.ts';
import { getOrchestrator } from '../sessions/orchestrator.ts';
import type { OrchestratorParts } from '../sessions/orchestrator.ts';
import type { StoredWork } from '../store/work.ts';
import { toWorkUnit } from './service.ts';

export interface Sling {
  workId: string;
  rig: { name: string; path: string };
  /** Name of the worker: given or the next free one. */
  name: string;
  agent: ResolvedAgent;
  /** Describes a unit that the town does not know yet, or a note about one that it does. */
  message?: string;
  by: string;
  /** Folder for worktrees: `<worktrees>/<rig>/<name>`. */
  worktrees: string;
}

export type SlingParts = OrchestratorParts & { orchestrators: ReadonlyMap<BackendName, Orchestrator> };

/**
 * One transaction: the unit is claimed, a worktree made, a session started in it and given the unit. When any of it
 * fails, or is cancelled, nothing of it stays but the unit as `failed` with the reason.
 */
export async function slingWork(
  parts: SlingParts,
  sling: Sling,
  signal: AbortSignal,
): Promise<{ session: SessionInfo; work: StoredWork }> {
  const { work, registry } = parts;
  const { workId, rig, name, agent, by } = sling;
  const id = sessionIdOf('polecat', rig.name, name);
  const present = registry.find(id);
  if (present && present.state !== 'stopped' && present.state !== 'failed') {
    throw new GasTownError('name-taken', `There is a session named ${id} already (${present.state}). Choose another --name, or stop it first.`);
  }
  const repository = await openRepository(rig.path);
  const known = work.find(workId);
  if (!known && !sling.message) {
    throw new GasTownError(
      'unknown-work',
      `The town does not know ${workId}. Describe it with -m "<what is to be done>", or add it first: gt work add --id ${workId} "<what>".`,
    );
  }
  if (!known) work.add({ id: workId, type: 'issue', description: sling.message!, rig: rig.name }, by);
  const branch = `polecat/${name}/${workId}`;
  work.assign(workId, id, { by }, { branch, rig: rig.name });

  let worktree: Worktree | undefined;
  try {
    worktree = await createWorktree(repository.path, join(sling.worktrees, rig.name, name), branch, signal);
    const claimed = work.get(workId);
    work.move(claimed, 'assigned', { by: 'host', note: `worktree ${worktree.path}` }, { base: worktree.base });
    await getOrchestrator(parts.orchestrators, { agent }).spawnSession(
      {
        role: 'polecat',
        workDir: worktree.path,
        rig: rig.name,
        agentName: name,
        agent: agent.name,
        branch,
        initialWork: toWorkUnit(work.get(workId)),
        metadata: { by, ...(known && sling.message ? { note: sling.message } : {}) },
      },
      signal,
    );
    return { session: registry.get(id), work: work.get(workId) };
  } catch (error) {
    await undo(parts, sling, repository.path, worktree, messageOf(error));
    throw error;
  }
}

async function undo(parts: OrchestratorParts, sling: Sling, repository: string, worktree: Worktree | undefined, reason: string): Promise<void> {
  let note = reason;
  if (worktree) {
    try {
      const loss = await removeWorktree(repository, worktree.path, worktree.branch);
      if (loss.kind !== 'nothing') note = `${reason} (its worktree ${worktree.path} was kept: it is not empty of work)`;
    } catch (error) {
      note = `${reason} (its worktree ${worktree.path} could not be removed: ${messageOf(error)})`;
    }
  }
  const unit = parts.work.get(sling.workId);
  if (unit.state === 'assigned' || unit.state === 'running') parts.work.move(unit, 'failed', { by: 'host', note }, { owner: null });
}
