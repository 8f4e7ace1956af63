import type { TurnFailure } from '../domain/run.ts';
import type { SessionId } from '../domain/orchestrator.ts';
import { number, optionalNumber, text } from './database.ts';
import type { Database, Row } from './database.ts';

/** A session whose last turn the provider made fail. Times are epoch milliseconds. */
export interface StoredTrouble {
  sessionId: SessionId;
  /** The run that failed. */
  runId: string;
  kind: TurnFailure['kind'];
  reason: string;
  /** Until when it is parked; absent when it is not (any more). */
  until?: number;
  /** Whether it is told to go on after that. */
  goOn: boolean;
  /** How often it has been gone on with since its last turn that did not fail. */
  redeliveries: number;
  changedAt: number;
}

/** At most one row per session; it goes with the next turn that does not fail. */
export class TroubleTable {
  private readonly db: Database;

  constructor(db: Database) {
    this.db = db;
  }

  get(sessionId: SessionId): StoredTrouble | undefined {
    const row = this.db.get('SELECT * FROM troubles WHERE session_id = ?', sessionId);
    return row && toTrouble(row);
  }

  /** Whether it is of this run, whose last turn is thus known to be over. */
  isOf(runId: string): boolean {
    return this.db.get('SELECT 1 FROM troubles WHERE run_id = ?', runId) !== undefined;
  }

  parked(): StoredTrouble[] {
    return this.db.all('SELECT * FROM troubles WHERE until IS NOT NULL ORDER BY until').map(toTrouble);
  }

  save({ sessionId, runId, kind, reason, until, goOn, redeliveries, changedAt }: StoredTrouble): void {
    this.db.run(
      `INSERT INTO troubles (session_id, run_id, kind, reason, until, go_on, redeliveries, changed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (session_id) DO UPDATE SET run_id = excluded.run_id, kind = excluded.kind, reason = excluded.reason,
         until = excluded.until, go_on = excluded.go_on, redeliveries = excluded.redeliveries, changed_at = excluded.changed_at`,
      sessionId,
      runId,
      kind,
      reason,
      until ?? null,
      goOn ? 1 : 0,
      redeliveries,
      changedAt,
    );
  }

  /** Whether there was one. */
  remove(sessionId: SessionId): boolean {
    return this.db.run('DELETE FROM troubles WHERE session_id = ?', sessionId) > 0;
  }
}

function toTrouble(row: Row): StoredTrouble {
  const until = optionalNumber(row['until']);
  return {
    sessionId: text(row['session_id']),
    runId: text(row['run_id']),
    kind: text(row['kind']) as TurnFailure['kind'],
    reason: text(row['reason']),
    ...(until === undefined ? {} : { until }),
    goOn: number(row['go_on']) === 1,
    redeliveries: number(row['redeliveries']),
    changedAt: number(row['changed_at']),
  };
}
