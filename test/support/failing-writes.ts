import { DatabaseSync } from 'node:sqlite';

export interface FailingWrite {
  /** The statement that failed; undefined where there were fewer writes. */
  readonly failed: string | undefined;
  /** Writes go through from now on. */
  restore(): void;
  /** Counts and fails again, as it does from the beginning. */
  arm(): void;
}

const isWrite = (sql: string): boolean => /^\s*(INSERT|UPDATE|DELETE|BEGIN|COMMIT)\b/i.test(sql);

/**
 * Makes the `nth` write (from 1) of this database fail, once, as SQLite does: the beginning of a transaction because
 * another program holds the lock, anything else because the disk is full, upon which SQLite takes the transaction back by
 * itself. An empty transaction writes nothing, so its end is not counted.
 */
export function failWrite(file: string, nth: number): FailingWrite {
  const { exec, prepare } = DatabaseSync.prototype;
  let writes = 0;
  let inTransaction = 0;
  let failed: string | undefined;
  const check = (db: DatabaseSync, sql: string): void => {
    if (db.location() !== file || !isWrite(sql)) return;
    const [, word = ''] = /^\s*(\w+)/.exec(sql.toUpperCase()) ?? [];
    if (word === 'BEGIN') inTransaction = 0;
    else if (word !== 'COMMIT') inTransaction += 1;
    else if (inTransaction === 0) return;
    writes += 1;
    if (writes !== nth) return;
    failed = sql.replace(/\s+/g, ' ').trim();
    if (word !== 'BEGIN' && db.isTransaction) exec.call(db, 'ROLLBACK');
    const [errcode, errstr] = word === 'BEGIN' ? [5, 'database is locked'] : [13, 'database or disk is full'];
    throw Object.assign(new Error(errstr), { code: 'ERR_SQLITE_ERROR', errcode, errstr });
  };
  const failingExec: typeof exec = function (this: DatabaseSync, sql) {
    check(this, sql);
    exec.call(this, sql);
  };
  const failingPrepare: typeof prepare = function (this: DatabaseSync, sql, ...options) {
    const statement = prepare.call(this, sql, ...options);
    const run = statement.run.bind(statement);
    statement.run = (...values: unknown[]) => {
      check(this, sql);
      return run(...(values as Parameters<typeof run>));
    };
    return statement;
  };
  const arm = (): void => void Object.assign(DatabaseSync.prototype, { exec: failingExec, prepare: failingPrepare });
  arm();
  return {
    get failed() {
      return failed;
    },
    restore: () => void Object.assign(DatabaseSync.prototype, { exec, prepare }),
    arm,
  };
}
