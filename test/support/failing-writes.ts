import { DatabaseSync, StatementSync } from 'node:sqlite';

export interface FailingWrite {
  /** The statement that failed; undefined where there were fewer writes. */
  readonly failed: string | undefined;
  /** Writes go through from now on. */
  restore(): void;
  /** Counts and fails again, as it does from the beginning. */
  arm(): void;
}

/** Whose a statement is, which it does not tell: the store keeps it compiled, also from before the failure. */
const databases = new WeakMap<StatementSync, DatabaseSync>();
const { prepare } = DatabaseSync.prototype;
DatabaseSync.prototype.prepare = function (this: DatabaseSync, ...asked) {
  const statement = prepare.apply(this, asked);
  databases.set(statement, this);
  return statement;
};

const isWrite = (sql: string): boolean => /^\s*(INSERT|UPDATE|DELETE|BEGIN|COMMIT)\b/i.test(sql);

/**
 * Makes the `nth` write (from 1) of this database fail, once, as SQLite does: the beginning of a transaction because
 * another program holds the lock, anything else because the disk is full, upon which SQLite takes the transaction back by
 * itself. An empty transaction writes nothing, so its end is not counted. `of`: only writes of that text are. `onWrite` is
 * told of each write, counted or not.
 */
export function failWrite(
  file: string,
  nth: number,
  { of, onWrite = () => undefined }: { of?: string; onWrite?: (sql: string) => void } = {},
): FailingWrite {
  const { exec } = DatabaseSync.prototype;
  const { run } = StatementSync.prototype;
  let writes = 0;
  let inTransaction = 0;
  let failed: string | undefined;
  const check = (db: DatabaseSync, sql: string): void => {
    if (db.location() !== file || !isWrite(sql)) return;
    const [, word = ''] = /^\s*(\w+)/.exec(sql.toUpperCase()) ?? [];
    if (word === 'BEGIN') inTransaction = 0;
    else if (word !== 'COMMIT') inTransaction += 1;
    else if (inTransaction === 0) return;
    onWrite(sql);
    if (of !== undefined && sql !== of) return;
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
  const failingRun = function (this: StatementSync, ...values: Parameters<typeof run>): ReturnType<typeof run> {
    const db = databases.get(this);
    if (db) check(db, this.sourceSQL);
    return run.apply(this, values);
  };
  const arm = (): void => {
    Object.assign(DatabaseSync.prototype, { exec: failingExec });
    Object.assign(StatementSync.prototype, { run: failingRun });
  };
  arm();
  return {
    get failed() {
      return failed;
    },
    restore: () => {
      Object.assign(DatabaseSync.prototype, { exec });
      Object.assign(StatementSync.prototype, { run });
    },
    arm,
  };
}
