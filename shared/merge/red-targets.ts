import type { Gate } from '../config/merge-queue-settings.ts';
import type { GateResult } from '../domain/merge.ts';
import type { StoredMerge } from '../store/merges.ts';
import type { QueueActs } from './queue-acts.ts';
import { TargetGates } from './target-gates.ts';

/** Whose the failures of a branch are. */
export type Judgement = { kind: 'own' | 'red'; gates: readonly GateResult[] };

/** As what, and where, a merge was tried in vain. */
interface Held {
  commit: string;
  queuedAt: number | undefined;
  key: string;
}

/**
 * Targets that fail their gates by themselves, and the merges that wait because of that. Others are tried all the same: one
 * of them may mend the target.
 */
export class RedTargets {
  private readonly acts: QueueActs;
  private readonly targetGates: TargetGates;
  /** By unit. */
  private readonly held = new Map<string, Held>();

  constructor(acts: QueueActs) {
    this.acts = acts;
    this.targetGates = new TargetGates(acts);
  }

  /**
   * Gates have failed with one branch alone on top of `onto`. That is its author's only where they pass on the target itself
   * (`own`); where all of them fail there, too, nobody's (`red`, as they failed there). Undefined where the host ends before
   * that is known.
   */
  async judge(onto: string, phase: Gate['phase'], results: readonly GateResult[]): Promise<Judgement | undefined> {
    const failed = results.filter(({ state }) => state !== 'passed');
    const red = await this.targetGates.redOf(onto, phase, failed);
    if (red === undefined) return undefined;
    const isRed = ({ name }: GateResult): boolean => red.some((each) => each.name === name);
    if (failed.length > 0 && failed.every(isRed)) return { kind: 'red', gates: red };
    return { kind: 'own', gates: results.filter((each) => !isRed(each)) };
  }

  /** It waits until something else can come of trying it. */
  hold(merge: StoredMerge, commit: string): void {
    this.held.set(merge.workId, { commit, queuedAt: merge.queuedAt, key: this.keyOf(merge) });
  }

  /**
   * Those of the queued ones that would be tried in vain once more: branch, target and gates are as they were, and nobody has
   * asked again.
   */
  async stillHeld(queued: readonly StoredMerge[]): Promise<StoredMerge[]> {
    const still: StoredMerge[] = [];
    for (const [workId, { commit, queuedAt, key }] of this.held) {
      const merge = queued.find((each) => each.workId === workId);
      const isThere = merge !== undefined && (await this.acts.tipOf(merge.target)) === commit;
      if (isThere && merge.queuedAt === queuedAt && key === this.keyOf(merge)) still.push(merge);
      else {
        this.held.delete(workId);
        // What was asked for again is found out anew: what has failed may lie outside of the commits.
        if (isThere && merge.queuedAt !== queuedAt) this.targetGates.forget(commit);
      }
    }
    return still;
  }

  /** What the target of a held one is at. */
  commitOf({ workId }: StoredMerge): string | undefined {
    return this.held.get(workId)?.commit;
  }

  private keyOf({ head }: StoredMerge): string {
    return `${head} ${this.acts.gatesKey()}`;
  }
}
