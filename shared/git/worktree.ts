import { mkdir, realpath, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { unlessMissing } from '../config/write-atomically.ts';
import { GasTownError, messageOf, throwIfCancelled } from '../errors.ts';
import { requireFreeBranch } from './branch-name.ts';
import { git, gitBounds, runGit } from './git.ts';
import { initSubmodules } from './submodules.ts';

export interface Worktree {
  path: string;
  branch: string;
  /** Commit that the branch started from. */
  base: string;
  /** What went wrong that does not keep anybody from working in it: a hook that failed. */
  warning?: string;
}

/** Per repository, what is being done to its worktrees: git itself fails when it meets a half-made one. */
const busy = new Map<string, Promise<unknown>>();
/** By path, those that are being filled. */
const filling = new Map<string, Promise<unknown>>();

/** Runs one act on a repository's worktrees after the other. */
export function inTurn<T>(repository: string, act: () => Promise<T>): Promise<T> {
  const result = (busy.get(repository) ?? Promise.resolve()).then(act);
  // The chain only orders; whoever asked gets the error.
  busy.set(
    repository,
    result.catch(() => undefined),
  );
  return result;
}

/**
 * A worktree of its own on a new branch, with the submodules that the main checkout has. Failure to isolate is an error,
 * never "go on without": the caller stops the spawn, and nothing of it stays. A branch that exists already (an earlier
 * attempt at the same work) is adopted where it was left, in the worktree that it was left in if that is still there.
 * A post-checkout hook that fails does not undo a checkout, as everywhere in git; one that does not end does.
 */
export async function createWorktree(
  repository: string,
  path: string,
  branch: string,
  signal?: AbortSignal,
): Promise<Worktree> {
  try {
    // What is in it is the user's alone, as everything of the town.
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    // Another start in the same folder comes first; what becomes of it is seen on the disk.
    for (let before = filling.get(path); before; before = filling.get(path)) await before.catch(() => undefined);
    const making = make(repository, path, branch, signal);
    filling.set(path, making);
    const { warning } = await making.finally(() => filling.delete(path));
    const base = await git(path, ['merge-base', 'HEAD', await git(repository, ['rev-parse', 'HEAD'])], signal);
    return { path: await realpath(path), branch, base, ...(warning === undefined ? {} : { warning }) };
  } catch (error) {
    if (GasTownError.is(error, 'cancelled')) throw error;
    throw new GasTownError(
      'isolation-failed',
      `No worktree could be made for branch ${branch} at ${path}, so nothing was started: ${messageOf(error)}`,
      { cause: error },
    );
  }
}

async function make(
  repository: string,
  path: string,
  branch: string,
  signal?: AbortSignal,
): Promise<{ warning?: string }> {
  const isNewBranch = await inTurn(repository, async () => {
    throwIfCancelled(signal, `Making a worktree for ${branch}`);
    const listed = await findListed(repository, path, signal);
    const isThere = (await unlessMissing(stat(path))) !== undefined;
    if (listed && isThere && listed.branch === branch) return undefined;
    if (listed && !isThere) {
      throw new GasTownError(
        'isolation-failed',
        `git has a worktree at ${path} on record whose folder is gone. If nothing of it is wanted: git worktree prune.`,
      );
    }
    if (isThere) {
      throw new GasTownError(
        'isolation-failed',
        `${path} is there already, perhaps kept for what is in it. Choose another name, or remove it.`,
      );
    }
    const known = await runGit(repository, ['rev-parse', '--verify', '-q', `refs/heads/${branch}`], signal);
    const isNew = known.code !== 0;
    if (isNew) await requireFreeBranch(repository, branch, signal);
    try {
      // Only this has to be in turn. What takes long, or runs what the repository brings, holds up nobody else.
      const what = isNew ? ['-b', branch, path, 'HEAD'] : [path, branch];
      await git(repository, ['worktree', 'add', '--no-checkout', ...what], { signal, boundMs: gitBounds.change });
    } catch (error) {
      await takeBack(repository, path, isNew ? branch : undefined);
      throw error;
    }
    return isNew;
  });
  // Git writes the index last: without one an earlier host has died over it.
  if (isNewBranch === undefined && (await hasIndex(path, signal))) return {};
  try {
    return await fill(repository, path, signal);
  } catch (error) {
    if (isNewBranch !== undefined)
      await inTurn(repository, () => takeBack(repository, path, isNewBranch ? branch : undefined));
    throw error;
  }
}

/** Checks out what `worktree add` has left out, as it would have done. */
async function fill(repository: string, path: string, signal?: AbortSignal): Promise<{ warning?: string }> {
  const long = { signal, boundMs: gitBounds.transfer };
  await git(path, ['reset', '--quiet', '--hard', '--no-recurse-submodules'], long);
  await initSubmodules(path, repository, signal);
  const head = await git(path, ['rev-parse', 'HEAD'], signal);
  const hook = ['hook', 'run', '--ignore-missing', 'post-checkout', '--', '0'.repeat(head.length), head, '1'];
  const { code, stdout, stderr } = await runGit(path, hook, { signal, boundMs: gitBounds.hook });
  if (code === 0) return {};
  const words = `${stderr}\n${stdout}`.trim().split('\n').at(-1) ?? '';
  return { warning: `the post-checkout hook of ${repository} failed (exit code ${code}): ${words}` };
}

/**
 * What a start that failed has left: the folder, git's record of it, and the branch where it is new. Nobody has worked
 * there, so there is nothing to lose. Fails for nobody: whoever calls has an error already.
 */
async function takeBack(repository: string, path: string, branch: string | undefined): Promise<void> {
  const boundMs = gitBounds.change;
  // Twice, because git locks a worktree while it makes it.
  await runGit(repository, ['worktree', 'remove', '--force', '--force', path], { boundMs }).catch(() => undefined);
  await rm(path, { recursive: true, force: true, maxRetries: 3 }).catch(() => undefined);
  // With submodules git removes it only when the folder is gone.
  await runGit(repository, ['worktree', 'remove', '--force', '--force', path], { boundMs }).catch(() => undefined);
  if (branch !== undefined)
    await runGit(repository, ['branch', '-D', '--', branch], { boundMs }).catch(() => undefined);
}

async function hasIndex(path: string, signal?: AbortSignal): Promise<boolean> {
  const index = await git(path, ['rev-parse', '--path-format=absolute', '--git-path', 'index'], signal);
  return (await unlessMissing(stat(index))) !== undefined;
}

/** Whether git knows a worktree at this path, be its folder there or not. */
export async function isOnRecord(repository: string, path: string, signal?: AbortSignal): Promise<boolean> {
  return (await findListed(repository, path, signal)) !== undefined;
}

/** What git has on record for this path, whether the folder is there or not. */
async function findListed(repository: string, path: string, signal?: AbortSignal): Promise<ListedWorktree | undefined> {
  const real = join((await unlessMissing(realpath(dirname(path)))) ?? dirname(path), basename(path));
  return (await listWorktrees(repository, signal)).find((entry) => entry.path === real);
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
    const valueOf = (name: string): string | undefined =>
      lines.find((line) => line.startsWith(`${name} `))?.slice(name.length + 1);
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
