import type { BatchOutcome, BatchUnit } from '../domain/batch.ts';
import type { MergeState } from '../domain/merge.ts';
import type { WorkState } from '../domain/work-state.ts';
import { withoutUndefined } from '../platform/objects.ts';
import { number, optionalNumber, optionalText, text } from './database.ts';
import type { Database, Row } from './database.ts';

/** Units that belong together. A unit is in one batch at most. */
export interface StoredBatch {
  id: string;
  title: string;
  /** A session's id, or the user: who hears of its outcome. */
  startedBy: string;
  createdAt: number;
  /** What its starter was told last; absent while it goes on. */
  outcome?: BatchOutcome;
  /** Since when. Epoch milliseconds. */
  outcomeAt?: number;
}

export class BatchTable {
  private readonly db: Database;

  constructor(db: Database) {
    this.db = db;
  }

  get(id: string): StoredBatch | undefined {
    const row = this.db.get('SELECT * FROM batches WHERE id = ?', id);
    return row && toBatch(row);
  }

  /** By id or title; case does not count. */
  named(name: string): StoredBatch | undefined {
    const sql = `SELECT * FROM batches WHERE id = ?1 COLLATE NOCASE OR title = ?1 COLLATE NOCASE
                 ORDER BY id = ?1 COLLATE NOCASE DESC LIMIT 1`;
    const row = this.db.get(sql, name);
    return row && toBatch(row);
  }

  /** In the order in which they were made. */
  all(): StoredBatch[] {
    return this.db.all('SELECT * FROM batches ORDER BY created_at, id').map(toBatch);
  }

  /** Those that are not finished, and those that have been since then. */
  recent(since: number): StoredBatch[] {
    const sql = `SELECT * FROM batches WHERE outcome IS NOT 'finished' OR outcome_at >= ? ORDER BY created_at, id`;
    return this.db.all(sql, since).map(toBatch);
  }

  /** Its units, in the order in which they were made. */
  units(id: string): BatchUnit[] {
    const sql = `SELECT work.id AS id, work.state AS state, merges.state AS merge FROM work
                 LEFT JOIN merges ON merges.work_id = work.id WHERE batch = ? ORDER BY work.created_at, work.id`;
    return this.db.all(sql, id).map((row) => ({
      id: text(row['id']),
      state: text(row['state']) as WorkState,
      ...withoutUndefined({ merge: optionalText(row['merge']) as MergeState | undefined }),
    }));
  }

  insert({ id, title, startedBy, createdAt }: StoredBatch): void {
    const sql = 'INSERT INTO batches (id, title, started_by, created_at) VALUES (?, ?, ?, ?)';
    this.db.run(sql, id, title, startedBy, createdAt);
  }

  /** Takes it off where it has no units any more. */
  removeEmpty(id: string): void {
    this.db.run('DELETE FROM batches WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM work WHERE batch = ?1)', id);
  }

  /** Compare-and-set: false where somebody was quicker. */
  setOutcome({ id, outcome }: StoredBatch, next: BatchOutcome | undefined, at: number): boolean {
    const sql = 'UPDATE batches SET outcome = ?, outcome_at = ? WHERE id = ? AND outcome IS ?';
    return this.db.run(sql, next ?? null, next === undefined ? null : at, id, outcome ?? null) > 0;
  }
}

function toBatch(row: Row): StoredBatch {
  return {
    id: text(row['id']),
    title: text(row['title']),
    startedBy: text(row['started_by']),
    createdAt: number(row['created_at']),
    ...withoutUndefined({
      outcome: optionalText(row['outcome']) as BatchOutcome | undefined,
      outcomeAt: optionalNumber(row['outcome_at']),
    }),
  };
}
