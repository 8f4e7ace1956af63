import { realpath } from 'node:fs/promises';
import { unlessMissing } from '../platform/files.ts';
import { git } from '../platform/git/git.ts';
import { listWorktrees } from '../platform/git/worktree.ts';

/**
 * The branch for a polecat that has no work yet: `polecat/<name>/idle`, or the first of `idle-2`, `idle-3`, … that the
 * repository does not have. One that is there is another worker's: that of a rig of the same repository, or of an earlier one
 * of this name, whose commits are not this one's. A worktree that a start has left at `path` is gone on with.
 */
export async function idleBranch(
  repository: string,
  path: string,
  name: string,
  signal?: AbortSignal,
): Promise<string> {
  const usual = `polecat/${name}/idle`;
  const isOurs = (branch: string): boolean =>
    branch === usual || (branch.startsWith(`${usual}-`) && /^\d+$/.test(branch.slice(usual.length + 1)));
  const place = await unlessMissing(realpath(path));
  const left =
    place === undefined
      ? undefined
      : (await listWorktrees(repository, signal)).find((entry) => entry.path === place)?.branch;
  if (left !== undefined && isOurs(left)) return left;
  const listed = await git(
    repository,
    ['for-each-ref', '--ignore-case', '--format=%(refname:lstrip=2)', `refs/heads/${usual}*`],
    { signal },
  );
  const taken = new Set(listed.toLowerCase().split('\n'));
  let branch = usual;
  for (let number = 2; taken.has(branch.toLowerCase()); number += 1) branch = `${usual}-${number}`;
  return branch;
}
