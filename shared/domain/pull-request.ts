/** A pull request by which a branch comes into its target: made by us, merged by whoever merges at its forge. */

import type { Remedy } from './trouble.ts';

/**
 * Why one could not be made, or looked at. `foreign-commits`: the branch has commits at its remote that are not from here;
 * `unreachable`: of the remote or its forge nothing was heard; `refused`: see the words.
 */
export type PullProblemKind =
  | 'no-gh'
  | 'signed-out'
  | 'no-remote'
  | 'unknown-forge'
  | 'unreachable'
  | 'foreign-commits'
  | 'push-refused'
  | 'refused';

export interface PullProblem {
  kind: PullProblemKind;
  /** What happened, to what, and what to do next, in one line; how it is looked at again `notSeenText` adds. */
  words: string;
}

export type CheckState = 'passed' | 'failed' | 'pending';

export interface PullChecks {
  /** One that failed outweighs one that is pending. */
  state: CheckState;
  /** The names of those that failed. */
  failed: readonly string[];
  /** How many there are. */
  count: number;
}

/** What a forge says of one. */
export interface PullView {
  number: number;
  url: string;
  state: 'open' | 'merged' | 'closed';
  /** The commit that its branch is at. */
  head: string;
  isDraft?: true;
  /** Absent where there are none (yet). */
  checks?: PullChecks;
  /** Absent where the forge wants no review and nobody has given one. */
  review?: 'approved' | 'changes-requested' | 'required';
  /** It cannot be merged into its target as it is. */
  conflicts?: true;
  /** Once it is merged: what its target is at with it. */
  merged?: string;
}

/** What is on record of one. */
export interface PullRequest extends Partial<PullView> {
  /** Name of the remote that the branch is pushed to. */
  remote?: string;
  /** Its target there, as it is known here: `origin/main`. */
  into?: string;
  /** What was pushed last: only that is replaced there. */
  pushed?: string;
  /** What is about to be pushed, and may have been when the host ended. */
  pushing?: string;
  /** When the forge was asked last. Epoch milliseconds. */
  seenAt?: number;
  problem?: PullProblem;
}

/** Pure. Whether it waits for somebody here: nobody merges it as it is. */
export function needsWork({ isDraft, checks, review, conflicts }: PullRequest): boolean {
  return !isDraft && (checks?.state === 'failed' || review === 'changes-requested' || conflicts === true);
}

/** Pure. Whether a row says the same of both; how many checks there are it does not say. */
export function looksSame(a: PullRequest, b: PullRequest): boolean {
  const shown = ({ number, state, isDraft, checks, review, conflicts }: PullRequest): string =>
    JSON.stringify([number, state, isDraft, checks?.state, checks?.failed, review, conflicts]);
  return shown(a) === shown(b);
}

/** Pure. `pull request #12: checks failed (lint), review required`. */
export function pullText(pull: PullRequest): string {
  const { number, state, isDraft, checks, review, conflicts } = pull;
  if (number === undefined) return 'no pull request yet';
  if (state === 'merged' || state === 'closed') return `pull request #${number}: ${state}`;
  const facts = [
    ...(isDraft ? ['draft'] : []),
    ...(conflicts ? ['conflicts with its target'] : []),
    ...(checks === undefined ? [] : [checksText(checks)]),
    ...(review === undefined ? [] : [reviewTexts[review]]),
  ];
  return facts.length === 0 ? `pull request #${number}: open` : `pull request #${number}: ${facts.join(', ')}`;
}

/** What there is to do when the forge can be asked again. */
export const lookAgain: Remedy = {
  what: 'Then have it looked at again',
  gt: 'gt queue --refresh',
  action: 'Refresh Pull Requests',
};

/** Pure. Why what is known of an open one may be old, and what to do; undefined where the last look saw it. */
export function notSeenText(
  { state, pull }: { state: string; pull?: PullRequest },
  say: (remedy: Remedy) => string,
): string | undefined {
  return state === 'proposed' && pull?.problem ? `${pull.problem.words} ${say(lookAgain)}` : undefined;
}

function checksText({ state, failed }: PullChecks): string {
  return failed.length === 0 ? `checks ${state}` : `checks failed (${failed.slice(0, 3).join(', ')})`;
}

const reviewTexts = {
  approved: 'approved',
  'changes-requested': 'changes requested',
  required: 'review required',
} as const;
