import { chmodSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import type { SQLInputValue, SQLOutputValue } from 'node:sqlite';
import { GasTownError, messageOf } from '../errors.ts';
import { migrations } from './migrations.ts';
import { fileIdentity, setAside } from './place.ts';
import { WriteFailure } from './write-failure.ts';

export type Row = Record<string, SQLOutputValue>;

/**
 * The town's one database (DESIGN D5): `<town>/.runtime/town.db`, WAL, mode 0600. A transaction that has returned is on
 * disk as far as a crash of this process goes; one that was cut short by a crash leaves nothing.
 */
export class Database {
  /** Called at each statement that fails because of the file, and after each change that is on disk. */
  onWriteFailed: (failure: WriteFailure) => void = () => undefined;
  onWritten: () => void = () => undefined;
  /** Called before anything is written that is not part of a transaction; what it throws is why nothing is. */
  beforeWrite: () => void = () => undefined;
  private db: DatabaseSync;
  private identity: string | undefined;
  private readonly file: string;
  private depth = 0;
  private commits = 0;
  /** What made the transaction fail that is under way: nothing of it will stay. */
  private doomed: WriteFailure | undefined;
  private committed: (() => void)[] = [];

  /** Opens the file and brings its schema up to date. Rejects with `read-only` or `bad-config`, saying what to do. */
  constructor(file: string) {
    this.file = file;
    try {
      if (file !== ':memory:') mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
      this.db = this.openFile();
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

  private openFile(): DatabaseSync {
    const db = new DatabaseSync(this.file);
    db.exec(
      'PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 5000;',
    );
    if (this.file === ':memory:') return db;
    if (process.platform !== 'win32') chmodSync(this.file, 0o600);
    this.identity = fileIdentity(this.file);
    return db;
  }

  /** Counts up with whatever is written. */
  get revision(): number {
    return this.commits;
  }

  /** Whether the path still names the file that is open: else what is written goes into a file that nobody will find. */
  isInPlace(): boolean {
    return this.identity === undefined || fileIdentity(this.file) === this.identity;
  }

  /**
   * Puts everything back at its path, from the connection that is still open, and goes on there. Returns where a file was
   * set aside that has taken its place. Throws `WriteFailure`, and goes on in the file that it has.
   */
  putBack(at: number): string | undefined {
    const fresh = `${this.file}.fresh`;
    this.saveTo(fresh);
    const aside = existsSync(this.file) ? setAside(this.file, 'found', at) : undefined;
    // Before the new one is there: to close removes what has the name of its log.
    this.db.close();
    renameSync(fresh, this.file);
    this.db = this.openFile();
    return aside;
  }

  /** Writes all of it into another file. Throws `WriteFailure`. */
  saveTo(file: string): void {
    this.write(() => {
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
      rmSync(file, { force: true });
      this.db.prepare('VACUUM INTO ?').run(file);
      if (process.platform !== 'win32') chmodSync(file, 0o600);
    });
  }

  /** The same beside everything else that is done meanwhile: it holds up nobody, and takes in what is written until its end. */
  async copyTo(file: string): Promise<void> {
    const fresh = `${file}.new`;
    rmSync(fresh, { force: true });
    await backup(this.db, fresh);
    if (process.platform !== 'win32') chmodSync(fresh, 0o600);
    renameSync(fresh, file);
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

  /**
   * Runs `work` as one transaction; a nested call joins the outer one. Throws `WriteFailure`, with the first reason, where
   * any statement in it failed because of the file: nothing of it has been written then, even if `work` went on.
   */
  transaction<T>(work: () => T): T {
    if (this.depth > 0) return work();
    this.beforeWrite();
    this.write(() => this.db.exec('BEGIN IMMEDIATE'));
    this.depth = 1;
    let result: T;
    try {
      result = work();
      this.write(() => this.db.exec('COMMIT'));
    } catch (error) {
      const reason = this.doomed ?? error;
      this.endTransaction();
      throw reason;
    }
    const committed = this.endTransaction();
    this.commits += 1;
    this.onWritten();
    for (const act of committed) act();
    return result;
  }

  /** Calls back when the transaction that is under way is on disk, and never if it fails; at once where there is none. */
  afterCommit(act: () => void): void {
    if (this.depth === 0) act();
    else this.committed.push(act);
  }

  /** What waits for the end of the transaction, which is over from here on. */
  private endTransaction(): (() => void)[] {
    const { committed } = this;
    this.depth = 0;
    this.doomed = undefined;
    this.committed = [];
    // Where the disk is full, SQLite has taken everything back by itself.
    if (!this.db.isOpen || !this.db.isTransaction) return committed;
    try {
      this.db.exec('ROLLBACK');
    } catch {
      // The first reason is the one that is told; what is left of the transaction the next BEGIN names.
    }
    return committed;
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

  /** Returns how many rows were changed. Throws `WriteFailure`. */
  run(sql: string, ...values: SQLInputValue[]): number {
    if (this.depth === 0) this.beforeWrite();
    const changes = Number(this.write(() => this.db.prepare(sql).run(...values)).changes);
    if (this.depth === 0) {
      this.commits += 1;
      this.onWritten();
    }
    return changes;
  }

  /** Whether a write waits for a lock that another program holds (5 s, during which the host stands still), or fails at once. */
  setPatience(patient: boolean): void {
    this.db.exec(`PRAGMA busy_timeout = ${patient ? 5000 : 0}`);
  }

  /** Writes something, to find out whether that is possible; tells the answer by the call-backs. */
  probe(): void {
    try {
      this.transaction(() =>
        this.run(
          "INSERT INTO settings (key, value) VALUES ('probe', '') ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        ),
      );
    } catch (error) {
      if (!(error instanceof WriteFailure)) throw error;
    }
  }

  private write<T>(act: () => T): T {
    if (this.doomed) throw this.doomed;
    try {
      return act();
    } catch (error) {
      const failure = WriteFailure.from(error, this.file);
      if (!failure) throw error;
      if (this.depth > 0) this.doomed = failure;
      this.onWriteFailed(failure);
      throw failure;
    }
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
