import type { WorktreeView } from '../../shared/channel/views.ts';
import type { Translate } from '../translate.ts';

/** Pure. The worktree of this id where it is in this state; else a sentence that says why nothing is done. */
export function givenWorktree(
  worktrees: readonly WorktreeView[],
  given: string,
  wanted: 'kept' | 'removed',
  t: Translate,
): WorktreeView | string {
  const worktree = worktrees.find(({ id }) => id === given);
  if (worktree?.state === wanted) return worktree;
  switch (worktree?.state) {
    case 'kept':
      return t('The worktree of {0} is back already: {1}. Nothing was done now.', worktree.session, worktree.path);
    case 'removed':
      return t('The worktree of {0} is removed already: {1}. Nothing was done now.', worktree.session, worktree.path);
    case 'under way':
      return t(
        'The worktree of {0} is being removed or brought back at this moment: {1}. Nothing was done now.',
        worktree.session,
        worktree.path,
      );
    case undefined:
      return t(
        'This worktree is not among those that stayed or were removed any more: a session may work in it again. Nothing was done now.',
      );
  }
}
