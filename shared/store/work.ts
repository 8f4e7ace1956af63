import type { WorkType } from '../domain/orchestrator.ts';
import type { WorktreeResult } from '../platform/git/result.ts';
import type { WorkState, WorkHistoryEntry } from '../domain/work-state.ts';
import { number, optionalNumber, optionalText, text } from './database.ts';
import type { Database, Row } from './database.ts';
import { withoutUndefined } from '../platform/objects.ts';

export interface StoredWork {
  id: string;
  type: WorkType;
  title: string;
  description: string;
  payload: Record<string, unknown>;
  priority: number;
  rig: string;
  state: WorkState;
  owner?: string;
  runId?: string;
  branch?: string;
  /** Commit that the branch started from. */
  base?: string;
  /** What was done, as it was last read from the worktree: at a turn's end, a report, or its session's end. */
  result?: WorktreeResult;
  note?: string;
  createdAt: number;
  changedAt: number;
  assignedAt?: number;
  /** The batch that it belongs to. */
  batch?: string;
  /** How often it was queued again after a failure. */
  attempts: number;
  /** While queued: not slung before this, in epoch milliseconds. */
  notBefore?: number;
  /** How it is to be slung when its time has come. */
  dispatch?: Dispatch;
  /** Who wanted it given to a session, and is told what becomes of it: a session's id, or the user. */
  slungBy?: string;
}

export interface Dispatch {
  /** The configured agent that was asked for. */
  agent?: string;
  /** The backend that was asked for. */
  backend?: string;
  /** Without what the rig's settings say of new worktrees. */
  bare?: true;
  /** What its session is told besides the unit. */
  note?: string;
  /** The session that is to get it, where it lives then; with a branch, to go on with that, and it is called where it sleeps. */
  to?: string;
  /** The polecat that is to have it, where no session of that name lives. */
  name?: string;
  /** The branch that is gone on with. */
  branch?: string;
  /** It waits for other units; it is tried as soon as the last of them is over. */
  waits?: true;
  /** Nothing can be started for it now; it is tried as soon as a backend changes. */
  blocked?: true;
  /** The unit failed because its session did not start, for a reason that may pass. */
  startFailed?: true;
}

/** Work units and their history. A change of state and its history entry are one transaction. */
export class WorkTable {
  private readonly db: Database;

  constructor(db: Database) {
    this.db = db;
  }

  get(id: string): StoredWork | undefined {
    const row = this.db.get('SELECT * FROM work WHERE id = ?', id);
    return row && toWork(row);
  }

  /** The id of a unit that is this one, or differs from it in case only: their branches would be one on many systems. */
  idLike(id: string): string | undefined {
    return optionalText(
      this.db.get('SELECT id FROM work WHERE id = ? COLLATE NOCASE ORDER BY id <> ? LIMIT 1', id, id)?.['id'],
    );
  }

  /** How many have been added in all, archived ones included. */
  countAdded(): number {
    const sql = 'SELECT (SELECT count(*) FROM work) + (SELECT count(*) FROM archived_work) AS n';
    return number(this.db.get(sql)?.['n']);
  }

  /** The name of the file that a unit is archived in; case does not count. */
  archivedIn(id: string): string | undefined {
    return optionalText(this.db.get('SELECT file FROM archived_work WHERE id = ?', id)?.['file']);
  }

  /** Takes it out with its history, its merge and what was said about its lines. Its id is not given again. */
  moveToArchive(id: string, file: string): void {
    const ofThreads = 'SELECT number FROM review_threads WHERE work_id = ?';
    this.db.transaction(() => {
      this.db.run('INSERT OR REPLACE INTO archived_work (id, file) VALUES (?, ?)', id, file);
      this.db.run(`DELETE FROM review_comments WHERE thread IN (${ofThreads})`, id);
      this.db.run('DELETE FROM review_threads WHERE work_id = ?', id);
      this.db.run('DELETE FROM merge_history WHERE work_id = ?', id);
      this.db.run('DELETE FROM merges WHERE work_id = ?', id);
      this.db.run('DELETE FROM work_dependencies WHERE work_id = ?1 OR after_id = ?1', id);
      this.db.run('DELETE FROM work WHERE id = ?', id);
    });
  }

