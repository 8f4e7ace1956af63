import type { Gate } from '../config/merge-queue-settings.ts';
import type { GateResult, MergeConflict } from '../domain/merge.ts';
import type { Landing, LandingOrder } from '../platform/git/land.ts';
import type { StoredMerge } from '../store/merges.ts';
import type { Proposal } from './propose.ts';
import type { Stack } from './stack.ts';

export interface GateRun {
  /** `cancelled`: the host ends; nothing was found out. */
  state: 'passed' | 'failed' | 'cancelled';
  results: readonly GateResult[];
}

/** What the queue does to a repository. Each may reject: then everything that is under way goes back into the queue. */
export interface QueueActs {
  /** The commit that a branch is at; undefined where there is none of that name. */
  headOf(branch: string): Promise<string | undefined>;
  /** What the target is at: where pull requests are made that of its remote, as far as it is known here. */
  tipOf(target: string): Promise<string | undefined>;
  isAncestor(commit: string, of: string): Promise<boolean>;
  /** Lays the branches on top of each other and `onto`. Changes nothing but the object store. */
  stack(onto: string, merges: readonly StoredMerge[]): Promise<Stack>;
  /** `only`: of these names, with the set-up before them as always. */
  gates(commit: string, phase: Gate['phase'], only?: readonly string[]): Promise<GateRun>;
  /** Another one where what runs as this gate (or set-up) is another; of all of them where no name is given. */
  gatesKey(name?: string): string;
  /** Units that have changed some of these files in the target, newest first. */
  touching(merge: StoredMerge, files: readonly string[]): Promise<MergeConflict[]>;
  land(order: LandingOrder): Promise<Landing>;
  /** Resolves with why the target could not be pushed; undefined where it was, or is not to be. */
  push(target: string): Promise<string | undefined>;
  /** Where pull requests are made: whether one can be, or was merged already. Changes nothing. */
  lookAtPull(merge: StoredMerge): Promise<Proposal>;
  /** Makes the pull request of a branch, or brings it up to date. */
  propose(merge: StoredMerge): Promise<Proposal>;
}
