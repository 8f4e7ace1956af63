import type { DatabaseSync } from 'node:sqlite';
import type { Disposable } from '../platform/emitter.ts';

/** What a row that was written is about: `inbox` is the recipient of a message, `place` a worktree's path, `branch` its rig and branch with a line break between. */
export const touchedKinds = ['session', 'work', 'merge', 'batch', 'inbox', 'escalation', 'place', 'branch'] as const;
export type TouchedKind = (typeof touchedKinds)[number];

/** Ids by kind. */
export type TouchedIds = Readonly<Record<TouchedKind, ReadonlySet<string>>>;

/**
 * What was written since somebody last looked, so that they look at nothing else. Rows of a transaction that was taken back
 * are among it: to look at them again says the same as before.
 */
export class TouchedLog implements Disposable {
  private ids = emptySets();
  private readonly end: () => void;

  constructor(end: () => void) {
    this.end = end;
  }

  add(kind: TouchedKind, id: string): void {
    this.ids[kind].add(id);
  }

  /** What was written since the last call. */
  take(): TouchedIds {
    const taken = this.ids;
    this.ids = emptySets();
    return taken;
  }

  dispose(): void {
    this.end();
  }
}

function emptySets(): Record<TouchedKind, Set<string>> {
  return {
    session: new Set(),
    work: new Set(),
    merge: new Set(),
    batch: new Set(),
    inbox: new Set(),
    escalation: new Set(),
    place: new Set(),
    branch: new Set(),
  };
}

/**
 * By table, what a row of it touches: SQL over the row (`$`), each line one `touched(kind, id)`, or a query of such. It is
 * said here once for every statement that writes the table, whichever file it stands in.
 */
const rules: Readonly<Record<string, readonly string[]>> = {
  sessions: [`touched('session', $.id)`],
  runs: [`touched('session', $.session_id)`],
  restarts: [`touched('session', $.session_id)`],
  work: [
    `touched('work', $.id)`,
    `touched('session', $.owner)`,
    `touched('batch', $.batch)`,
    `touched('work', work_id) FROM work_dependencies WHERE after_id = $.id`,
  ],
  work_dependencies: [`touched('work', $.work_id)`],
  merges: [
    `touched('merge', $.work_id)`,
    `touched('batch', batch) FROM work WHERE id = $.work_id`,
    `touched('work', work_id) FROM work_dependencies WHERE after_id = $.work_id`,
  ],
  review_threads: [`touched('merge', $.work_id)`],
  review_comments: [`touched('merge', work_id) FROM review_threads WHERE number = $.thread`],
  batches: [`touched('batch', $.id)`],
  messages: [`touched('inbox', $.recipient)`, `touched('work', $.work_id)`],
  escalations: [`touched('escalation', $.id)`],
  worktrees: [`touched('place', $.path)`, `touched('branch', $.rig || char(10) || $.branch)`],
};

/** What rows that are written have to do with; nothing is written by it. */
export class Touched {
  private readonly logs = new Set<TouchedLog>();

  /** A log of what is written from now on. */
  follow(): TouchedLog {
    const log: TouchedLog = new TouchedLog(() => this.logs.delete(log));
    this.logs.add(log);
    return log;
  }

  /** Lets this connection tell. Its triggers are its own and gone with it: the file knows nothing of them. */
  watch(db: DatabaseSync): void {
    db.function('touched', (kind, id) => {
      if (typeof id === 'string') for (const log of this.logs) log.add(kind as TouchedKind, id);
      return null;
    });
    // So that a row that is replaced tells of what it was.
    db.exec('PRAGMA recursive_triggers = ON');
    for (const [table, told] of Object.entries(rules)) {
      for (const [event, rows] of Object.entries({ INSERT: ['NEW'], UPDATE: ['OLD', 'NEW'], DELETE: ['OLD'] })) {
        const steps = rows.flatMap((row) => told.map((rule) => `SELECT ${rule.replaceAll('$', row)};`));
        db.exec(
          `CREATE TEMP TRIGGER touched_${table}_${event} AFTER ${event} ON ${table} BEGIN ${steps.join(' ')} END`,
        );
      }
    }
  }
}
