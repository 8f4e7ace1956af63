import { askGit } from './ask.ts';

export interface DefaultBranch {
  branch: string;
  /** Only what is checked out says so: it may be anything that somebody works on there. */
  isGuess: boolean;
}

/**
 * The branch that the repository's work belongs on: what its `origin` says, else `main` or `master` where there is one,
 * else what is checked out. Undefined with a detached HEAD and none of these.
 */
export async function findDefaultBranch(repository: string): Promise<DefaultBranch | undefined> {
  const remote = await askGit(repository, ['symbolic-ref', '--quiet', '--short', 'refs/remotes/origin/HEAD']);
  const usual = [remote?.replace(/^origin\//, ''), 'main', 'master'];
  for (const branch of usual) {
    if (branch === undefined) continue;
    const args = ['rev-parse', '--verify', '--quiet', `refs/heads/${branch}`];
    if ((await askGit(repository, args)) !== undefined) return { branch, isGuess: false };
  }
  const branch = await askGit(repository, ['symbolic-ref', '--quiet', '--short', 'HEAD']);
  return branch === undefined ? undefined : { branch, isGuess: true };
}

/**
 * The same by its name alone. `base` is the branch that new work starts from, where the settings name one: that, or for a
 * remote's (`origin/next`) the one of its name here.
 */
export async function defaultBranchOf(repository: string, base?: string): Promise<string | undefined> {
  for (const branch of base === undefined ? [] : [base, base.slice(base.indexOf('/') + 1)]) {
    const args = ['rev-parse', '--verify', '--quiet', `refs/heads/${branch}`];
    if ((await askGit(repository, args)) !== undefined) return branch;
  }
  return (await findDefaultBranch(repository))?.branch;
}
