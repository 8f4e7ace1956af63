import { chmodSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { GasTownError, messageOf } from '../errors.ts';

/**
 * Makes one process the host of a town. The lock is SQLite's lock on a small file: the operating system releases it
 * when the process ends, however it ends, so that there is no stale lock to judge.
 */
export class HostLock {
  private readonly db: DatabaseSync;

  private constructor(db: DatabaseSync) {
    this.db = db;
  }

  /** Undefined while another process holds it. Throws `read-only` where the file cannot be made. */
  static tryAcquire(file: string): HostLock | undefined {
    let db: DatabaseSync | undefined;
    try {
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
      db = new DatabaseSync(file);
      if (process.platform !== 'win32') chmodSync(file, 0o600);
      db.exec('PRAGMA busy_timeout = 0; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE;');
      return new HostLock(db);
    } catch (error) {
      db?.close();
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