  all(): StoredWork[] {
    return this.db.all('SELECT * FROM work ORDER BY created_at, id').map(toWork);
  }

  /** What it has, in the order in which it got it. */
  ownedBy(owner: string): StoredWork[] {
    const sql = `SELECT * FROM work WHERE owner = ? AND state IN ('assigned', 'running', 'stalled')
       ORDER BY (SELECT max(rowid) FROM work_history WHERE work_id = work.id AND state = 'assigned'), rowid`;
    return this.db.all(sql, owner).map(toWork);
  }

  /** By number in which order these were added: the clock may have been set back since. */
  sequenceOf(ids: Iterable<string>): Map<string, number> {
    const sql = 'SELECT id, rowid AS number FROM work WHERE id IN (SELECT value FROM json_each(?))';
    const rows = this.db.all(sql, JSON.stringify([...ids]));
    return new Map(rows.map((row) => [text(row['id']), number(row['number'])]));
  }

  /** Everything of a session that the rules judge: what is not closed, and what was closed since then. */
  concerning(owner: string, since: number): StoredWork[] {
    const sql = `SELECT * FROM work WHERE owner = ? AND (state NOT IN ('done', 'cancelled') OR changed_at >= ?)
                 ORDER BY rowid`;
    return this.db.all(sql, owner, since).map(toWork);
  }

  /** The units that were given this branch, the one that changed last first. */
  onBranch(rig: string, branch: string): StoredWork[] {
    return this.db
      .all(
        `SELECT * FROM work WHERE branch = ? AND rig = ?
         ORDER BY (SELECT max(rowid) FROM work_history WHERE work_id = work.id AND state <> 'edited') DESC`,
        branch,
        rig,
      )
      .map(toWork);
  }

  /** Where the work is: no change of state, and no entry in the history. */
  setResult(id: string, result: WorktreeResult): void {
    this.db.run('UPDATE work SET result = ? WHERE id = ?', JSON.stringify(result), id);
  }

  /** Everything that is not closed. */
  unfinished(): StoredWork[] {
    return this.db
      .all(
        `SELECT * FROM work WHERE state IN ('open', 'queued', 'assigned', 'running', 'stalled', 'failed', 'escalated')
         ORDER BY rowid`,
      )
      .map(toWork);
  }

  /** How many units somebody has added that are neither done nor cancelled. */
  countUnfinishedOf(by: string): number {
    const sql = `SELECT COUNT(*) AS count FROM work WHERE state NOT IN ('done', 'cancelled')
                   AND (SELECT by FROM work_history WHERE work_id = work.id ORDER BY rowid LIMIT 1) = ?`;
    return number(this.db.get(sql, by)?.['count']);
  }

  /** What was closed since then, and whose it was. */
  closedSince(since: number): StoredWork[] {
    const sql =
      "SELECT * FROM work WHERE state IN ('done', 'cancelled') AND owner IS NOT NULL AND changed_at >= ? ORDER BY rowid";
    return this.db.all(sql, since).map(toWork);
  }

