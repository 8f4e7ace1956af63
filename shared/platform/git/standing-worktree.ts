/** A worktree of a town's own in which commits are tried: no branch is checked out in it, and nothing in it is anybody's work. */
import { mkdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { unlessMissing } from '../files.ts';
import { gitPath } from './git-path.ts';
import { git, gitBounds, runGit } from './git.ts';
import { lfsPointers, putLfsContent } from './lfs.ts';
import { initSubmodules } from './submodules.ts';
import { inTurn } from './worktree.ts';

/** The name of its folder: no session can have it. */
export const standingName = '.merge';

/**
 * Puts the commit into it, with nothing left of what was done there before but what git ignores (dependencies, caches). It
 * is made where it is not there, or git cannot work in it any more. No hook runs. Resolves with whether it was made, and
 * what of its submodules could not be had.
 */
export async function prepareStanding(
  repository: string,
  path: string,
  commit: string,
  signal?: AbortSignal,
): Promise<{ made: boolean; warnings: string[] }> {
  if ((await unlessMissing(stat(join(path, '.git')))) !== undefined) {
    const done = await putInto(repository, path, commit, signal).catch((error: unknown) => {
      if (signal?.aborted) throw error;
      return undefined;
    });
    if (done) return { made: false, warnings: done };
  }
  await inTurn(repository, async () => {
    await takeAway(repository, path);
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await git(repository, ['worktree', 'add', '--no-checkout', '--detach', path, commit], {
      signal,
      boundMs: gitBounds.change,
    });
  });
  return { made: true, warnings: await putInto(repository, path, commit, signal) };
}

async function putInto(repository: string, path: string, commit: string, signal?: AbortSignal): Promise<string[]> {
  const change = { signal, boundMs: gitBounds.transfer };
  const admin = await gitPath(path, ['--git-dir'], signal);
  // Nobody else works here, so it is of a git that was ended.
  await rm(join(admin, 'index.lock'), { force: true });
  // By itself: a gate may have checked out a branch here, which must not move.
  await git(path, ['update-ref', '--no-deref', 'HEAD', commit], change);
  await git(path, ['reset', '--quiet', '--hard', '--no-recurse-submodules', commit], { ...change, env: lfsPointers });
  await git(path, ['clean', '-ffdq'], change);
  await putLfsContent(path, signal);
  return initSubmodules(path, repository, { signal, tolerant: true });
}

/** Takes it away with all that is in it. */
export function removeStanding(repository: string, path: string): Promise<void> {
  return inTurn(repository, () => takeAway(repository, path));
}

async function takeAway(repository: string, path: string): Promise<void> {
  const remove = ['worktree', 'remove', '--force', '--force', path];
  await runGit(repository, remove, { boundMs: gitBounds.change });
  await rm(path, { recursive: true, force: true, maxRetries: 3 });
  // With submodules git removes it only when the folder is gone.
  await runGit(repository, remove, { boundMs: gitBounds.change });
}
