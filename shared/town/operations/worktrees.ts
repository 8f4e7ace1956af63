import { join } from 'node:path';
import { hasEnded } from '../../sessions/session-info.ts';
import type { TownParts } from '../parts.ts';
import type { WorktreeView } from '../snapshot.ts';

/** Removes a worktree that stays, for the user, unless somebody works in it again. */
export function removeWorktree(town: Pick<TownParts, 'registry' | 'worktrees'>, which: string): Promise<WorktreeView> {
  return town.worktrees.ask(which, (path) => !isWorkedIn(town, path));
}

/** Whether a session that has not ended works in it, at its top or below. */
export function isWorkedIn({ registry }: Pick<TownParts, 'registry'>, path: string): boolean {
  return registry
    .list()
    .some((session) => (session.workDir === path || session.workDir.startsWith(join(path, '/'))) && !hasEnded(session));
}
