/** A branch of ours at a remote. Nothing that somebody else has pushed there is ever replaced. */
import { GasTownError } from '../errors.ts';
import { git, gitBounds, runGit } from './git.ts';
import { withoutSecrets } from './without-secrets.ts';

/** The commit that the branch is at there, by asking; undefined where there is none. Rejects with git's words where it cannot be asked. */
export async function remoteTip(
  repository: string,
  { remote, branch }: { remote: string; branch: string },
  signal?: AbortSignal,
): Promise<string | undefined> {
  const ref = `refs/heads/${branch}`;
  const printed = await git(repository, ['ls-remote', '--refs', '--', remote, ref], {
    signal,
    boundMs: gitBounds.change,
  });
  return printed
    .split('\n')
    .find((line) => line.endsWith(`\t${ref}`))
    ?.split('\t')[0];
}

/**
 * Puts a commit there, as the user would: with their `pre-push` hook. Only where the branch is at `from` by then (absent: where
 * there is none). Rejects with `refused` and git's words.
 */
export async function pushBranch(
  repository: string,
  { remote, branch, commit, from = '' }: { remote: string; branch: string; commit: string; from?: string | undefined },
  signal?: AbortSignal,
): Promise<void> {
  const ref = `refs/heads/${branch}`;
  const args = ['push', '--no-follow-tags', `--force-with-lease=${ref}:${from}`, '--', remote, `${commit}:${ref}`];
  const { code, stdout, stderr } = await runGit(repository, args, { signal, boundMs: gitBounds.transfer });
  if (code === 0) return;
  throw new GasTownError('refused', withoutSecrets((stderr.trim() === '' ? stdout : stderr).trim()));
}
