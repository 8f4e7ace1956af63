import { existsSync } from 'node:fs';
import { mergeQueuePolicy } from '../config/merge-queue-settings.ts';
import { ownedStates } from '../domain/work-state.ts';
import { isWorkedIn } from '../orchestration/cleanup.ts';
import { polecatOf } from '../orchestration/sling.ts';
import type { Town } from '../orchestration/town.ts';
import { findUnitWorktree } from '../orchestration/unit-worktree.ts';
import { messageOf } from '../platform/errors.ts';
import { headOf } from '../platform/git/changes.ts';
import { isAncestor } from '../platform/git/commit-merge.ts';
import { git, gitBounds, runGit } from '../platform/git/git.ts';
import { listWorktrees } from '../platform/git/worktree.ts';
import type { StoredMerge } from '../store/merges.ts';

/**
 * The branch of a merged unit goes, with its worktree, as the settings say: only a branch of a polecat's, and only where git,
 * or the record of a squash, rebase or pull request, proves that it has landed. Of the latter, what was merged stays reachable under
 * `refs/gastown/merged/`, as git itself cannot tell. Where a session lives there, all of it goes with that. Never rejects.
 */
export async function tidyMerged(town: Town, merge: StoredMerge): Promise<void> {
  const { rig, branch, workId } = merge;
  if (polecatOf(branch) === undefined || !town.rigs.names().includes(rig)) return;
  const { path: repository, name, settings } = town.rigs.get(rig);
  if (!mergeQueuePolicy(settings.merge_queue).deleteMergedBranches) return;
  try {
    if (!(await isProven(repository, merge))) return;
    const isFree = (): boolean => town.store.isOpen && !isWanted(town, merge);
    if (!isFree()) return;
    const worktree = await findUnitWorktree(town.paths, { name, path: repository }, branch);
    if (worktree !== undefined && existsSync(worktree.path)) {
      if (isWorkedIn(town, worktree.path)) return;
      const session = town.work.find(workId)?.owner ?? `${rig}/${polecatOf(branch)}`;
      const place = { repository, path: worktree.path, branch };
      await town.worktrees.over(place, { session, rig }, () => isFree() && !isWorkedIn(town, worktree.path));
      return;
    }
    if ((await listWorktrees(repository)).some((listed) => listed.branch === branch)) return;
    // Only where it is still at what has landed.
    await runGit(repository, ['update-ref', '-d', `refs/heads/${branch}`, merge.head], { boundMs: gitBounds.change });
  } catch (error) {
    town.log.warn(`[orchestration] the branch ${branch} of ${workId}, which is merged, stays: ${messageOf(error)}`);
  }
}

async function isProven(repository: string, { workId, head, target, detail }: StoredMerge): Promise<boolean> {
  const tip = await headOf(repository, target);
  if (tip === undefined || detail.landed === undefined) return false;
  if (await isAncestor(repository, head, tip)) return true;
  // What a forge has merged need not be here yet, and may have come as another commit: it says so itself.
  const { commit, strategy } = detail.landed;
  if (strategy !== 'pull-request' && !(await isAncestor(repository, commit, tip))) return false;
  await git(repository, ['update-ref', `refs/gastown/merged/${workId}`, head], { boundMs: gitBounds.change });
  return true;
}

/** Whether somebody still has something to do with the branch. */
function isWanted({ store, merges }: Town, { workId, rig, branch }: StoredMerge): boolean {
  return store.work
    .onBranch(rig, branch)
    .some(
      (unit) =>
        ownedStates.includes(unit.state) ||
        unit.state === 'queued' ||
        (unit.id !== workId && unit.state === 'done' && isOpen(merges.find(unit.id))),
    );
}

const isOpen = (merge: StoredMerge | undefined): boolean =>
  merge !== undefined && merge.state !== 'merged' && merge.state !== 'discarded';
