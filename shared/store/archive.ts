import { shelves } from './archive-shelves.ts';
import type { Shelf } from './archive-shelves.ts';
import type { Database } from './database.ts';
import { number, optionalNumber, text } from './database.ts';
import type { DependencyTable } from './dependencies.ts';
import type { EscalationTable } from './escalations.ts';
import type { MergeTable } from './merges.ts';
import type { MessageTable } from './messages.ts';
import type { ReviewTable } from './reviews.ts';
import type { SessionTable } from './sessions.ts';
import type { WorkTable } from './work.ts';

/** So many rows are looked at in a piece, and so many characters written, so that nothing else waits for it long. */
const piece = { rows: 50, characters: 256 * 1024 };

/** What the archive gets of a row. */
export interface ArchiveEntry {
  shelf: Shelf;
  id: string;
  /** One line of JSON: `{"type", "id", "record"}`. */
  line: string;
  /** It was over before then. Epoch milliseconds. */
  before: number;
}

/** When what is over is old. Epoch milliseconds. */
export interface ArchiveBounds {
  /** What has been over since before then goes. */
  before: number;
  /** So many of a shelf stay at most … */
  keep: number;
  /** … but what has been over since then stays. */
  notAfter: number;
}

interface Tables {
  work: WorkTable;
  merges: MergeTable;
  reviews: ReviewTable;
  dependencies: DependencyTable;
  messages: MessageTable;
  escalations: EscalationTable;
  sessions: SessionTable;
}

/** What may leave the store: what is over, old, and has nothing to do with anything that is open. */
export class ArchiveSource {
  private readonly db: Database;
  private readonly tables: Tables;

  constructor(db: Database, tables: Tables) {
    this.db = db;
    this.tables = tables;
  }

  /** All that may go, in pieces: some are empty. Each is read when it is asked for; changes nothing. */
  *pieces(bounds: ArchiveBounds): Generator<readonly ArchiveEntry[], void, void> {
    for (const shelf of shelves) {
      const before = this.cutOf(shelf, bounds);
      const { table, at, where } = shelf;
      const sql = `SELECT rowid AS number, id, ${at} AS at FROM ${table}
        WHERE ${where} AND ${at} < ? AND (${at}, rowid) > (?, ?) ORDER BY ${at}, rowid LIMIT ${piece.rows}`;
      let last: readonly [at: number, number: number] = [-1, -1];
      for (;;) {
        const rows = this.db.all(sql, before, ...last);
        const entries: ArchiveEntry[] = [];
        let length = 0;
        for (const row of rows) {
          if (length > piece.characters) break;
          last = [number(row['at']), number(row['number'])];
          const id = text(row['id']);
          const line = this.lineOf(shelf, id, before);
          if (line === undefined) continue;
          entries.push({ shelf, id, line, before });
          length += line.length;
        }
        if (rows.length === 0) break;
        yield entries;
      }
    }
  }

  /** Deletes what is still as it was written to that file; the rest stays. One transaction. Returns how many went. */
  remove(entries: readonly ArchiveEntry[], file: string): number {
    return this.db.transaction(() => {
      const same = entries.filter(({ shelf, id, before, line }) => this.lineOf(shelf, id, before) === line);
      for (const { shelf, id } of same) this.removeOne(shelf, id, file);
      return same.length;
    });
  }

  /** What was over before that is old. */
  private cutOf({ table, at, where }: Shelf, { before, keep, notAfter }: ArchiveBounds): number {
    const sql = `SELECT ${at} AS at FROM ${table} WHERE ${where} ORDER BY ${at} DESC LIMIT 1 OFFSET ?`;
    const tooMany = optionalNumber(this.db.get(sql, keep - 1)?.['at']) ?? 0;
    return Math.min(Math.max(before, tooMany), notAfter);
  }

  /** Undefined where it may not go. */
  private lineOf(shelf: Shelf, id: string, before: number): string | undefined {
    const { kind, table, at, where, over } = shelf;
    const sql = `SELECT 1 FROM ${table} WHERE id = :id AND ${where} AND ${at} < :before AND ${over}`;
    const values = { id, before, ...(kind === 'message' ? { subjects: JSON.stringify(subjectsIn(id)) } : {}) };
    if (this.db.allNamed(sql, values).length === 0) return undefined;
    return JSON.stringify({ type: kind, id, record: this.recordOf(kind, id) });
  }

  private recordOf(kind: Shelf['kind'], id: string): object | undefined {
    const { work, merges, reviews, dependencies, messages, escalations, sessions } = this.tables;
    switch (kind) {
      case 'message':
        return messages.get(id);
      case 'escalation':
        return escalations.get(id);
      case 'run': {
        const run = sessions.run(id);
        // What it proved who it was with is no history.
        return run && { ...run, token: undefined };
      }
      case 'work': {
        const merge = merges.get(id);
        return {
          ...work.get(id),
          after: dependencies.of(id).map(({ after }) => after),
          history: work.history(id),
          merge: merge && { ...merge, history: merges.history(id) },
          threads: reviews.threadsOf(id).map((thread) => ({ ...thread, comments: reviews.commentsOf(thread.number) })),
        };
      }
    }
  }

  private removeOne({ kind }: Shelf, id: string, file: string): void {
    const { work, messages, escalations, sessions } = this.tables;
    switch (kind) {
      case 'work':
        return work.moveToArchive(id, file);
      case 'message':
        return messages.remove(id);
      case 'escalation':
        return escalations.remove(id);
      case 'run':
        return sessions.forgetRun(id);
    }
  }
}

/**
 * What a message may be about whose id is made of that, so that it is told once: `told_<unit>_done_<time>`, `call_<escalation>`.
 * Pure.
 */
function subjectsIn(id: string): string[] {
  if (id.startsWith('msg_')) return [];
  const [, ...parts] = id.split('_');
  return parts.map((_, index) => parts.slice(0, index + 1).join('_'));
}
