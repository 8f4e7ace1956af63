/** What was done in a worktree, read from the worktree itself: an agent may leave the branch that it was given. */
import { git, runGit } from './git.ts';

export interface BranchTip {
  branch: string;
  /** The commit that it is at. */
  head: string;
}

export interface BranchResult extends BranchTip {
  /** How many commits it has that neither the unit's base nor the target has. */
  commits: number;
}

export interface WorktreeResult {
  /** What is checked out; absent with a detached HEAD. */
  branch?: string;
  head: string;
  commits: number;
  /** Other branches with commits that were made in this worktree; absent where there are none. */
  others?: BranchResult[];
}

/**
 * What of the commits since `base` was made here, and on which branches it is now. What the branch `target` has counts for
 * nobody: it came by a merge or a rebase. Rejects where git cannot tell: that is no answer, and never "nothing".
 */
export async function readResult(worktree: string, base: string, target?: BranchTip): Promise<WorktreeResult> {
  const head = await git(worktree, ['rev-parse', '--verify', 'HEAD^{commit}']);
  const branch = await checkedOut(worktree);
  // Who commits to the target itself has done that all the same.
  const known = target === undefined || target.branch === branch ? [base] : [base, target.head];
  const commits = await countSince(worktree, known, head);
  const others = (await branchesWith(worktree, await madeHere(worktree, known))).filter(
    (each) => each.branch !== branch,
  );
  const counted = await Promise.all(
    others.map(async (each) => ({ ...each, commits: await countSince(worktree, known, each.head) })),
  );
  return {
    ...(branch === undefined ? {} : { branch }),
    head,
    commits,
    ...(counted.length === 0 ? {} : { others: counted }),
  };
}

/** The branch that is checked out; undefined with a detached HEAD. */
export async function checkedOut(worktree: string): Promise<string | undefined> {
  const { code, stdout, stderr } = await runGit(worktree, ['symbolic-ref', '--quiet', '--short', 'HEAD']);
  if (code === 0) return stdout.trim();
  // With --quiet 1 is the answer "no branch", whatever else git has to say; anything else is no answer.
  if (code === 1) return undefined;
  throw new Error(`git could not tell the branch of ${worktree}: ${stderr.trim()}`);
}

async function countSince(worktree: string, known: readonly string[], commit: string): Promise<number> {
  return Number(await git(worktree, ['rev-list', '--count', commit, '--not', ...known]));
}

/** How many of the commits since `base` were made in this worktree, whoever else has them by now. */
export async function countMadeHere(worktree: string, base: string): Promise<number> {
  const made = new Set(await madeHere(worktree, [base]));
  const since = lines(await git(worktree, ['rev-list', 'HEAD', '--not', base]));
  return since.filter((commit) => made.has(commit)).length;
}

/** How git itself writes into HEAD's log, in no language, what makes a commit. Only moves are `checkout`, `reset`, `Branch: renamed`. */
const making = /^(commit|cherry-pick|revert|am|pull|merge|rebase)\b/;
/** A move to somebody else's commit. */
const moving = /(: Fast-forward|^rebase.*\((start|finish|abort)\).*)$/;

/** The newest so many are looked at: they go on git's command line. */
const mostMade = 500;

/** Commits that came to be in this worktree (each has a log of HEAD of its own), and that none of `known` has. */
async function madeHere(worktree: string, known: readonly string[]): Promise<string[]> {
  const log = await git(worktree, ['log', '--walk-reflogs', '--format=%H %gs', 'HEAD', '--']);
  const made = log.split('\n').flatMap((line) => {
    const [commit, what] = [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)];
    return making.test(what) && !moving.test(what) ? [commit] : [];
  });
  if (made.length === 0) return [];
  return lines(
    await git(worktree, ['rev-list', '--no-walk', ...[...new Set(made)].slice(0, mostMade), '--not', ...known]),
  );
}

async function branchesWith(worktree: string, commits: readonly string[]): Promise<BranchTip[]> {
  if (commits.length === 0) return [];
  const format = '--format=%(objectname) %(refname:lstrip=2)';
  const listed = await git(worktree, [
    'for-each-ref',
    format,
    ...commits.map((commit) => `--contains=${commit}`),
    'refs/heads/',
  ]);
  return lines(listed).map((line) => ({
    head: line.slice(0, line.indexOf(' ')),
    branch: line.slice(line.indexOf(' ') + 1),
  }));
}

const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');

/** For people: `feature/x (2 commits)`, or where no branch is checked out `no branch, at 1a2b3c4 (1 commit)`; with the other branches. */
export function resultText({ branch, head, commits, others = [] }: WorktreeResult): string {
  const places = [
    `${branch ?? `no branch, at ${head.slice(0, 7)}`} (${commitsText(commits)})`,
    ...others.map((each) => `${each.branch} (${commitsText(each.commits)})`),
  ];
  return places.join(', ');
}

const commitsText = (count: number): string => (count === 1 ? '1 commit' : `${count} commits`);