  insert(work: StoredWork, by: string): void {
    this.db.transaction(() => {
      this.db.run(
        `INSERT INTO work (id, type, title, description, payload, priority, rig, batch, state, created_at, changed_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        work.id,
        work.type,
        work.title,
        work.description,
        JSON.stringify(work.payload),
        work.priority,
        work.rig,
        work.batch ?? null,
        work.state,
        work.createdAt,
        work.changedAt,
      );
      this.note(work.id, { at: work.createdAt, state: work.state, by });
    });
  }

  /** Compare-and-set: writes `next` only while the unit is still as `expected`. False when somebody was quicker. */
  replace(expected: StoredWork, next: StoredWork, entry: WorkHistoryEntry): boolean {
    return this.db.transaction(() => {
      const changed = this.db.run(
        `UPDATE work SET state = ?, owner = ?, run_id = ?, branch = ?, base = ?, note = ?, rig = ?, title = ?,
           description = ?, changed_at = ?, assigned_at = ?, attempts = ?, not_before = ?, dispatch = ?, result = ?,
           slung_by = ?
         WHERE id = ? AND state = ? AND owner IS ?`,
        next.state,
        next.owner ?? null,
        next.runId ?? null,
        next.branch ?? null,
        next.base ?? null,
        next.note ?? null,
        next.rig,
        next.title,
        next.description,
        next.changedAt,
        next.assignedAt ?? null,
        next.attempts,
        next.notBefore ?? null,
        next.dispatch ? JSON.stringify(next.dispatch) : null,
        next.result ? JSON.stringify(next.result) : null,
        next.slungBy ?? null,
        expected.id,
        expected.state,
        expected.owner ?? null,
      );
      if (changed === 0) return false;
      this.note(expected.id, entry);
      return true;
    });
  }

  /** What it says, and where it belongs. Compare-and-set like `replace`; it is in the same state, since the same time. */
  edit(expected: StoredWork, next: StoredWork, entry: WorkHistoryEntry): boolean {
    return this.db.transaction(() => {
      const changed = this.db.run(
        `UPDATE work SET type = ?, title = ?, description = ?, payload = ?, priority = ?, rig = ?, batch = ?
         WHERE id = ? AND state = ? AND owner IS ?`,
        next.type,
        next.title,
        next.description,
        JSON.stringify(next.payload),
        next.priority,
        next.rig,
        next.batch ?? null,
        expected.id,
        expected.state,
        expected.owner ?? null,
      );
      if (changed === 0) return false;
      this.note(expected.id, entry);
      return true;
    });
  }

  /** What is queued for a later time has so many ms longer to wait, or less. */
  moveNotBefore(by: number): void {
    this.db.run("UPDATE work SET not_before = not_before + ? WHERE state = 'queued' AND not_before IS NOT NULL", by);
  }

  /** The entry of its last change of state. */
  lastMove(id: string): WorkHistoryEntry | undefined {
    const sql = "SELECT * FROM work_history WHERE work_id = ? AND state <> 'edited' ORDER BY rowid DESC LIMIT 1";
    const row = this.db.get(sql, id);
    return row && toEntry(row);
  }

  /** Who has added it. */
  addedBy(id: string): string | undefined {
    const sql = 'SELECT by FROM work_history WHERE work_id = ? ORDER BY rowid LIMIT 1';
    return optionalText(this.db.get(sql, id)?.['by']);
  }

  history(id: string): WorkHistoryEntry[] {
    return this.db.all('SELECT * FROM work_history WHERE work_id = ? ORDER BY rowid', id).map(toEntry);
  }

  private note(id: string, entry: WorkHistoryEntry): void {
    this.db.run(
      'INSERT INTO work_history (work_id, at, state, by, run_id, note) VALUES (?, ?, ?, ?, ?, ?)',
      id,
      entry.at,
      entry.state,
      entry.by,
      entry.runId ?? null,
      entry.note ?? null,
    );
  }
}

function toEntry(row: Row): WorkHistoryEntry {
  return {
    at: number(row['at']),
    state: text(row['state']),
    by: text(row['by']),
    ...withoutUndefined({ runId: optionalText(row['run_id']), note: optionalText(row['note']) }),
  };
}

function toWork(row: Row): StoredWork {
  const optional = {
    owner: optionalText(row['owner']),
    runId: optionalText(row['run_id']),
    branch: optionalText(row['branch']),
    base: optionalText(row['base']),
    note: optionalText(row['note']),
    batch: optionalText(row['batch']),
    assignedAt: optionalNumber(row['assigned_at']),
    notBefore: optionalNumber(row['not_before']),
    dispatch: jsonIn<Dispatch>(row, 'dispatch'),
    result: jsonIn<WorktreeResult>(row, 'result'),
    slungBy: optionalText(row['slung_by']),
  };
  return {
    id: text(row['id']),
    type: text(row['type']) as WorkType,
    title: text(row['title']),
    description: text(row['description']),
    payload: JSON.parse(text(row['payload'])) as Record<string, unknown>,
    priority: number(row['priority']),
    rig: text(row['rig']),
    state: text(row['state']) as WorkState,
    createdAt: number(row['created_at']),
    changedAt: number(row['changed_at']),
    attempts: number(row['attempts']),
    ...withoutUndefined(optional),
  };
}

function jsonIn<T>(row: Row, column: string): T | undefined {
  const stored = optionalText(row[column]);
  return stored === undefined ? undefined : (JSON.parse(stored) as T);
}
