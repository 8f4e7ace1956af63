import type { Occasion } from '../platform/git/findings.ts';
import type { RemovedWorktree } from '../platform/git/remove-worktree.ts';
import type { SessionId } from '../domain/orchestrator.ts';
import { number, optionalText, text } from './database.ts';
import type { Database, Row } from './database.ts';

/**
 * `removing`: wanted, nothing has been touched. `judged`: it goes, `removed` says all about it. `removed`: it is gone.
 * `kept`: it stays, `reason` says why. `restoring`: it is being brought back.
 */
export type WorktreeState = 'removing' | 'judged' | 'removed' | 'kept' | 'restoring';

export interface StoredWorktree {
  id: string;
  /** Who worked there. */
  session: SessionId;
  rig: string;
  /** Top of the main checkout. */
  repository: string;
  path: string;
  branch?: string;
  state: WorktreeState;
  occasion: Occasion;
  /** Epoch milliseconds. */
  changedAt: number;
  removed?: RemovedWorktree;
  /** For people. */
  reason?: string;
  /** Git, or the system, stood against it: the user has to deal with that. */
  refused: boolean;
}

/** Of removed ones without anything rescued so many are remembered. */
const remembered = 200;

/** Worktrees whose sessions are over. A row is there from before anything is done to the worktree. */
export class WorktreeTable {
  private readonly db: Database;
  /** Those that stay, by path; read again after a change. */
  private stay: ReadonlyMap<string, StoredWorktree> | undefined;

  constructor(db: Database) {
    this.db = db;
  }

  /** Replaces what is known of the worktree by its id; one that stayed at that path before is the same one. */
  save(worktree: StoredWorktree): void {
    const { id, session, rig, repository, path, branch, state, occasion, changedAt, removed, reason, refused } =
      worktree;
    this.stay = undefined;
    this.db.transaction(() => {
      this.db.run("DELETE FROM worktrees WHERE path = ? AND state = 'kept' AND id <> ?", path, id);
      this.db.run(
        `INSERT OR REPLACE INTO worktrees (id, session_id, rig, repository, path, branch, state, occasion, changed_at, removed, reason, refused)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        ...[id, session, rig, repository, path, branch ?? null, state, occasion, changedAt],
        ...[removed === undefined ? null : JSON.stringify(removed), reason ?? null, refused ? 1 : 0],
      );
      this.db.run(
        `DELETE FROM worktrees WHERE state = 'removed' AND json_extract(removed, '$.rescue') IS NULL AND id NOT IN
           (SELECT id FROM worktrees WHERE state = 'removed' ORDER BY changed_at DESC, rowid DESC LIMIT ${remembered})`,
      );
    });
  }

  forget(id: string): void {
    this.stay = undefined;
    this.db.run('DELETE FROM worktrees WHERE id = ?', id);
  }

  /** Newest first. */
  all(): StoredWorktree[] {
    return this.db.all('SELECT * FROM worktrees ORDER BY changed_at DESC, rowid DESC').map(toWorktree);
  }

  get(id: string): StoredWorktree | undefined {
    const row = this.db.get('SELECT * FROM worktrees WHERE id = ?', id);
    return row && toWorktree(row);
  }

  /** What stays, by path. Costs nothing where nothing has changed. */
  kept(): ReadonlyMap<string, StoredWorktree> {
    this.stay ??= new Map(
      this.db
        .all("SELECT * FROM worktrees WHERE state = 'kept'")
        .map(toWorktree)
        .map((each) => [each.path, each]),
    );
    return this.stay;
  }

  /** What changed since then (epoch ms), newest first. */
  since(at: number): StoredWorktree[] {
    return this.db
      .all('SELECT * FROM worktrees WHERE changed_at >= ? ORDER BY changed_at DESC, rowid DESC', at)
      .map(toWorktree);
  }

  /** What a host that has died was about to do. */
  unfinished(): StoredWorktree[] {
    return this.db
      .all("SELECT * FROM worktrees WHERE state IN ('removing', 'judged', 'restoring') ORDER BY changed_at")
      .map(toWorktree);
  }
}

function toWorktree(row: Row): StoredWorktree {
  const branch = optionalText(row['branch']);
  const removed = optionalText(row['removed']);
  const reason = optionalText(row['reason']);
  return {
    id: text(row['id']),
    session: text(row['session_id']),
    rig: text(row['rig']),
    repository: text(row['repository']),
    path: text(row['path']),
    ...(branch === undefined ? {} : { branch }),
    state: text(row['state']) as WorktreeState,
    occasion: text(row['occasion']) as Occasion,
    changedAt: number(row['changed_at']),
    ...(removed === undefined ? {} : { removed: JSON.parse(removed) as RemovedWorktree }),
    ...(reason === undefined ? {} : { reason }),
    refused: number(row['refused']) === 1,
  };
}
