import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { unlessMissing } from '../platform/files.ts';
import { listWorktrees } from '../platform/git/worktree.ts';
import { worktreePath } from '../platform/git/worktree-places.ts';
import type { WorktreePlaces } from '../platform/git/worktree-places.ts';
import { polecatOf } from './sling.ts';

/**
 * The worktree in which the commits of a unit with this given branch are made: that of the polecat that the branch was
 * made for, or the one that has it checked out. What is checked out now may be another branch, or none.
 */
export async function findUnitWorktree(
  places: WorktreePlaces,
  rig: { name: string; path: string },
  branch: string,
  signal?: AbortSignal,
): Promise<{ path: string; branch: string | undefined } | undefined> {
  const listed = await listWorktrees(rig.path, signal);
  const polecat = polecatOf(branch);
  const own =
    polecat === undefined ? undefined : await unlessMissing(realpath(worktreePath(places, rig.name, polecat)));
  const [here, before] = await Promise.all(
    [places.worktrees, places.formerWorktrees].map((place) => unlessMissing(realpath(place))),
  );
  const isTowns = (path: string): boolean =>
    [here, before].some((place) => place !== undefined && path.startsWith(join(place, '/')));
  return (
    listed.find(({ path }) => path === own) ?? listed.find((entry) => entry.branch === branch && isTowns(entry.path))
  );
}
