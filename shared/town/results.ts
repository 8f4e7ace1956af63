import { isDeepStrictEqual } from 'node:util';
import { messageOf } from '../errors.ts';
import { readResult, resultText } from '../git/result.ts';
import type { SessionInfo } from '../orchestrator.ts';
import type { StoredWork } from '../store/work.ts';
import { ownedStates } from '../work/state.ts';
import type { TownParts } from './parts.ts';

type Parts = Pick<TownParts, 'store' | 'work' | 'manager' | 'log'>;

/**
 * Reads from the session's worktree what was done for its units, and keeps it with them: at the end of a turn, with a
 * report, and at the end of the session, before the worktree goes. Never rejects: where git cannot tell, what was known
 * stays, and the session's timeline says why.
 */
export async function noteResult(town: Parts, session: SessionInfo): Promise<void> {
  const tell = (type: string, detail: Record<string, unknown>): void =>
    town.store.addEvent({ at: town.manager.now(), sessionId: session.id, runId: session.runId, type, detail });
  for (const { id, base } of unitsIn(town, session)) {
    if (base === undefined) continue;
    try {
      const result = await readResult(session.workDir, base);
      if (!town.store.isOpen) return;
      const unit = town.work.find(id);
      // It may have gone to another worktree meanwhile.
      if (unit?.base !== base || isDeepStrictEqual(unit.result, result)) continue;
      town.work.setResult(id, result);
      tell('work.result', { work: id, result: resultText(result), head: result.head });
    } catch (error) {
      if (!town.store.isOpen) return;
      town.log.warn(`[orchestration] what was done for ${id} could not be read from ${session.workDir}: ${messageOf(error)}`);
      tell('work.result', { work: id, result: `could not be read from ${session.workDir}: ${messageOf(error)}` });
    }
  }
}

/** The units whose commits are being made in the session's worktree: those that it has, or has just given back; else the last one. */
function unitsIn({ store }: Parts, session: SessionInfo): StoredWork[] {
  const record = store.sessions.session(session.id);
  if (session.branch === undefined || record === undefined) return [];
  const isOwned = ({ state }: StoredWork): boolean => ownedStates.includes(state);
  // What an earlier session of this name and branch had is not this one's.
  const units = store.work.onBranch(session.rig, session.branch).filter((unit) => isOwned(unit) || unit.changedAt >= record.createdAt);
  const open = units.filter((unit) => isOwned(unit) || unit.state === 'open');
  return open.length > 0 ? open : units.slice(0, 1);
}
