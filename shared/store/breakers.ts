import type { Breaker } from '../domain/circuit-breaker.ts';
import { number, optionalNumber, text } from './database.ts';
import type { Database } from './database.ts';

/** Circuit breakers by key: a backend's name, or `<backend>/<agent>` for the rate limit of one agent's account. */
export class BreakerTable {
  private readonly db: Database;

  constructor(db: Database) {
    this.db = db;
  }

  all(): Map<string, Breaker> {
    const rows = this.db.all('SELECT * FROM breakers ORDER BY backend').map((row): [string, Breaker] => {
      const until = optionalNumber(row['until']);
      const breaker: Breaker = {
        state: text(row['state']) as Breaker['state'],
        failures: number(row['failures']),
        reason: text(row['reason']),
        changedAt: number(row['changed_at']),
        ...(until === undefined ? {} : { until }),
      };
      return [text(row['backend']), breaker];
    });
    return new Map(rows);
  }

  save(key: string, { state, failures, until, reason, changedAt }: Breaker): void {
    this.db.run(
      `INSERT INTO breakers (backend, state, failures, until, reason, changed_at) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (backend) DO UPDATE SET state = excluded.state, failures = excluded.failures, until = excluded.until,
         reason = excluded.reason, changed_at = excluded.changed_at`,
      key,
      state,
      failures,
      until ?? null,
      reason,
      changedAt,
    );
  }
}
