import { realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { unlessMissing } from '../files.ts';
import { GasTownError } from '../errors.ts';
import { askGit, askRepository } from './ask.ts';
import { defaultBranchOf } from './default-branch.ts';
import { git } from './git.ts';

export interface Repository {
  /** Top folder of the checkout, links resolved. */
  path: string;
  /** The folder that was opened, seen from there, with "/"; empty for the top itself. */
  subfolder: string;
  /** From which new work starts: its default branch, or the one that was named. */
  branch: string;
}

/**
 * Looks at a folder that is a rig or is to be one; `base` is the branch that its settings name. Rejects with `not-a-repository`, saying what is wrong with it and what to do:
 * no repository, bare, without a commit, or with a detached HEAD and no branch that is known as the default one; with `refused` and git's own words where git does not
 * open the repository.
 */
export async function openRepository(folder: string, base?: string): Promise<Repository> {
  let path: string;
  try {
    path = await realpath(folder);
  } catch {
    throw new GasTownError(
      'not-a-repository',
      `${folder} does not exist. Put it there again, or choose another folder.`,
    );
  }
  const bare = await askRepository(path, ['rev-parse', '--is-bare-repository']);
  if (bare === undefined) {
    throw new GasTownError(
      'not-a-repository',
      `${folder} is not a git repository. Run "git init" there and make a first commit, or choose another folder.`,
    );
  }
  if (bare === 'true') {
    throw new GasTownError(
      'not-a-repository',
      `${folder} is a bare repository: agents need a checkout. Clone it and add the clone as the rig.`,
    );
  }
  const top = await realpath(await git(path, ['rev-parse', '--show-toplevel']));
  const branch = base ?? (await defaultBranchOf(top));
  if (branch === undefined) {
    throw new GasTownError(
      'not-a-repository',
      `${top} has a detached HEAD and no branch main or master, so there is no branch to start work from. Run "git switch <branch>" there.`,
    );
  }
  // Not by `rev-list --all`: that fails while a worktree is being made, whose HEAD is no commit for a moment.
  const hasRef = (await git(top, ['for-each-ref', '--count=1'])) !== '';
  if (!hasRef && (await askGit(top, ['rev-parse', '--verify', '--quiet', 'HEAD^{commit}'])) === undefined) {
    throw new GasTownError(
      'not-a-repository',
      `${top} has no commit yet: worktrees need one. Make a first commit there.`,
    );
  }
  const subfolder = (await git(path, ['rev-parse', '--show-prefix'])).replace(/\/$/, '');
  return { path: top, subfolder, branch };
}

/** Without a checkout. What is no repository, or not there, is not bare either. */
export async function isBareRepository(folder: string): Promise<boolean> {
  if ((await unlessMissing(stat(folder))) === undefined) return false;
  return (await askRepository(folder, ['rev-parse', '--is-bare-repository'])) === 'true';
}

/** Throws `not-a-repository` unless the default branch or what is checked out has the folder: a worktree would be without it. */
export async function requireCommitted({ path, subfolder, branch }: Repository): Promise<void> {
  for (const commit of [`refs/heads/${branch}`, 'HEAD'])
    if ((await askGit(path, ['rev-parse', '--verify', '-q', `${commit}:${subfolder}`])) !== undefined) return;
  throw new GasTownError(
    'not-a-repository',
    `No commit of ${path} has the folder ${subfolder}, so workers would not have it. Commit it there first.`,
  );
}

/** The checkout that stands for a folder: the container of a Gas Town rig has it in `mayor/rig`. */
export async function checkoutOf(folder: string): Promise<string> {
  const inner = join(folder, 'mayor', 'rig');
  const has = async (at: string): Promise<boolean> => (await unlessMissing(stat(join(at, '.git')))) !== undefined;
  return !(await has(folder)) && (await has(inner)) ? inner : folder;
}
