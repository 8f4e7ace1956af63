import type { SessionId } from '../domain/orchestrator.ts';
import { text } from './database.ts';
import type { Database } from './database.ts';

/** A unit that is on its way from one session to another. */
export interface StoredHandoff {
  workId: string;
  from: SessionId;
  to: SessionId;
  /** What the new owner is told. */
  note: string;
}

/** Intents: a row stays from before the unit changes hands until the new owner has been given it. */
export class HandoffTable {
  private readonly db: Database;

  constructor(db: Database) {
    this.db = db;
  }

  begin({ workId, from, to, note }: StoredHandoff): void {
    this.db.run(
      'INSERT INTO handoffs (work_id, from_session, to_session, note) VALUES (?, ?, ?, ?)',
      workId,
      from,
      to,
      note,
    );
  }

  /** False where it was over already. */
  end(workId: string): boolean {
    return this.db.run('DELETE FROM handoffs WHERE work_id = ?', workId) === 1;
  }

  all(): StoredHandoff[] {
    return this.db.all('SELECT * FROM handoffs ORDER BY rowid').map((row) => ({
      workId: text(row['work_id']),
      from: text(row['from_session']),
      to: text(row['to_session']),
      note: text(row['note']),
    }));
  }
}
