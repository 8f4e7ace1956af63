/** Worktrees of sessions that keep theirs for as long as they are on the list: crew and refinery. */
import { realpath } from 'node:fs/promises';
import { unlessMissing } from '../platform/files.ts';
import { git, runGit } from '../platform/git/git.ts';
import { listWorktrees } from '../platform/git/worktree.ts';
import { worktreePath } from '../platform/git/worktree-places.ts';
import type { WorktreePlaces } from '../platform/git/worktree-places.ts';
import { folderOf } from '../domain/names.ts';
import { worktreeRoles } from '../domain/orchestrator.ts';
import type { Role, SessionInfo } from '../domain/orchestrator.ts';
import { polecatOf } from './sling.ts';

/** Whether a session of the role comes back to its worktree after it was stopped. A polecat's goes to the next worker. */
export const keepsWorktree = (role: Role): boolean => role !== 'polecat' && worktreeRoles.includes(role);

/** Whether a branch was made for a session of ours, so that it goes with the worktree where nothing is lost. */
export const isOurBranch = (branch: string): boolean =>
  polecatOf(branch) !== undefined || /^(crew|refinery)\/[^/]+$/.test(branch);

/** Where the worktree of a session that is to start is, or is to be made, and on which branch. */
export async function ownPlace(
  repository: string,
  places: WorktreePlaces,
  { role, rig, name }: { role: Role; rig: string; name: string },
  signal?: AbortSignal,
): Promise<{ path: string; branch: string }> {
  const path = worktreePath(places, rig, folderOf(role, name));
  const usual = role === 'crew' ? `crew/${name}` : `${role}/${rig}`;
  const listed = await listWorktrees(repository, signal);
  const real = await unlessMissing(realpath(path));
  // Whatever is checked out there: an agent may have made a branch of its own.
  const there = real === undefined ? undefined : listed.find((entry) => entry.path === real);
  if (there?.branch !== undefined) return { path, branch: there.branch };
  // An earlier one of the same name is gone on with; what is checked out elsewhere is another rig's, or the user's.
  const taken = new Set(listed.flatMap((entry) => entry.branch?.toLowerCase() ?? []));
  let branch = usual;
  for (let number = 2; taken.has(branch.toLowerCase()); number += 1) branch = `${usual}-${number}`;
  return { path, branch };
}

/** Whether the session works in a worktree of its own: one that an earlier version has started may work in the rig's checkout. */
export function worksInOwn({ role, branch }: Pick<SessionInfo, 'role' | 'branch'>): boolean {
  return branch !== undefined && worktreeRoles.includes(role);
}

/** Whether whoever the branch was made for keeps it, and the worktree: a unit on it goes on elsewhere when it is another one's. */
export const staysBehind = (branch: string | undefined): boolean =>
  branch !== undefined && polecatOf(branch) === undefined && isOurBranch(branch);

/**
 * The branch on which a polecat goes on with what is on `branch`: that itself where it is a polecat's, else one that begins
 * where it is, as whoever it was made for keeps it.
 */
export async function branchToGoOn(
  repository: string,
  branch: string,
  fresh: string,
  signal?: AbortSignal,
): Promise<string> {
  if (!staysBehind(branch)) return branch;
  const { code } = await runGit(repository, ['rev-parse', '--verify', '-q', `refs/heads/${fresh}`], signal);
  if (code !== 0) await git(repository, ['branch', '--no-track', '--', fresh, branch], signal);
  return fresh;
}
