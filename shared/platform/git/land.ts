import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { GasTownError } from '../errors.ts';
import { unlessMissing } from '../files.ts';
import { readBounded } from '../read-bounded.ts';
import { gitPath } from './git-path.ts';
import { git, gitBounds, runGit } from './git.ts';
import { inTurn } from './worktree.ts';
import { withoutSecrets } from './without-secrets.ts';

/**
 * Why the target did not move. `dirty`: its checkout has changes, or a merge under way; `untracked-in-the-way`: files there
 * that git does not know would be overwritten; `moved`: it is not where it was; `other`: see git's words (a hook, say).
 */
export type Refusal = 'dirty' | 'untracked-in-the-way' | 'moved' | 'other';

export type Landing = { kind: 'landed' } | { kind: 'refused'; why: Refusal; words: string };

export interface LandingOrder {
  /** Short name of the branch. */
  target: string;
  /** Where it has to be now. */
  from: string;
  to: string;
}

/**
 * Moves a branch, and the files of the checkout that has it, in one act: both or neither. Git itself looks whether that
 * checkout, be it the main one or a linked worktree, is clean. The user's `pre-push` hook is not for this; hooks of the
 * receiving side (`update`, say) may refuse.
 */
export async function land(
  repository: string,
  { target, from, to }: LandingOrder,
  signal?: AbortSignal,
): Promise<Landing> {
  const rebased = await rebasedIn(repository, target, signal);
  if (rebased !== undefined)
    return { kind: 'refused', why: 'dirty', words: `${target} is being rebased in ${rebased}` };
  const args = [
    ...['-c', 'push.followTags=false', '-c', 'push.recurseSubmodules=no', '-c', 'push.gpgSign=false'],
    ...[
      'push',
      '--porcelain',
      '--no-verify',
      '--receive-pack=git -c receive.denyCurrentBranch=updateInstead receive-pack',
    ],
    ...[`--force-with-lease=refs/heads/${target}:${from}`, '.', `${to}:refs/heads/${target}`],
  ];
  // Git looks through all worktrees whether the commit is whole, and refuses it where it meets a half-made one.
  const { code, stdout, stderr } = await inTurn(repository, () =>
    runGit(repository, args, { signal, boundMs: gitBounds.hook }),
  );
  if (code === 0) return { kind: 'landed' };
  return refusalIn(`${stdout}\n${stderr}`);
}

/** The checkout in which the user is rebasing the branch: it is checked out nowhere then, and git would move it all the same. */
async function rebasedIn(repository: string, target: string, signal?: AbortSignal): Promise<string | undefined> {
  const common = await gitPath(repository, ['--git-common-dir'], signal);
  const linked = join(common, 'worktrees');
  const names = (await unlessMissing(readdir(linked))) ?? [];
  for (const admin of [common, ...names.map((name) => join(linked, name))])
    for (const kind of ['rebase-merge', 'rebase-apply']) {
      const branch = await unlessMissing(readBounded(join(admin, kind, 'head-name')));
      if (branch?.trim() !== `refs/heads/${target}`) continue;
      const link = await unlessMissing(readBounded(join(admin, 'gitdir')));
      return link === undefined ? repository : dirname(link.trim());
    }
  return undefined;
}

/** Pure. Git's words are in no language here (`LC_ALL=C`), and it has no other way to tell these apart. */
function refusalIn(printed: string): Landing {
  const words = withoutSecrets(
    printed
      .split('\n')
      .map((line) => line.replace(/^(remote|error|fatal|hint): ?/, '').trim())
      .filter((line) => line !== '' && !/^(To |Done$|failed to push|Updates were rejected|See the )/.test(line))
      .join('\n'),
  ).slice(0, 2_000);
  const refused = (why: Refusal): Landing => ({ kind: 'refused', why, words });
  if (/\(stale info\)|\(fetch first\)|incorrect old value|cannot lock ref|failed to update ref/i.test(printed))
    return refused('moved');
  if (/untracked working tree file|would be overwritten/i.test(printed)) return refused('untracked-in-the-way');
  if (/has (un)?staged changes|Up-to-date check failed/i.test(printed)) return refused('dirty');
  return refused('other');
}

/** Sends the target to the remote that it follows, else to `origin`, as the user would: with their hooks. Rejects with git's words. */
export async function pushTarget(repository: string, target: string, signal?: AbortSignal): Promise<void> {
  const { stdout } = await runGit(repository, ['config', '--get', `branch.${target}.remote`], { signal });
  const remote = stdout.trim() === '' || stdout.trim() === '.' ? 'origin' : stdout.trim();
  const { code, stderr } = await runGit(
    repository,
    ['push', '--', remote, `refs/heads/${target}:refs/heads/${target}`],
    { signal, boundMs: gitBounds.transfer },
  );
  if (code === 0) return;
  throw new GasTownError('refused', withoutSecrets(stderr.trim()));
}

/** The files of a checkout that differ from its commit, the first ones. */
export async function changedInCheckout(checkout: string, most: number, signal?: AbortSignal): Promise<string[]> {
  const printed = await git(checkout, ['diff', '--name-only', '-z', 'HEAD'], { signal });
  return printed
    .split('\0')
    .filter((name) => name !== '')
    .slice(0, most);
}
