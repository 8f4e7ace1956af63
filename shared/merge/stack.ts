/** Branches laid on top of each other and the target: the commits that are to land, made without a checkout. */
import type { MergeQueuePolicy } from '../config/merge-queue-settings.ts';
import {
  commitAgain,
  commitMerge,
  commitSquash,
  isAncestor,
  pickBase,
  requireIdentity,
} from '../platform/git/commit-merge.ts';
import type { MergeWords } from '../platform/git/commit-merge.ts';
import { git } from '../platform/git/git.ts';
import { mergeTrees } from '../platform/git/merge-tree.ts';

export interface StackMember {
  workId: string;
  head: string;
  words: MergeWords;
}

/** What became of each of the given ones; who is in none of the lists is not in the stack, and may be in a later one. */
export interface Stack {
  /** What is to land; the target itself where nothing is. */
  tip: string;
  /** In order, each with the commit by which it is in, from the one below it. */
  members: readonly { workId: string; commit: string; previous: string }[];
  /** The target has it already. */
  contained: readonly string[];
  /** It conflicts with the target. */
  conflicts: readonly { workId: string; files: readonly string[] }[];
  /** It conflicts only with those below it: it can come next, or they do not land. */
  crossed: readonly { workId: string; files: readonly string[] }[];
}

/** Rejects with `refused` where git does not know the user. */
export async function buildStack(
  repository: string,
  onto: string,
  given: readonly StackMember[],
  style: MergeQueuePolicy['style'],
  signal?: AbortSignal,
): Promise<Stack> {
  await requireIdentity(repository, signal);
  const contained: string[] = [];
  const conflicts: { workId: string; files: readonly string[] }[] = [];
  const crossed: { workId: string; files: readonly string[] }[] = [];
  const members: { workId: string; commit: string; previous: string }[] = [];
  let tip = onto;
  for (const member of given) {
    const { workId, head } = member;
    if (await isAncestor(repository, head, onto, signal)) contained.push(workId);
    else {
      const laid = await layOn(repository, tip, member, style, signal);
      if (laid.kind === 'conflict') {
        const alone = tip === onto ? laid : await layOn(repository, onto, member, style, signal);
        if (alone.kind === 'conflict') conflicts.push({ workId, files: alone.files });
        else crossed.push({ workId, files: laid.files });
      } else if (laid.commit === tip && tip === onto) contained.push(workId);
      else {
        members.push({ workId, commit: laid.commit, previous: tip });
        tip = laid.commit;
      }
    }
  }
  return { tip, members, contained, conflicts, crossed };
}

type Laid = { kind: 'laid'; commit: string } | { kind: 'conflict'; files: readonly string[] };

/** The commit is `onto` itself where the branch changes nothing of it. */
async function layOn(
  repository: string,
  onto: string,
  { head, words }: StackMember,
  style: MergeQueuePolicy['style'],
  signal?: AbortSignal,
): Promise<Laid> {
  if (style === 'rebase') {
    const commits = await linearCommits(repository, onto, head, signal);
    if (commits) return replay(repository, onto, commits, signal);
  }
  const [trial] = await mergeTrees(repository, [[onto, head]], { signal });
  if (trial?.kind !== 'clean') return { kind: 'conflict', files: trial?.files ?? [] };
  if (style === 'merge')
    return { kind: 'laid', commit: await commitMerge(repository, { tree: trial.tree, onto, head }, words, signal) };
  if (trial.tree === (await treeOf(repository, onto, signal))) return { kind: 'laid', commit: onto };
  return { kind: 'laid', commit: await commitSquash(repository, { tree: trial.tree, onto, head }, words, signal) };
}

/**
 * What `head` has that `onto` does not, oldest first; undefined where a merge is among it: replayed without it, what the
 * author has resolved there would conflict again. Such a branch comes as one commit.
 */
async function linearCommits(
  repository: string,
  onto: string,
  head: string,
  signal?: AbortSignal,
): Promise<string[] | undefined> {
  const printed = await git(
    repository,
    ['rev-list', '--reverse', '--parents', '--end-of-options', `${onto}..${head}`],
    {
      signal,
    },
  );
  const lines = printed.split('\n').filter((line) => line !== '');
  if (lines.some((line) => line.split(' ').length !== 2)) return undefined;
  return lines.map((line) => line.slice(0, line.indexOf(' ')));
}

async function replay(
  repository: string,
  onto: string,
  commits: readonly string[],
  signal?: AbortSignal,
): Promise<Laid> {
  let tip = onto;
  for (const commit of commits) {
    const base = await pickBase(repository, { onto: tip, commit }, signal);
    const [trial] = await mergeTrees(repository, [[base, commit]], { signal });
    if (trial?.kind !== 'clean') return { kind: 'conflict', files: trial?.files ?? [] };
    // What the target has by now makes no empty commit.
    if (trial.tree !== (await treeOf(repository, tip, signal)))
      tip = await commitAgain(repository, { tree: trial.tree, onto: tip, commit }, signal);
  }
  return { kind: 'laid', commit: tip };
}

const treeOf = (repository: string, commit: string, signal?: AbortSignal): Promise<string> =>
  git(repository, ['rev-parse', '--verify', `${commit}^{tree}`], { signal });
