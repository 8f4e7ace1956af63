import { realpath } from 'node:fs/promises';
import { GasTownError } from '../errors.ts';
import { git, runGit } from './git.ts';

export interface Repository {
  /** Top folder of the main checkout, links resolved. */
  path: string;
  /** Branch that is checked out there: new work starts from it. */
  branch: string;
}

/**
 * Looks at a folder that is to be a rig. Rejects with `not-a-repository`, saying what is wrong with it and what to do:
 * no repository, bare, without a commit, or with a detached HEAD.
 */
export async function openRepository(folder: string): Promise<Repository> {
  let path: string;
  try {
    path = await realpath(folder);
  } catch {
    throw new GasTownError('not-a-repository', `${folder} does not exist.`);
  }
  const bare = await runGit(path, ['rev-parse', '--is-bare-repository']);
  if (bare.code !== 0) {
    throw new GasTownError(
      'not-a-repository',
      `${folder} is not a git repository. Run "git init" there and make a first commit, or choose another folder.`,
    );
  }
  if (bare.stdout.trim() === 'true') {
    throw new GasTownError(
      'not-a-repository',
      `${folder} is a bare repository: agents need a checkout. Clone it and add the clone as the rig.`,
    );
  }
  const top = await realpath(await git(path, ['rev-parse', '--show-toplevel']));
  const head = await runGit(top, ['symbolic-ref', '--short', '-q', 'HEAD']);
  if (head.code !== 0) {
    throw new GasTownError(
      'not-a-repository',
      `${top} has a detached HEAD, so there is no branch to start work from. Run "git switch <branch>" there.`,
    );
  }
  const commit = await runGit(top, ['rev-parse', '--verify', '-q', 'HEAD^{commit}']);
  if (commit.code !== 0) {
    throw new GasTownError('not-a-repository', `${top} has no commit yet: worktrees need one. Make a first commit there.`);
  }
  return { path: top, branch: head.stdout.trim() };
}
