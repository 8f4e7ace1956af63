import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import { GasTownError } from '../platform/errors.ts';
import { number } from './database.ts';
import type { Database } from './database.ts';

/** Below the ports that systems give out by themselves: Linux begins at 32768. */
const first = 20_000;
const last = 32_760;
/** So many belong to one worktree, from its base on. */
const each = 10;
const places = (last - first) / each;

/** The port base of each worktree, as long as the worktree is there. */
export class WorktreePortTable {
  private readonly db: Database;

  constructor(db: Database) {
    this.db = db;
  }

  /**
   * That of the worktree at this path, given to it where it has none. By its path, so that it is the same one after it was away,
   * and two towns on a machine seldom have the same ones.
   */
  take(path: string): number {
    return this.db.transaction(() => {
      const known = this.db.get('SELECT port FROM worktree_ports WHERE path = ?', path);
      if (known) return number(known['port']);
      const wanted = createHash('sha256').update(path).digest().readUInt32BE(0) % places;
      for (let step = 0; step < places; step += 1) {
        const port = first + ((wanted + step) % places) * each;
        if (this.db.get('SELECT 1 FROM worktree_ports WHERE port = ?', port)) continue;
        this.db.run('INSERT INTO worktree_ports (path, port) VALUES (?, ?)', path, port);
        return port;
      }
      throw new GasTownError(
        'refused',
        `All ${places} port bases are given to worktrees that stay. Remove some of those: gt worktree list.`,
      );
    });
  }

  /** That of the worktree which a folder is in; undefined where it is in none. */
  of(folder: string): number | undefined {
    for (let path = folder; ; path = dirname(path)) {
      const row = this.db.get('SELECT port FROM worktree_ports WHERE path = ?', path);
      if (row) return number(row['port']);
      if (dirname(path) === path) return undefined;
    }
  }

  /** The worktree is gone. */
  free(path: string): void {
    this.db.run('DELETE FROM worktree_ports WHERE path = ?', path);
  }
}
