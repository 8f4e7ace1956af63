import { chmodSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { GasTownError, messageOf } from '../platform/errors.ts';
import { fileIdentity } from '../store/place.ts';

/**
 * Makes one process the host of a town. The lock is SQLite's lock on a small file: the operating system releases it
 * when the process ends, however it ends, so that there is no stale lock to judge.
 */
export class HostLock {
  private db: DatabaseSync;
  private readonly file: string;
  private identity: string | undefined;

  private constructor(db: DatabaseSync, file: string) {
    this.db = db;
    this.file = file;
    this.identity = fileIdentity(file);
  }

  /** Whether it still locks out others: where its file was deleted, the next one to come makes another. */
  isInPlace(): boolean {
    return fileIdentity(this.file) === this.identity;
  }

  /** Takes the lock on the file that is there now, or on a new one. False where somebody else has it: the town is theirs. */
  renew(): boolean {
    const next = HostLock.tryAcquire(this.file);
    if (!next) return false;
    this.db.close();
    this.db = next.db;
    this.identity = next.identity;
    return true;
  }

  /**
   * Undefined while another process holds it. Throws `read-only` where the file cannot be made, `no-town` where there is no
   * folder to make it in: a town that was moved or deleted is not made again.
   */
  static tryAcquire(file: string): HostLock | undefined {
    let db: DatabaseSync | undefined;
    try {
      makeFolder(dirname(file));
      db = new DatabaseSync(file);
      if (process.platform !== 'win32') chmodSync(file, 0o600);
      db.exec('PRAGMA busy_timeout = 0; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE;');
      return new HostLock(db, file);
    } catch (error) {
      db?.close();
      if (GasTownError.is(error)) throw error;
      if (messageOf(error).includes('locked')) return undefined;
      throw new GasTownError(
        'read-only',
        `The town cannot be opened: ${file} cannot be written (${messageOf(error)}). Check the disk and your rights there.`,
        { cause: error },
      );
    }
  }

  release(): void {
    this.db.close();
  }
}

/** The town's `.runtime`, and nothing above it. */
function makeFolder(runtime: string): void {
  try {
    mkdirSync(runtime, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT')
      throw new GasTownError(
        'no-town',
        `The folder of the town, ${dirname(runtime)}, is not there: it was moved or deleted.`,
        { cause: error },
      );
    // What is no folder, or not for us, tells itself by what follows.
    if (code !== 'EEXIST') throw error;
  }
}
