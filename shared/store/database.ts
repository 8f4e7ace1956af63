import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import type { SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite';
import type { Disposable } from '../platform/emitter.ts';
import { GasTownError, messageOf } from '../platform/errors.ts';
import { migrations } from './migrations.ts';
import { databaseParts, fileIdentity, setAside, suspectMark } from './place.ts';
import { Touched } from './touched.ts';
import { WriteFailure } from './write-failure.ts';
import type { Act } from './write-failure.ts';

export type Row = Record<string, SQLOutputValue>;

/** So many statements are kept compiled. */
const maxStatements = 1_000;

/** Who is asked before something is written, and told how that went. */
export interface WriteWatcher {
  /** Before anything is written that is not part of a transaction; what it throws is why nothing is. */
  beforeWrite(): void;
  /** After each change that is on disk. */
  onWritten(): void;
  /** At each statement that fails because of the file. */
  onWriteFailed(failure: WriteFailure): void;
}

/**
 * The town's one database (DESIGN D5): `<town>/.runtime/town.db`, WAL, mode 0600. A transaction that has returned is on
 * disk as far as a crash of this process goes; one that was cut short by a crash leaves nothing.
 */
export class Database {
  /** What is written, by what it is about. */
  readonly touched = new Touched();
  private readonly watchers = new Set<WriteWatcher>();
  /** By their text: to compile a statement costs more than to run most of them. */
  private readonly statements = new Map<string, StatementSync>();
  private db: DatabaseSync;
  /** Of each of its parts, as it was opened. SQLite makes none of them anew while it is open. */
  private identities: readonly { path: string; identity: string | undefined }[] = [];
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
      this.touched.watch(this.db);
    } catch (error) {
      if (WriteFailure.from(error, file, 'read')?.damaged) this.suspect();
      if (GasTownError.is(error)) throw error;
      throw new GasTownError(
        'read-only',
        `The town's database ${file} cannot be opened for writing: ${messageOf(error)}. ` +
          'Check that the folder exists, that the disk is neither full nor read-only, and that you may write there.',
        { cause: error },
      );
    }
  }

  /** Disposing what it returns ends that. */
  watchWrites(watcher: WriteWatcher): Disposable {
    this.watchers.add(watcher);
    return { dispose: () => this.watchers.delete(watcher) };
  }

  private openFile(): DatabaseSync {
    const db = new DatabaseSync(this.file);
    db.exec(
      'PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 5000;',
    );
    if (this.file === ':memory:') return db;
    if (process.platform !== 'win32') chmodSync(this.file, 0o600);
    // The first reading makes the log.
    db.prepare('PRAGMA user_version').get();
    this.identities = databaseParts.map((part) => ({
      path: this.file + part,
      identity: fileIdentity(this.file + part),
    }));
    return db;
  }

  /** Counts up with whatever is written. */
  get revision(): number {
    return this.commits;
  }

  /**
   * The path, of its file or of what belongs to it, that does not name any more what is open: what is written goes where
   * nobody will find it. Undefined where everything is in its place.
   */
  displaced(): string | undefined {
    return this.identities.find(({ path, identity }) => identity !== undefined && fileIdentity(path) !== identity)
      ?.path;
  }

  /**
   * Puts everything back at its path, from the connection that is still open, and goes on there. Returns where a file was
   * set aside that has taken its place. Throws `WriteFailure`, and goes on in the file that it has.
   */
  putBack(at: number): string | undefined {
    const fresh = `${this.file}.fresh`;
    this.saveTo(fresh);
    const isTaken = this.identities.some(({ path, identity }) => existsSync(path) && fileIdentity(path) !== identity);
    const aside = isTaken ? setAside(this.file, 'found', at) : undefined;
    // Before the new one is there: to close removes what has the name of its log.
    this.closeFile();
    // A log that is left would be taken for that of the new one.
    for (const { path } of this.identities) rmSync(path, { force: true });
    renameSync(fresh, this.file);
    this.db = this.openFile();
    this.touched.watch(this.db);
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
    for (const watcher of this.watchers) watcher.beforeWrite();
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
    for (const watcher of this.watchers) watcher.onWritten();
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
      // The caller gets the first reason; what is left of the transaction the next BEGIN names.
    }
    return committed;
  }

  /** Throws `WriteFailure`, as all that reads. */
  get(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.guard('read', () => this.statement(sql).get(...values));
  }

  all(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.guard('read', () => this.statement(sql).all(...values));
  }

  /** The same with named values (`:name`), for a value that stands in several places. */
  allNamed(sql: string, values: Record<string, SQLInputValue>): Row[] {
    return this.guard('read', () => this.statement(sql).all(values));
  }

  /** Returns how many rows were changed. Throws `WriteFailure`. */
  run(sql: string, ...values: SQLInputValue[]): number {
    if (this.depth === 0) for (const watcher of this.watchers) watcher.beforeWrite();
    const changes = Number(this.write(() => this.statement(sql).run(...values)).changes);
    if (this.depth === 0) {
      this.commits += 1;
      for (const watcher of this.watchers) watcher.onWritten();
    }
    return changes;
  }

  /** Whether a write waits for a lock that another program holds (5 s, during which the host stands still), or fails at once. */
  setPatience(patient: boolean): void {
    this.db.exec(`PRAGMA busy_timeout = ${patient ? 5000 : 0}`);
  }

  /** Writes something, to find out whether that is possible; tells those who watch writes. */
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

  private statement(sql: string): StatementSync {
    const known = this.statements.get(sql);
    if (known) return known;
    // Texts are written in the code, not made: there are some hundred.
    if (this.statements.size >= maxStatements) this.statements.clear();
    const made = this.db.prepare(sql);
    this.statements.set(sql, made);
    return made;
  }

  private write<T>(act: () => T): T {
    return this.guard('written', act);
  }

  private guard<T>(what: Act, act: () => T): T {
    if (this.doomed) throw this.doomed;
    try {
      return act();
    } catch (error) {
      const failure = WriteFailure.from(error, this.file, what);
      if (!failure) throw error;
      if (failure.damaged) this.suspect();
      if (this.depth > 0) this.doomed = failure;
      for (const watcher of this.watchers) watcher.onWriteFailed(failure);
      throw failure;
    }
  }

  /** The next start reads the whole file, however large it is. */
  private suspect(): void {
    if (this.file === ':memory:') return;
    try {
      writeFileSync(suspectMark(this.file), '', { mode: 0o600 });
    } catch {
      // The caller gets the failure itself; every start reads a file of usual size anyway.
    }
  }

  get isOpen(): boolean {
    return this.db.isOpen;
  }

  close(): void {
    this.closeFile();
  }

  private closeFile(): void {
    // They hold the connection that they were made with.
    this.statements.clear();
    this.db.close();
  }
}

export const text = (value: SQLOutputValue | undefined): string => String(value ?? '');
export const number = (value: SQLOutputValue | undefined): number => Number(value ?? 0);
export const optionalText = (value: SQLOutputValue | undefined): string | undefined =>
  value === null || value === undefined ? undefined : String(value);
export const optionalNumber = (value: SQLOutputValue | undefined): number | undefined =>
  value === null || value === undefined ? undefined : Number(value);
