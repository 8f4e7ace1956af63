import type { ApiContext } from './context.ts';
import type { WorktreeView } from '../channel/views.ts';
import { isWorkedIn } from '../orchestration/cleanup.ts';

/** Removes a worktree that stays, for the user, unless somebody works in it again. */
export function removeWorktree(town: Pick<ApiContext, 'registry' | 'worktrees'>, which: string): Promise<WorktreeView> {
  return town.worktrees.ask(which, (path) => !isWorkedIn(town, path));
}
