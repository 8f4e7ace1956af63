import { isDeepStrictEqual } from 'node:util';
import { messageOf } from '../errors.ts';
import { readResult, resultText } from '../git/result.ts';
import type { SessionInfo } from '../orchestrator.ts';
import type { StoredWork } from '../store/work.ts';
import { ownedStates } from '../work/state.ts';
import type { TownParts } from './parts.ts';
import { findUnitWorktree } from './unit-worktree.ts';

type Parts = Pick<TownParts, 'store' | 'work' | 'manager' | 'log' | 'paths' | 'rigs'>;

/**
 * Reads from the worktree what was done for the session's units, and keeps it with them: at the end of a turn, with a
 * report, and at the end of the session, before the worktree goes. Never rejects: where git cannot tell, what was known
 * stays, and the session's timeline says why.
 */
export async function noteResult(town: Parts, session: SessionInfo): Promise<void> {
  const tell = (type: string, detail: Record<string, unknown>): void =>
    town.store.addEvent({ at: town.manager.now(), sessionId: session.id, runId: session.runId, type, detail });
  for (const { id, base, branch, rig } of unitsOf(town, session)) {
    if (base === undefined || branch === undefined) continue;
    let place = session.workDir;
    try {
      if (session.branch !== undefined) place = town.rigs.worktreeOf(session);
      if (branch !== session.branch) {
        const repository = town.rigs.get(rig);
        // Where its worktree has gone, the branch has what there is, and nobody works on it.
        const worktree = await findUnitWorktree(town.paths, repository, branch);
        if (worktree === undefined) continue;
        place = worktree.path;
      }
      const result = await readResult(place, base);
      if (!town.store.isOpen) return;
      const unit = town.work.find(id);
      // It may have gone to another worktree meanwhile.
      if (unit?.base !== base || isDeepStrictEqual(unit.result, result)) continue;
      town.work.setResult(id, result);
      tell('work.result', { work: id, result: resultText(result), head: result.head });
    } catch (error) {
      if (!town.store.isOpen) return;
      town.log.warn(`[orchestration] what was done for ${id} could not be read from ${place}: ${messageOf(error)}`);
      tell('work.result', { work: id, result: `could not be read from ${place}: ${messageOf(error)}` });
    }
  }
}

/**
 * The units whose commits the session makes: those that it has, also in the worktree of another one that handed them over,
 * or has just given back; else the last one that it had.
 */
function unitsOf({ store, work }: Parts, session: SessionInfo): StoredWork[] {
  const owned = work.ownedBy(session.id);
  const record = store.sessions.session(session.id);
  if (session.branch === undefined || record === undefined) return owned;
  const isOwned = ({ state }: StoredWork): boolean => ownedStates.includes(state);
  // What an earlier session of this name and branch had is not this one's.
  const here = store.work
    .onBranch(session.rig, session.branch)
    .filter((unit) => isOwned(unit) || unit.changedAt >= record.createdAt);
  const open = here.filter((unit) => isOwned(unit) || unit.state === 'open');
  const elsewhere = owned.filter(({ id }) => here.every((unit) => unit.id !== id));
  return [...(open.length > 0 || elsewhere.length > 0 ? open : here.slice(0, 1)), ...elsewhere];
}
