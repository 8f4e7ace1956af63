import { chmodSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { SQLInputValue, SQLOutputValue } from 'node:sqlite';
import { GasTownError, messageOf } from '../errors.ts';
import { migrations } from './migrations.ts';

export type Row = Record<string, SQLOutputValue>;

/**
 * The town's one database (DESIGN D5): `<town>/.runtime/town.db`, WAL, mode 0600. A transaction that has returned is on
 * disk as far as a crash of this process goes; one that was cut short by a crash leaves nothing.
 */
export class Database {
  private readonly db: DatabaseSync;
  private depth = 0;

  /** Opens the file and brings its schema up to date. Rejects with `read-only` or `bad-config`, saying what to do. */
  constructor(file: string) {
    try {
      if (file !== ':memory:') mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
      this.db = new DatabaseSync(file);
      this.db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 5000;');
      if (file !== ':memory:' && process.platform !== 'win32') chmodSync(file, 0o600);
      this.migrate(file);
    } catch (error) {
      if (GasTownError.is(error)) throw error;
      throw new GasTownError(
        'read-only',
        `The town's database ${file} cannot be opened for writing: ${messageOf(error)}. ` +
          'Check that the folder exists, that the disk is neither full nor read-only, and that you may write there.',
        { cause: error },
      );
    }
  }

  private migrate(file: string): void {
    const version = Number(this.get('PRAGMA user_version')?.['user_version'] ?? 0);
    if (version > migrations.length) {
      throw new GasTownError(
        'bad-config',
        `${file} was written by a newer Gas Town (schema ${version}; this one knows ${migrations.length}). Update the extension.`,
      );
    }
    for (const [index, sql] of migrations.entries()) {
      if (index < version) continue;
      this.transaction(() => {
        this.db.exec(sql);
        this.db.exec(`PRAGMA user_version = ${index + 1}`);
      });
    }
  }

  /** Runs `work` as one transaction; a nested call joins the outer one. */
  transaction<T>(work: () => T): T {
    if (this.depth > 0) return work();
    this.db.exec('BEGIN IMMEDIATE');
    this.depth += 1;
    try {
      const result = work();
      this.db.exec('COMMIT');
      return result;
    } catch (error) {
      this.db.exec('ROLLBACK');
      throw error;
    } finally {
      this.depth -= 1;
    }
  }

  get(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.db.prepare(sql).get(...values);
  }

  all(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.db.prepare(sql).all(...values);
  }

  /** The same with named values (`:name`), for a value that stands in several places. */
  allNamed(sql: string, values: Record<string, SQLInputValue>): Row[] {
    return this.db.prepare(sql).all(values);
  }

  /** Returns how many rows were changed. */
  run(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.db.prepare(sql).run(...values).changes);
  }

  get isOpen(): boolean {
    return this.db.isOpen;
  }

  close(): void {
    this.db.close();
  }
}

export const text = (value: SQLOutputValue | undefined): string => String(value ?? '');
export const number = (value: SQLOutputValue | undefined): number => Number(value ?? 0);
export const optionalText = (value: SQLOutputValue | undefined): string | undefined =>
  value === null || value === undefined ? undefined : String(value);
export const optionalNumber = (value: SQLOutputValue | undefined): number | undefined =>
  value === null || value === undefined ? undefined : Number(value);
