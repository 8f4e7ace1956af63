import type { MergeDetail, MergeHistoryEntry, MergeState } from '../domain/merge.ts';
import { withoutUndefined } from '../platform/objects.ts';
import { number, optionalNumber, optionalText, text } from './database.ts';
import type { Database, Row } from './database.ts';

/** A unit's branch on its way into its target; there is one for each unit. */
export interface StoredMerge {
  workId: string;
  rig: string;
  /** Short names of branches. */
  branch: string;
  target: string;
  /** Commits, as whole object names. */
  base: string;
  head: string;
  state: MergeState;
  /** How often the unit was reported as done, from 1. */
  round: number;
  /** The head that the user has looked at last. */
  reviewedHead?: string;
  /** The head that was approved; another head is not. */
  approvedHead?: string;
  /** The user, or the policy that wants no review. */
  approvedBy?: string;
  /** How often it came back because of a conflict or a gate. */
  conflictRounds: number;
  detail: MergeDetail;
  createdAt: number;
  changedAt: number;
  /** Since when it waits in the queue. */
  queuedAt?: number;
}

/** Merges and their history. A change of state and its history entry are one transaction. */
export class MergeTable {
  private readonly db: Database;

  constructor(db: Database) {
    this.db = db;
  }

  get(workId: string): StoredMerge | undefined {
    const row = this.db.get('SELECT * FROM merges WHERE work_id = ?', workId);
    return row && toMerge(row);
  }

  /** Those that have not come to an end, in the order in which they were made. */
  open(): StoredMerge[] {
    return this.db
      .all("SELECT * FROM merges WHERE state NOT IN ('merged', 'discarded') ORDER BY created_at, work_id")
      .map(toMerge);
  }

  /** Those that came to an end since then, the oldest first. */
  endedSince(since: number): StoredMerge[] {
    return this.db
      .all("SELECT * FROM merges WHERE state IN ('merged', 'discarded') AND changed_at >= ? ORDER BY changed_at", since)
      .map(toMerge);
  }

  insert(merge: StoredMerge, by: string, note?: string): void {
    this.db.transaction(() => {
      this.db.run(
        `INSERT INTO merges (rig, branch, target, base, head, state, round, reviewed_head, approved_head, approved_by,
           conflict_rounds, detail, changed_at, queued_at, created_at, work_id)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        ...columnsOf(merge),
        merge.createdAt,
        merge.workId,
      );
      this.note(merge, by, note);
    });
  }

  /** Compare-and-set: writes `next` only while the merge is still as `expected`. False when somebody was quicker. */
  replace(expected: StoredMerge, next: StoredMerge, by: string, note?: string): boolean {
    return this.db.transaction(() => {
      const changed = this.db.run(
        `UPDATE merges SET rig = ?, branch = ?, target = ?, base = ?, head = ?, state = ?, round = ?, reviewed_head = ?,
           approved_head = ?, approved_by = ?, conflict_rounds = ?, detail = ?, changed_at = ?, queued_at = ?
         WHERE work_id = ? AND state = ? AND head = ? AND round = ?`,
        ...columnsOf(next),
        expected.workId,
        expected.state,
        expected.head,
        expected.round,
      );
      if (changed === 0) return false;
      this.note(next, by, note);
      return true;
    });
  }

  /** What is known besides the state: no change of it, and no entry in the history. */
  setDetail(workId: string, detail: MergeDetail): void {
    this.db.run('UPDATE merges SET detail = ? WHERE work_id = ?', JSON.stringify(detail), workId);
  }

  /** The user has looked at this head. */
  setReviewed(workId: string, head: string): void {
    this.db.run('UPDATE merges SET reviewed_head = ? WHERE work_id = ?', head, workId);
  }

  history(workId: string): MergeHistoryEntry[] {
    return this.db.all('SELECT * FROM merge_history WHERE work_id = ? ORDER BY rowid', workId).map((row) => ({
      at: number(row['at']),
      state: text(row['state']) as MergeState,
      by: text(row['by']),
      round: number(row['round']),
      head: text(row['head']),
      ...withoutUndefined({ note: optionalText(row['note']) }),
    }));
  }

  private note({ workId, changedAt, state, round, head }: StoredMerge, by: string, note?: string): void {
    this.db.run(
      'INSERT INTO merge_history (work_id, at, state, by, round, head, note) VALUES (?, ?, ?, ?, ?, ?, ?)',
      workId,
      changedAt,
      state,
      by,
      round,
      head,
      note ?? null,
    );
  }
}

/** From `rig` to `queued_at`, as both statements that write have them. */
function columnsOf(merge: StoredMerge): (string | number | null)[] {
  const { rig, branch, target, base, head, state, round, conflictRounds, changedAt } = merge;
  const { reviewedHead, approvedHead, approvedBy, detail, queuedAt } = merge;
  return [
    rig,
    branch,
    target,
    base,
    head,
    state,
    round,
    reviewedHead ?? null,
    approvedHead ?? null,
    approvedBy ?? null,
    conflictRounds,
    JSON.stringify(detail),
    changedAt,
    queuedAt ?? null,
  ];
}

function toMerge(row: Row): StoredMerge {
  const optional = {
    reviewedHead: optionalText(row['reviewed_head']),
    approvedHead: optionalText(row['approved_head']),
    approvedBy: optionalText(row['approved_by']),
    queuedAt: optionalNumber(row['queued_at']),
  };
  return {
    workId: text(row['work_id']),
    rig: text(row['rig']),
    branch: text(row['branch']),
    target: text(row['target']),
    base: text(row['base']),
    head: text(row['head']),
    state: text(row['state']) as MergeState,
    round: number(row['round']),
    conflictRounds: number(row['conflict_rounds']),
    detail: JSON.parse(text(row['detail'])) as MergeDetail,
    createdAt: number(row['created_at']),
    changedAt: number(row['changed_at']),
    ...withoutUndefined(optional),
  };
}
