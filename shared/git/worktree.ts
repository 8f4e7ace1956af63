import { mkdir, realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { unlessMissing } from '../config/write-atomically.ts';
import { GasTownError, messageOf, throwIfCancelled } from '../errors.ts';
import { git, runGit } from './git.ts';

export interface Worktree {
  path: string;
  branch: string;
  /** Commit that the branch started from. */
  base: string;
}

/** Per repository, what is being done to its worktrees: git itself fails when it meets a half-made one. */
const busy = new Map<string, Promise<unknown>>();

/** Runs one act on a repository's worktrees after the other. */
function inTurn<T>(repository: string, act: () => Promise<T>): Promise<T> {
  const result = (busy.get(repository) ?? Promise.resolve()).then(act);
  // The chain only orders; whoever asked gets the error.
  busy.set(repository, result.catch(() => undefined));
  return result;
}

/**
 * A worktree of its own on a new branch. Failure to isolate is an error, never "go on without": the caller stops the
 * spawn. A branch that exists already (an earlier attempt at the same work) is taken up where it was left, in the
 * worktree that it was left in if that is still there.
 */
export async function createWorktree(repository: string, path: string, branch: string, signal?: AbortSignal): Promise<Worktree> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await inTurn(repository, async () => {
      throwIfCancelled(signal, `Making a worktree for ${branch}`);
      if (await isWorktree(repository, path, branch, signal)) return;
      if (await unlessMissing(stat(path))) {
        throw new GasTownError('isolation-failed', `${path} is there already, perhaps kept for what is in it. Choose another name, or remove it.`);
      }
      await addWorktree(repository, path, branch, signal);
    });
    const base = await git(path, ['merge-base', 'HEAD', await git(repository, ['rev-parse', 'HEAD'])], signal);
    return { path: await realpath(path), branch, base };
  } catch (error) {
    if (GasTownError.is(error, 'cancelled')) throw error;
    throw new GasTownError(
      'isolation-failed',
      `No worktree could be made for branch ${branch} at ${path}, so nothing was started: ${messageOf(error)}`,
      { cause: error },
    );
  }
}

async function addWorktree(repository: string, path: string, branch: string, signal?: AbortSignal): Promise<void> {
  const known = await runGit(repository, ['rev-parse', '--verify', '-q', `refs/heads/${branch}`], signal);
  const args = known.code === 0 ? ['worktree', 'add', path, branch] : ['worktree', 'add', '-b', branch, path, 'HEAD'];
  await git(repository, args, signal);
}

/** Whether the folder is a worktree of this repository, on this branch. */
async function isWorktree(repository: string, path: string, branch: string, signal?: AbortSignal): Promise<boolean> {
  const real = await unlessMissing(realpath(path));
  const listed = await listWorktrees(repository, signal);
  return listed.some((entry) => real !== undefined && entry.path === real && entry.branch === branch);
}

/** What removing a worktree would lose. `unknown` counts as something to lose: could not look is not clean. */
export type WorktreeLoss =
  | { kind: 'nothing' }
  | { kind: 'uncommitted'; files: string[] }
  | { kind: 'unmerged'; commits: number }
  | { kind: 'unknown'; reason: string };

/**
 * Looks what is in the worktree that exists nowhere else: uncommitted and untracked files, and commits of its HEAD or of
 * `branch`, which goes with it, that are neither on another local branch nor on a remote.
 */
export async function worktreeLoss(path: string, branch?: string): Promise<WorktreeLoss> {
  try {
    await stat(path);
    const status = await git(path, ['status', '--porcelain', '--untracked-files=all']);
    if (status !== '') return { kind: 'uncommitted', files: status.split('\n').map((line) => line.slice(3)) };
    const goes = branch === undefined ? ['HEAD', '--not'] : ['HEAD', `refs/heads/${branch}`, '--not', `--exclude=${branch}`];
    const commits = Number(await git(path, ['rev-list', '--count', ...goes, '--branches', '--remotes']));
    return commits > 0 ? { kind: 'unmerged', commits } : { kind: 'nothing' };
  } catch (error) {
    return { kind: 'unknown', reason: messageOf(error) };
  }
}

/** Removes a worktree, and the branch that is named, where that loses nothing. Otherwise both stay, and the answer says what is in it. */
export async function removeWorktree(repository: string, path: string, branch?: string): Promise<WorktreeLoss> {
  // Looked at in turn, too: of two branches with the same commits the first may go, the second may not.
  return inTurn(repository, async () => {
    const loss = await worktreeLoss(path, branch);
    if (loss.kind !== 'nothing') return loss;
    await git(repository, ['worktree', 'remove', path]);
    if (branch !== undefined) await git(repository, ['branch', '-D', branch]);
    return loss;
  });
}

/** One entry of git's list of worktrees. */
interface ListedWorktree {
  path: string;
  /** Undefined with a detached HEAD. */
  branch: string | undefined;
}

/** What git has on record for the repository that `folder` is in, its main checkout first. */
export async function listWorktrees(folder: string, signal?: AbortSignal): Promise<ListedWorktree[]> {
  const listed = await git(folder, ['worktree', 'list', '--porcelain', '-z'], signal);
  return listed.split('\0\0').flatMap((entry) => {
    const lines = entry.split('\0');
    const valueOf = (name: string): string | undefined => lines.find((line) => line.startsWith(`${name} `))?.slice(name.length + 1);
    const path = valueOf('worktree');
    return path === undefined ? [] : [{ path, branch: valueOf('branch')?.replace(/^refs\/heads\//, '') }];
  });
}

/** Takes one worktree off git's record whose folder is gone. `git worktree prune` would take the person's, too. */
export function forgetWorktree(repository: string, path: string): Promise<void> {
  return inTurn(repository, async () => {
    await git(repository, ['worktree', 'remove', path]);
  });
}

/** Commits on the branch that `base` does not have; undefined where either is gone. */
export async function countCommits(repository: string, base: string, branch: string): Promise<number | undefined> {
  const result = await runGit(repository, ['rev-list', '--count', `${base}..refs/heads/${branch}`]);
  return result.code === 0 ? Number(result.stdout.trim()) : undefined;
}
