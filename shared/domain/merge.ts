/** A merge: a finished branch on its way into its target branch. */
import type { PullRequest } from './pull-request.ts';

/**
 * Where a merge is. `review`: waits for the user. `ready`: everything is done but the target could not be moved yet (its
 * checkout has changes, say), or its pull request not be made, and it is tried again when that may have changed. `proposed`:
 * its pull request is open, and whoever merges that decides. `discarded` and `merged` are the ends.
 */
export const mergeStates = [
  'review',
  'queued',
  'merging',
  'ready',
  'proposed',
  'merged',
  'conflict',
  'gate-failed',
  'sent-back',
  'discarded',
] as const;
export type MergeState = (typeof mergeStates)[number];

const next: Record<MergeState, readonly MergeState[]> = {
  review: ['review', 'queued', 'sent-back', 'discarded', 'merged'],
  queued: ['queued', 'merging', 'review', 'conflict', 'sent-back', 'discarded', 'merged'],
  merging: ['queued', 'ready', 'proposed', 'merged', 'conflict', 'gate-failed', 'review'],
  ready: ['queued', 'merging', 'merged', 'review', 'sent-back', 'discarded'],
  // What is new of its pull request is a step, too.
  proposed: ['proposed', 'queued', 'merged', 'review', 'sent-back', 'discarded'],
  conflict: ['review', 'queued', 'sent-back', 'discarded', 'merged'],
  'gate-failed': ['review', 'queued', 'sent-back', 'discarded', 'merged'],
  'sent-back': ['review', 'queued', 'discarded', 'merged'],
  merged: [],
  discarded: ['review'],
};

/** Whether a merge in `from` may go to `to`. */
export function canMergeMove(from: MergeState, to: MergeState): boolean {
  return next[from].includes(to);
}

/** What would conflict, or did. */
export interface MergeConflict {
  /** The id of another unit; absent for the target branch. */
  work?: string;
  files: readonly string[];
  /** Both change these files, and git is too old to tell whether they conflict. */
  untried?: true;
}

export interface GateResult {
  /** As it is called in the settings: `test_command`, or the name of a gate. */
  name: string;
  state: 'passed' | 'failed' | 'timed-out';
  /** In ms. */
  took: number;
  /** File with all that it printed. */
  log?: string;
  /** Its last lines, where it did not pass. */
  tail?: string;
  /** It passed at the second attempt only. */
  retried?: true;
}

/** How the branch came into its target: the proof that it has, whatever git can tell afterwards. */
export interface Landed {
  /** What the target is at with it. */
  commit: string;
  /** What the target was at before; of a pull request only its forge knows. */
  previous?: string;
  strategy: 'merge' | 'squash' | 'rebase' | 'pull-request';
  at: number;
}

/** How much a branch changes. */
export interface ChangeSize {
  commits: number;
  files: number;
  additions: number;
  deletions: number;
}

/** The commit by which a branch is to come into its target, alone or with others. */
export interface MergeCandidate {
  commit: string;
  /** The one below it. */
  previous: string;
  /** What the target is at. */
  onto: string;
  /** What the target is to be moved to: it has all of `batch`. */
  tip: string;
  /** The units, in order. */
  batch: readonly string[];
}

/** Gates that the target itself does not pass, at this commit, as it failed there. */
export interface TargetRed {
  commit: string;
  gates: readonly GateResult[];
}

/** What is known of a merge besides its state. */
export interface MergeDetail {
  /** Of the head against the base. */
  size?: ChangeSize;
  /** Why it is where it is, in one line. */
  why?: string;
  /** In the states `conflict`, and `sent-back` after it. */
  conflicts?: readonly MergeConflict[];
  /** Of the last attempt. */
  gates?: readonly GateResult[];
  /** While `queued` or tried once more: why it waits. Nobody who comes with a branch is to blame for it. */
  targetRed?: TargetRed;
  landed?: Landed;
  /** While `merging` and `ready`. */
  candidate?: MergeCandidate;
  /** Where the rig wants one. It stays known in later rounds, which go into the same one. */
  pull?: PullRequest;
  /** Whose the unit is (a session) while another one resolves a conflict of it; it is theirs again with `gt done`. */
  author?: string;
}

export interface MergeHistoryEntry {
  /** Epoch milliseconds. */
  at: number;
  state: MergeState;
  by: string;
  round: number;
  head: string;
  note?: string;
}

/** The side of a diff that a comment stands at. */
export const reviewSides = ['old', 'new'] as const;
export type ReviewSide = (typeof reviewSides)[number];

/** `outdated`: its line is gone, or was changed, in a later round. */
export type ThreadState = 'open' | 'resolved' | 'outdated';
