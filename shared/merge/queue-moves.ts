import type { GateResult, Landed, MergeState, TargetRed } from '../domain/merge.ts';
import { pullText } from '../domain/pull-request.ts';
import type { PullProblem } from '../domain/pull-request.ts';
import type { StoredMerge } from '../store/merges.ts';
import type { Store } from '../store/store.ts';
import type { MergePatch, MergeService } from '../work/merges.ts';

export interface QueueMovesOptions {
  rig: string;
  store: Pick<Store, 'transaction' | 'isOpen' | 'backlog'>;
  merges: MergeService;
  /** Just before it is told: `conflict` or `gate-failed`. Within the transaction. */
  onFailed: (merge: StoredMerge) => void;
  onMerged: (merge: StoredMerge) => void;
  /** Its gates fail on the target itself. Within the transaction. */
  onTargetRed: (merge: StoredMerge) => void;
  now: () => number;
}

/** What the queue does is by this name in histories. */
const by = 'queue';

/** What the queue of a rig writes of its merges. Nothing is written of one that somebody else was quicker with. */
export class QueueMoves {
  private readonly options: QueueMovesOptions;
  private own = false;

  constructor(options: QueueMovesOptions) {
    this.options = options;
  }

  /** The change that is just being told is the queue's own: no reason for it to look again. */
  get isOwn(): boolean {
    return this.own;
  }

  inState(...states: MergeState[]): StoredMerge[] {
    const { merges, rig } = this.options;
    return merges.open().filter((merge) => merge.rig === rig && states.includes(merge.state));
  }

  /** Rejects with `work-conflict` where somebody was quicker. */
  begin(merge: StoredMerge, note: string | undefined): StoredMerge {
    const patch: MergePatch = { detail: { why: undefined, candidate: undefined, gates: undefined } };
    return this.asOwn(() =>
      this.options.merges.move(merge, 'merging', { by, ...(note === undefined ? {} : { note }) }, patch),
    );
  }

  merged(merge: StoredMerge, at: Pick<Landed, 'commit' | 'previous' | 'strategy'>, note?: string): void {
    const { now, onMerged } = this.options;
    const landed: Landed = { ...at, at: now() };
    const detail = { landed, candidate: undefined, conflicts: undefined, why: note };
    const next = this.step(merge, 'merged', note ?? `as ${short(at.commit)}`, { queuedAt: null, detail });
    if (next) onMerged(next);
  }

  gateFailed(merge: StoredMerge, gates: readonly GateResult[]): void {
    const failed = gates.filter(({ state }) => state !== 'passed').map(({ name }) => name);
    this.failed(merge, 'gate-failed', `${listed(failed)} failed`, { gates });
  }

  failed(
    merge: StoredMerge,
    state: 'conflict' | 'gate-failed',
    why: string,
    detail: NonNullable<MergePatch['detail']>,
  ): void {
    const { store, onFailed } = this.options;
    store.transaction(() => {
      const next = this.step(merge, state, why, {
        queuedAt: null,
        conflictRounds: merge.conflictRounds + 1,
        detail: { ...detail, why, candidate: undefined, targetRed: undefined },
      });
      if (next) onFailed(next);
    });
  }

  /** It stays queued, at its old place: no branch is to blame for what fails on the target itself. Returns it as it is then. */
  hold(merge: StoredMerge, targetRed: TargetRed): StoredMerge | undefined {
    const { store, onTargetRed } = this.options;
    const { commit, gates } = targetRed;
    const what = `${listed(gates.map(({ name }) => name))} ${gates.length === 1 ? 'fails' : 'fail'}`;
    const why = `${what} on ${merge.target} itself, at ${short(commit)}`;
    return store.transaction(() => {
      const detail = { why, candidate: undefined, gates: undefined, targetRed };
      const next = this.step(merge, 'queued', why, { detail });
      if (next) onTargetRed(next);
      return next;
    });
  }

  /** Its pull request is open. */
  proposed(merge: StoredMerge): void {
    const { pull = {} } = this.options.merges.get(merge.workId).detail;
    this.step(merge, 'proposed', pullText(pull), { queuedAt: null, detail: { why: undefined, candidate: undefined } });
  }

  /** It could not be made for now. */
  notProposed(merge: StoredMerge, problem: PullProblem): void {
    const { pull } = this.options.merges.get(merge.workId).detail;
    this.step(merge, 'ready', problem.words, { detail: { why: problem.words, pull: { ...pull, problem } } });
  }

  /** Into the queue again, at its old place. */
  back(merge: StoredMerge, why: string): void {
    this.step(merge, 'queued', why, { detail: { why, candidate: undefined } });
  }

  toReview(merge: StoredMerge, why: string, head?: string): void {
    this.step(merge, 'review', why, {
      queuedAt: null,
      approvedHead: null,
      approvedBy: null,
      ...(head === undefined ? {} : { head }),
      detail: {
        ...{ why, candidate: undefined, gates: undefined, targetRed: undefined },
        ...(head === undefined ? {} : { size: undefined }),
      },
    });
  }

  /** Undefined where somebody else was quicker: `gt done` may begin another round at any time. */
  step(merge: StoredMerge, state: MergeState, note: string, patch: MergePatch): StoredMerge | undefined {
    const { merges } = this.options;
    const known = merges.find(merge.workId);
    if (known?.state !== merge.state || known.head !== merge.head || known.round !== merge.round) return undefined;
    return this.asOwn(() => merges.move(known, state, { by, note }, patch));
  }

  explain(merge: StoredMerge, why: string): void {
    const { merges } = this.options;
    if (merges.find(merge.workId)?.detail.why !== why) this.asOwn(() => merges.note(merge.workId, { why }));
  }

  private asOwn<T>(act: () => T): T {
    this.own = true;
    try {
      return act();
    } finally {
      this.own = false;
    }
  }
}

export const short = (commit: string): string => commit.slice(0, 10);

export const listed = (names: readonly string[]): string =>
  names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ');
