import type { EscalationKey, EscalationKind } from '../domain/escalation-key.ts';
import type { Severity } from '../domain/severity.ts';
import { number, optionalNumber, optionalText, text } from './database.ts';
import type { Database, Row } from './database.ts';
import { withoutUndefined } from '../platform/objects.ts';

export interface StoredEscalation {
  id: string;
  severity: Severity;
  message: string;
  /** Who raised it: a session's id, `overseer`, or `host`. */
  by: string;
  sessionId?: string;
  workId?: string;
  key: EscalationKey;
  /** Epoch milliseconds. */
  raisedAt: number;
  closedAt?: number;
  closedBy?: string;
  /** What was said when it was closed. */
  note?: string;
  /** When it was seen to that a mayor who is there gets it as mail. */
  mailedAt?: number;
  /** When the user's command, where one is configured, was through with it. */
  commandEndedAt?: number;
}

/** What was raised to the user, open and closed. */
export class EscalationTable {
  private readonly db: Database;

  constructor(db: Database) {
    this.db = db;
  }

  /** False where the key is known already: nothing was stored then. */
  insert(escalation: StoredEscalation): boolean {
    const sql = `INSERT INTO escalations (id, severity, message, raised_by, session_id, work_id, kind, subject, run_id, since, raised_at)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (kind, subject, run_id, since) DO NOTHING`;
    const { id, severity, message, by, sessionId, workId, key, raisedAt } = escalation;
    return (
      this.db.run(sql, id, severity, message, by, sessionId ?? null, workId ?? null, ...columnsOf(key), raisedAt) === 1
    );
  }

  get(id: string): StoredEscalation | undefined {
    const row = this.db.get('SELECT * FROM escalations WHERE id = ?', id);
    return row && toEscalation(row);
  }

  byKey(key: EscalationKey): StoredEscalation | undefined {
    const sql = 'SELECT * FROM escalations WHERE kind = ? AND subject = ? AND run_id = ? AND since = ?';
    const row = this.db.get(sql, ...columnsOf(key));
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

  /** Open ones of which the mayor or the user's command has not been told, oldest first. */
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

  remove(id: string): void {
    this.db.run('DELETE FROM escalations WHERE id = ?', id);
  }
}

/** Absent parts are stored as empty, as SQL takes no two NULLs for the same. */
function columnsOf({ kind, subject, run = '', since = 0 }: EscalationKey): [string, string, string, number] {
  return [kind, subject, run, since];
}

function toKey(row: Row): EscalationKey {
  const run = text(row['run_id']);
  const since = number(row['since']);
  return {
    kind: text(row['kind']) as EscalationKind,
    subject: text(row['subject']),
    ...(run === '' ? {} : { run }),
    ...(since === 0 ? {} : { since }),
  };
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
    key: toKey(row),
    raisedAt: number(row['raised_at']),
    ...withoutUndefined(optional),
  };
}
