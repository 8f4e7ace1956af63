import { canMergeMove } from '../domain/merge.ts';
import type { ChangeSize, MergeDetail, MergeState } from '../domain/merge.ts';
import { unknownName } from '../platform/did-you-mean.ts';
import { Emitter } from '../platform/emitter.ts';
import type { Event } from '../platform/emitter.ts';
import { GasTownError } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';
import type { StoredMerge } from '../store/merges.ts';
import type { Store } from '../store/store.ts';

/** What is finished, and is to be merged. */
export interface Finished {
  workId: string;
  rig: string;
  branch: string;
  target: string;
  base: string;
  head: string;
  /** Of the head against the base; absent where git could not tell. */
  size?: ChangeSize;
}

/** Fields that a move may set along; `null` clears. */
export interface MergePatch {
  target?: string;
  base?: string;
  head?: string;
  branch?: string;
  round?: number;
  approvedHead?: string | null;
  approvedBy?: string | null;
  conflictRounds?: number;
  /** Laid over what is known; a key with `undefined` is forgotten. */
  detail?: { [K in keyof MergeDetail]?: MergeDetail[K] | undefined };
  queuedAt?: number | null;
}

export interface MergeChange {
  by: string;
  note?: string;
}

/** A merge goes from one state to another. */
export interface MergeMove {
  before: StoredMerge;
  now: StoredMerge;
  by: string;
}

/** The one store of merges. Every change is a compare-and-set with an entry in the merge's history. */
export class MergeService {
  private readonly store: Store;
  private readonly now: () => number;
  private readonly emitter: Emitter<StoredMerge>;
  readonly onDidChange: Event<StoredMerge>;
  private readonly moving: Emitter<MergeMove>;
  /** Fires within the transaction of a move: what a listener writes is there exactly where the move is. */
  readonly onWillMove: Event<MergeMove>;

  constructor(store: Store, now: () => number, log: Logger) {
    this.store = store;
    this.now = now;
    const failed = (error: unknown): void => log.error(`a listener failed: ${String(error)}`);
    this.emitter = new Emitter(failed);
    this.onDidChange = this.emitter.event;
    this.moving = new Emitter(failed);
    this.onWillMove = this.moving.event;
  }

  /** Rejects with `unknown-work`, naming the nearest ids, or `refused` for a unit that has nothing to merge. */
  get(workId: string): StoredMerge {
    const merge = this.store.merges.get(workId);
    if (merge) return merge;
    const work = this.store.work.get(workId);
    if (work)
      throw new GasTownError(
        'refused',
        `${workId} is ${work.state} and has no finished branch yet, so there is nothing to review or merge.`,
      );
    throw unknownName(
      'work',
      workId,
      this.store.merges.open().map((known) => known.workId),
    );
  }

  find(workId: string): StoredMerge | undefined {
    return this.store.merges.get(workId);
  }

  open(): StoredMerge[] {
    return this.store.merges.open();
  }

  /**
   * A unit was reported as done: its branch waits for review, in the next round where it was there before. The same head once
   * more is the same round.
   */
  begin(finished: Finished, by: string): StoredMerge {
    const known = this.store.merges.get(finished.workId);
    const { size, ...branch } = finished;
    if (known) {
      if (known.state === 'review' && known.head === finished.head) return known;
      const { workId: _same, rig: _too, ...place } = branch;
      return this.move(
        known,
        'review',
        { by, note: `round ${known.round + 1}` },
        {
          ...place,
          round: known.round + 1,
          queuedAt: null,
          detail: {
            ...{ why: undefined, conflicts: undefined, gates: undefined, candidate: undefined, targetRed: undefined },
            author: undefined,
            size,
          },
        },
      );
    }
    const at = this.now();
    const merge: StoredMerge = {
      ...branch,
      state: 'review',
      round: 1,
      conflictRounds: 0,
      detail: size === undefined ? {} : { size },
      createdAt: at,
      changedAt: at,
    };
    this.store.merges.insert(merge, by);
    this.tell(merge);
    return merge;
  }

  /** Rejects with `work-conflict` where that cannot be, or somebody was quicker. */
  move(merge: StoredMerge, state: MergeState, { by, note }: MergeChange, patch: MergePatch = {}): StoredMerge {
    if (!canMergeMove(merge.state, state)) {
      throw new GasTownError(
        'work-conflict',
        `The merge of ${merge.workId} is "${merge.state}"; it cannot become "${state}".`,
      );
    }
    const { approvedHead, approvedBy, queuedAt, detail, ...others } = patch;
    const next: StoredMerge = { ...merge, ...others, state, changedAt: this.now() };
    if (detail !== undefined) next.detail = laidOver(merge.detail, detail);
    if (approvedHead === null) delete next.approvedHead;
    else if (approvedHead !== undefined) next.approvedHead = approvedHead;
    if (approvedBy === null) delete next.approvedBy;
    else if (approvedBy !== undefined) next.approvedBy = approvedBy;
    if (queuedAt === null) delete next.queuedAt;
    else if (queuedAt !== undefined) next.queuedAt = queuedAt;
    this.store.transaction(() => {
      if (!this.store.merges.replace(merge, next, by, note)) {
        throw new GasTownError(
          'work-conflict',
          `The merge of ${merge.workId} was changed by somebody else in this moment. Look at it again.`,
        );
      }
      this.moving.fire({ before: merge, now: next, by });
      this.tell(next);
    });
    return next;
  }

  /** What is known besides the state. */
  note(workId: string, detail: NonNullable<MergePatch['detail']>): void {
    const merge = this.get(workId);
    const next = laidOver(merge.detail, detail);
    this.store.merges.setDetail(workId, next);
    this.tell({ ...merge, detail: next });
  }

  /** The user has looked at it as it is at `head`. */
  reviewed(workId: string, head: string): StoredMerge {
    const merge = this.get(workId);
    if (merge.reviewedHead === head) return merge;
    this.store.merges.setReviewed(workId, head);
    const next = { ...merge, reviewedHead: head };
    this.tell(next);
    return next;
  }

  private tell(merge: StoredMerge): void {
    this.store.afterCommit(() => this.emitter.fire(merge));
  }
}

function laidOver(before: MergeDetail, over: NonNullable<MergePatch['detail']>): MergeDetail {
  return Object.fromEntries(
    Object.entries({ ...before, ...over }).filter(([, value]) => value !== undefined),
  ) as MergeDetail;
}
