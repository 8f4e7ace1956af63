/** Where a branch is: here, and at a remote. */
import { git, runGit } from './git.ts';

export interface RemoteBranch {
  /** Of the remote. */
  name: string;
  branch: string;
}

/** What is known here of a remote's branch. */
export const trackingRefOf = ({ name, branch }: RemoteBranch): string => `refs/remotes/${name}/${branch}`;

/** Where a branch may be: its own ref, and that of the remote's branch which it follows, or which has its name. */
export async function placesOf(
  repository: string,
  branch: string,
  signal?: AbortSignal,
): Promise<{ local?: string; remote?: RemoteBranch }> {
  const remotes = (await git(repository, ['remote'], { signal })).split('\n').filter((name) => name !== '');
  const ref = `refs/heads/${branch}`;
  const isLocal = (await commitAt(repository, ref, signal)) !== undefined;
  const named = remotes.find((name) => branch.startsWith(`${name}/`));
  if (!isLocal && named !== undefined) return { remote: { name: named, branch: branch.slice(named.length + 1) } };
  const follows = isLocal ? await configured(repository, `branch.${branch}.remote`, signal) : undefined;
  const usual = remotes.includes('origin') ? 'origin' : remotes.length === 1 ? remotes[0] : undefined;
  const name = remotes.find((each) => each === follows) ?? (follows === undefined ? usual : undefined);
  const merge = follows === undefined ? undefined : await configured(repository, `branch.${branch}.merge`, signal);
  return {
    ...(isLocal ? { local: ref } : {}),
    ...(name === undefined ? {} : { remote: { name, branch: merge?.replace(/^refs\/heads\//, '') ?? branch } }),
  };
}

/** Undefined where there is no such ref. */
export async function commitAt(repository: string, ref: string, signal?: AbortSignal): Promise<string | undefined> {
  const { code, stdout } = await runGit(repository, ['rev-parse', '--verify', '--quiet', `${ref}^{commit}`], {
    signal,
  });
  return code === 0 ? stdout.trim() : undefined;
}

/** A value of git's configuration. */
export async function configured(repository: string, key: string, signal?: AbortSignal): Promise<string | undefined> {
  const { code, stdout } = await runGit(repository, ['config', '--get', key], { signal });
  return code === 0 ? stdout.trim() : undefined;
}
