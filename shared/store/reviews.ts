import type { ReviewSide, ThreadState } from '../domain/merge.ts';
import { withoutUndefined } from '../platform/objects.ts';
import { number, optionalText, text } from './database.ts';
import type { Database, Row } from './database.ts';

/** A conversation about one line of a unit's change. */
export interface StoredThread {
  /** People and agents write it as `C-<number>`. */
  number: number;
  workId: string;
  path: string;
  side: ReviewSide;
  /** From 1, in the file as it is at `head` (side `new`), or at the base. */
  line: number;
  /** The commit that the line was seen in. */
  head: string;
  /** The text of the line. */
  quote: string;
  state: ThreadState;
  createdAt: number;
}

export interface StoredComment {
  number: number;
  thread: number;
  /** Epoch milliseconds. */
  at: number;
  /** A session's id, or the user. */
  by: string;
  body: string;
  /** The message by which it went to the author of the change; its receipt is the comment's. */
  messageId?: string;
}

/** What was said about the lines of changes. */
export class ReviewTable {
  private readonly db: Database;

  constructor(db: Database) {
    this.db = db;
  }

  thread(thread: number): StoredThread | undefined {
    const row = this.db.get('SELECT * FROM review_threads WHERE number = ?', thread);
    return row && toThread(row);
  }

  /** Oldest first. */
  threadsOf(workId: string): StoredThread[] {
    return this.db.all('SELECT * FROM review_threads WHERE work_id = ? ORDER BY number', workId).map(toThread);
  }

  /** How many threads of a unit are in this state. */
  count(workId: string, state: ThreadState): number {
    const sql = 'SELECT COUNT(*) AS count FROM review_threads WHERE work_id = ? AND state = ?';
    return number(this.db.get(sql, workId, state)?.['count']);
  }

  /** How many comments there are in all threads of a unit. */
  countComments(workId: string): number {
    const sql = `SELECT COUNT(*) AS count FROM review_threads
                 JOIN review_comments ON thread = review_threads.number WHERE work_id = ?`;
    return number(this.db.get(sql, workId)?.['count']);
  }

  /** Oldest first. */
  commentsOf(thread: number): StoredComment[] {
    return this.db.all('SELECT * FROM review_comments WHERE thread = ? ORDER BY number', thread).map(toComment);
  }

  /** Returns its number. */
  begin({ workId, path, side, line, head, quote, state, createdAt }: Omit<StoredThread, 'number'>): number {
    const sql = `INSERT INTO review_threads (work_id, path, side, line, head, quote, state, created_at)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?)`;
    return this.numbered(() => this.db.run(sql, workId, path, side, line, head, quote, state, createdAt));
  }

  /** Returns its number. */
  add({ thread, at, by, body }: Omit<StoredComment, 'number' | 'messageId'>): number {
    const sql = 'INSERT INTO review_comments (thread, at, by, body) VALUES (?, ?, ?, ?)';
    return this.numbered(() => this.db.run(sql, thread, at, by, body));
  }

  /** What of the user's has not gone to the author of the change yet, in order; what is resolved needs no change. */
  unsent(workId: string, by: string): StoredComment[] {
    const sql = `SELECT review_comments.* FROM review_comments JOIN review_threads ON review_threads.number = thread
                 WHERE work_id = ? AND by = ? AND message_id IS NULL AND state <> 'resolved'
                 ORDER BY review_comments.number`;
    return this.db.all(sql, workId, by).map(toComment);
  }

  setSent(comments: readonly number[], messageId: string): void {
    for (const comment of comments)
      this.db.run('UPDATE review_comments SET message_id = ? WHERE number = ?', messageId, comment);
  }

  setState(thread: number, state: ThreadState): void {
    this.db.run('UPDATE review_threads SET state = ? WHERE number = ?', state, thread);
  }

  /** The line is at another place, in another commit. */
  move(thread: number, line: number, head: string): void {
    this.db.run('UPDATE review_threads SET line = ?, head = ? WHERE number = ?', line, head, thread);
  }

  private numbered(insert: () => void): number {
    return this.db.transaction(() => {
      insert();
      return number(this.db.get('SELECT last_insert_rowid() AS number')?.['number']);
    });
  }
}

function toThread(row: Row): StoredThread {
  return {
    number: number(row['number']),
    workId: text(row['work_id']),
    path: text(row['path']),
    side: text(row['side']) as ReviewSide,
    line: number(row['line']),
    head: text(row['head']),
    quote: text(row['quote']),
    state: text(row['state']) as ThreadState,
    createdAt: number(row['created_at']),
  };
}

function toComment(row: Row): StoredComment {
  return {
    number: number(row['number']),
    thread: number(row['thread']),
    at: number(row['at']),
    by: text(row['by']),
    body: text(row['body']),
    ...withoutUndefined({ messageId: optionalText(row['message_id']) }),
  };
}
