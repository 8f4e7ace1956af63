import type { Severity } from '../work/severity.ts';
import { number, optionalNumber, optionalText, text } from './database.ts';
import type { Database, Row } from './database.ts';

export interface StoredEscalation {
  id: string;
  severity: Severity;
  message: string;
  /** Who raised it: a session's id, `overseer`, or `host`. */
  by: string;
  sessionId?: string;
  workId?: string;
  /** What it is about, as a key that names the occurrence, such as `hung:<run>`: the same cause is raised once. */
  cause: string;
  /** Epoch milliseconds. */
  raisedAt: number;
  closedAt?: number;
  closedBy?: string;
  /** What was said when it was closed. */
  note?: string;
  /** When it was seen to that a mayor who is there gets it as mail. */
  mailedAt?: number;
  /** When the person's command, where one is configured, was through with it. */
  commandEndedAt?: number;
}

/** What was raised to the person, open and closed. */
export class EscalationTable {
  private readonly db: Database;

  constructor(db: Database) {
    this.db = db;
  }

  /** False where the cause is known already: nothing was stored then. */
  insert(escalation: StoredEscalation): boolean {
    const sql = `INSERT INTO escalations (id, severity, message, raised_by, session_id, work_id, cause, raised_at)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (cause) DO NOTHING`;
    const { id, severity, message, by, sessionId, workId, cause, raisedAt } = escalation;
    return this.db.run(sql, id, severity, message, by, sessionId ?? null, workId ?? null, cause, raisedAt) === 1;
  }

  get(id: string): StoredEscalation | undefined {
    const row = this.db.get('SELECT * FROM escalations WHERE id = ?', id);
    return row && toEscalation(row);
  }

  byCause(cause: string): StoredEscalation | undefined {
    const row = this.db.get('SELECT * FROM escalations WHERE cause = ?', cause);
    return row && toEscalation(row);
  }

  /** Newest first. */
  open(): StoredEscalation[] {
    return this.db
      .all('SELECT * FROM escalations WHERE closed_at IS NULL ORDER BY raised_at DESC, rowid DESC')
      .map(toEscalation);
  }

  /** The newest ones, open and closed. */
  latest(limit: number): StoredEscalation[] {
    return this.db
      .all('SELECT * FROM escalations ORDER BY raised_at DESC, rowid DESC LIMIT ?', limit)
      .map(toEscalation);
  }

  /** Open ones of which the mayor or the person's command has not been told, oldest first. */
  untold(): StoredEscalation[] {
    const sql = `SELECT * FROM escalations WHERE closed_at IS NULL AND (mailed_at IS NULL OR command_ended_at IS NULL)
                 ORDER BY raised_at, rowid`;
    return this.db.all(sql).map(toEscalation);
  }

  setMailed(id: string, at: number): void {
    this.db.run('UPDATE escalations SET mailed_at = ? WHERE id = ?', at, id);
  }

  setCommandEnded(id: string, at: number): void {
    this.db.run('UPDATE escalations SET command_ended_at = ? WHERE id = ?', at, id);
  }

  /** False where it was closed before. */
  close(id: string, by: string, at: number, note: string | undefined): boolean {
    const sql = 'UPDATE escalations SET closed_at = ?, closed_by = ?, note = ? WHERE id = ? AND closed_at IS NULL';
    return this.db.run(sql, at, by, note ?? null, id) === 1;
  }
}

function toEscalation(row: Row): StoredEscalation {
  const optional = {
    sessionId: optionalText(row['session_id']),
    workId: optionalText(row['work_id']),
    closedAt: optionalNumber(row['closed_at']),
    closedBy: optionalText(row['closed_by']),
    note: optionalText(row['note']),
    mailedAt: optionalNumber(row['mailed_at']),
    commandEndedAt: optionalNumber(row['command_ended_at']),
  };
  return {
    id: text(row['id']),
    severity: text(row['severity']) as Severity,
    message: text(row['message']),
    by: text(row['raised_by']),
    cause: text(row['cause']),
    raisedAt: number(row['raised_at']),
    ...(Object.fromEntries(
      Object.entries(optional).filter(([, value]) => value !== undefined),
    ) as Partial<StoredEscalation>),
  };
}
