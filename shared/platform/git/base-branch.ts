/** Where new worktrees start: a branch that is known, never what somebody happens to have checked out. */
import { GasTownError, messageOf, throwIfCancelled } from '../errors.ts';
import { findDefaultBranch } from './default-branch.ts';
import { git, runGit } from './git.ts';
import { commitAt, placesOf, trackingRefOf } from './remote-branch.ts';
import type { RemoteBranch } from './remote-branch.ts';

export interface BaseWish {
  /** Branch, or remote branch (`origin/next`); the repository's default branch when absent. */
  branch?: string;
  /** Ask its remote first. */
  fetch?: boolean;
  /** It is being asked for this branch of its own. */
  onFetch?: (remote: string, branch: string) => void;
  /** A folder that its commit has to have; empty for none. */
  subfolder: string;
}

export interface Base {
  branch: string;
  commit: string;
  /** What the user may want to know, though it does not keep anybody from working. */
  warnings: string[];
}

/** A remote that does not answer holds up no start for longer, in ms. */
const fetchMs = 60_000;

/** By repository, remote and branch: starts that come together ask once. */
const fetching = new Map<string, Promise<string | undefined>>();

/**
 * The commit that new work starts from. Rejects with `bad-config` where the branch does not exist or lacks the folder, saying
 * which setting names another. A remote that cannot be asked is a warning: what is known of it by then is gone on from.
 */
export async function findBase(repository: string, wish: BaseWish, signal?: AbortSignal): Promise<Base> {
  const warnings: string[] = [];
  const branch = wish.branch ?? (await usualBranch(repository, warnings));
  const { local, remote } = await placesOf(repository, branch, signal);
  if (wish.fetch && remote) {
    wish.onFetch?.(remote.name, remote.branch);
    const problem = await fetchOnce(repository, remote, signal);
    if (problem !== undefined)
      warnings.push(
        `${remote.name} could not be asked for ${remote.branch}, so the work starts from what is known of it: ${problem}`,
      );
  }
  const [mine, theirs] = [
    local && (await commitAt(repository, local, signal)),
    remote && (await commitAt(repository, trackingRefOf(remote), signal)),
  ];
  const { commit, diverged } = await newerOf(
    repository,
    { mine, theirs: wish.fetch || mine === undefined ? theirs : undefined },
    signal,
  );
  if (commit === undefined) {
    throw new GasTownError(
      'bad-config',
      `the branch "${branch}", from which new worktrees start, does not exist in ${repository}. Name another in the rig's settings (worktrees.base), or make it.`,
    );
  }
  if (diverged)
    warnings.push(`${branch} and ${remote?.name}/${remote?.branch} have diverged; the work starts from ${branch}`);
  await requireFolder(repository, branch, commit, wish.subfolder, signal);
  return { branch, commit, warnings };
}

async function usualBranch(repository: string, warnings: string[]): Promise<string> {
  const found = await findDefaultBranch(repository);
  if (found === undefined) {
    throw new GasTownError(
      'bad-config',
      `${repository} has a detached HEAD, and neither origin/HEAD nor a branch main or master says where work belongs. Name the branch in the rig's settings (worktrees.base).`,
    );
  }
  if (found.isGuess && (await hasOthers(repository, found.branch)))
    warnings.push(
      `the work starts from ${found.branch}, because that is checked out in ${repository} and nothing says which branch is the default one. Name it in the rig's settings (worktrees.base)`,
    );
  return found.branch;
}

/** Whether the user has another branch: those of polecats are ours. */
async function hasOthers(repository: string, branch: string): Promise<boolean> {
  const listed = await git(repository, ['for-each-ref', '--format=%(refname:lstrip=2)', 'refs/heads']);
  return listed.split('\n').some((other) => other !== '' && other !== branch && !other.startsWith('polecat/'));
}

/** Ours where it has all of theirs; theirs where they have all of ours. Else ours counts: finished work is to go into it. */
async function newerOf(
  repository: string,
  { mine, theirs }: { mine: string | undefined; theirs: string | undefined },
  signal?: AbortSignal,
): Promise<{ commit: string | undefined; diverged?: true }> {
  if (mine === undefined || theirs === undefined || mine === theirs) return { commit: mine ?? theirs };
  const has = async (whole: string, part: string): Promise<boolean> =>
    (await runGit(repository, ['merge-base', '--is-ancestor', part, whole], { signal })).code === 0;
  if (await has(theirs, mine)) return { commit: theirs };
  return (await has(mine, theirs)) ? { commit: mine } : { commit: mine, diverged: true };
}

/** Resolves with what went wrong. Nothing of the user's changes but what is known of the remote's branch. */
async function fetchOnce(repository: string, remote: RemoteBranch, signal?: AbortSignal): Promise<string | undefined> {
  throwIfCancelled(signal, `Asking ${remote.name}`);
  const key = [repository, remote.name, remote.branch].join('\0');
  const asked = fetching.get(key) ?? fetchBranch(repository, remote).finally(() => fetching.delete(key));
  fetching.set(key, asked);
  let onAbort = (): void => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(new GasTownError('cancelled', `Asking ${remote.name} was cancelled.`));
    signal?.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([asked, aborted]);
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
}

async function fetchBranch(repository: string, remote: RemoteBranch): Promise<string | undefined> {
  const refspec = `+refs/heads/${remote.branch}:${trackingRefOf(remote)}`;
  const quietly = ['--quiet', '--no-tags', '--no-write-fetch-head', '--no-recurse-submodules'];
  try {
    await git(repository, ['fetch', ...quietly, '--', remote.name, refspec], { boundMs: fetchMs });
    return undefined;
  } catch (error) {
    return messageOf(error).replace(/\s*\n\s*/g, ' ');
  }
}

async function requireFolder(
  repository: string,
  branch: string,
  commit: string,
  subfolder: string,
  signal?: AbortSignal,
): Promise<void> {
  if (subfolder === '') return;
  const { stdout } = await runGit(repository, ['cat-file', '-t', `${commit}:${subfolder}`], { signal });
  if (stdout.trim() === 'tree') return;
  throw new GasTownError(
    'bad-config',
    `the branch ${branch} of ${repository}, from which new worktrees start, does not have the rig's folder ${subfolder}. Commit it there, or name another branch in the rig's settings (worktrees.base).`,
  );
}
