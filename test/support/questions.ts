// The one place in which tests speak SQL: what they ask a town's database that its API does not tell, and what they make of
// it that only a crash, an older version or another program would.

import { DatabaseSync } from 'node:sqlite';
import type { SQLInputValue } from 'node:sqlite';
import { migrations } from '../../shared/store/migrations.ts';

export type Row = Record<string, unknown>;

/** A town's database, as whoever has the town sees it: TownFixture, the soak, or `booksOf` for a file. */
export interface Books {
  /** What it says now. */
  stored(sql: string, ...values: SQLInputValue[]): Row[];
}

/** A database that may be changed behind the town's back. */
export interface OpenBooks extends Books {
  write(sql: string, ...values: SQLInputValue[]): void;
}

/** The database in this file, opened for each question. */
export function booksOf(file: string): OpenBooks {
  const ask = <T>(readOnly: boolean, act: (db: DatabaseSync) => T): T => {
    const db = new DatabaseSync(file, { readOnly });
    try {
      return act(db);
    } finally {
      db.close();
    }
  };
  return {
    stored: (sql, ...values) => ask(true, (db) => db.prepare(sql).all(...values)),
    write: (sql, ...values) => ask(false, (db) => void db.prepare(sql).run(...values)),
  };
}

// Sessions and runs

const texts = (rows: readonly Row[], column: string): string[] => rows.map((row) => String(row[column]));

/** The sessions that the store knows, those that have ended included, by the beginning of their ids. */
export const sessionsBeginning = (books: Books, beginning: string): string[] =>
  texts(books.stored('SELECT id FROM sessions WHERE substr(id, 1, length(?)) = ?', beginning, beginning), 'id');

export const sessionsOf = (books: Books, backend: string): string[] =>
  texts(books.stored('SELECT id FROM sessions WHERE backend = ?', backend), 'id');

/** Sessions whose run is not there: none, whatever happened. */
export const sessionsWithoutRun = (books: Books): string[] =>
  texts(books.stored('SELECT id FROM sessions WHERE run_id NOT IN (SELECT id FROM runs)'), 'id');

/** The tokens with which the runs of a session say who they are, the first run's first. */
export const tokensOf = (books: Books, session: string): string[] =>
  texts(books.stored('SELECT token FROM runs WHERE session_id = ? ORDER BY rowid', session), 'token');

export const tokenOfRun = (books: Books, run: string): string =>
  String(books.stored('SELECT token FROM runs WHERE id = ?', run)[0]?.['token']);

/** What the driver has noted of a run, to find the conversation again. */
export const referenceOf = <T>(books: Books, run: string): T =>
  JSON.parse(String(books.stored('SELECT reference FROM runs WHERE id = ?', run)[0]?.['reference'])) as T;

export const restartReasons = (books: Books, session: string): string[] =>
  texts(books.stored('SELECT reason FROM restarts WHERE session_id = ?', session), 'reason');

/** The token with which the user's windows come. */
export const userToken = (books: Books): string =>
  String(books.stored("SELECT value FROM settings WHERE key = 'person-token'")[0]?.['value']);

// Events

export interface EventRow {
  at: number;
  session: string;
  run: string;
  type: string;
  /** As it is stored, in JSON. */
  detail: string;
}

/** What was recorded of a session, or of all, in order. */
export const eventsOf = (books: Books, session?: string): EventRow[] =>
  books.stored('SELECT * FROM events WHERE ?1 IS NULL OR session_id = ?1 ORDER BY seq', session ?? null).map((row) => ({
    at: Number(row['at']),
    session: String(row['session_id']),
    run: String(row['run_id']),
    type: String(row['type']),
    detail: String(row['detail']),
  }));

/** What was raised of a session under this title. */
export const escalationsOf = (books: Books, session: string, title: string): string[] =>
  texts(
    books.stored("SELECT id FROM escalations WHERE session_id = ? AND message LIKE '%: ' || ?", session, title),
    'id',
  );

// Messages and work

export const stateOfMessage = (books: Books, id: string): string =>
  String(books.stored('SELECT state FROM messages WHERE id = ?', id)[0]?.['state']);

/** All messages as they are stored, oldest first. */
export const messageRows = (books: Books): Row[] => books.stored('SELECT * FROM messages ORDER BY sent_at');

/** What may still be put before a model: neither mail, which waits to be read, nor what the user gets. */
export const openMessages = (books: Books): Row[] =>
  books.stored(
    "SELECT * FROM messages WHERE state IN ('accepted', 'delivered') AND kind <> 'mail' AND recipient <> 'overseer'",
  );

export const messagesSaying = (books: Books, body: string, recipient: string): string[] =>
  texts(books.stored('SELECT id FROM messages WHERE body = ? AND recipient = ?', body, recipient), 'id');

/** The messages about a unit: the work itself, reminders. */
export const messagesAbout = (books: Books, work: string): { id: string; kind: string; state: string }[] =>
  books
    .stored('SELECT id, kind, state FROM messages WHERE work_id = ?', work)
    .map(({ id, kind, state }) => ({ id: String(id), kind: String(kind), state: String(state) }));

/** All units as they are stored, oldest first. */
export const unitRows = (books: Books): Row[] => books.stored('SELECT * FROM work ORDER BY created_at');

/** Whose a unit was when, in order; of all units without a name. */
export const historyRows = (books: Books, work?: string): Row[] =>
  books.stored('SELECT * FROM work_history WHERE ?1 IS NULL OR work_id = ?1 ORDER BY rowid', work ?? null);

/** Everything that a peer could change. */
export const everything = (books: Books): Row[][] =>
  ['work', 'work_history', 'messages', 'sessions', 'runs', 'rigs'].map((table) =>
    books.stored(`SELECT * FROM ${table}`),
  );

/** What SQLite finds wrong with the file; `ok` where nothing is. */
export const integrityOf = (books: Books): string =>
  texts(books.stored('PRAGMA integrity_check'), 'integrity_check').join('; ');

// What a crash would leave: only while nobody hosts the town

/** The model has the message, but its receipt went with the host. */
export const loseReceipt = (books: OpenBooks, message: string): void =>
  books.write(
    "UPDATE messages SET state = 'accepted', run_id = NULL, attempts = 1, delivered_at = NULL, acted_at = NULL WHERE id = ?",
    message,
  );

/** A stop was asked for, and the host died before it was carried out. */
export const askToStop = (books: OpenBooks, run: string): void =>
  books.write('UPDATE runs SET stop_requested_at = 1 WHERE id = ?', run);

export const forgetSession = (books: OpenBooks, id: string): void =>
  books.write('DELETE FROM sessions WHERE id = ?', id);

/** A unit that somebody has worked on, on this branch. */
export const giveBranch = (books: OpenBooks, work: string, branch: string, base: string): void =>
  books.write('UPDATE work SET branch = ?, base = ? WHERE id = ?', branch, base, work);

// Versions

const setVersion = (db: DatabaseSync, version: number): void => db.exec(`PRAGMA user_version = ${version}`);

/** A version of Gas Town that is not written yet has had the database. */
export function makeNewer(file: string): void {
  const db = new DatabaseSync(file);
  setVersion(db, 99);
  db.close();
}

/** Makes the database of the version before the migration with these words in it; `fill` puts into it what it had. */
export function makeOlder(
  file: string,
  words: string,
  fill: (add: (table: string, row: Record<string, SQLInputValue>) => void) => void,
): void {
  const before = migrations.findIndex((sql) => sql.includes(words));
  const db = new DatabaseSync(file);
  for (const sql of migrations.slice(0, before)) db.exec(sql);
  fill(
    (table, row) =>
      void db
        .prepare(
          `INSERT INTO ${table} (${Object.keys(row).join(', ')}) VALUES (${Object.keys(row)
            .map(() => '?')
            .join(', ')})`,
        )
        .run(...Object.values(row)),
  );
  setVersion(db, before);
  db.close();
}

/** A program for `node -e` that begins to write a rig, says `written`, and never ends. */
export const halfWritten = (file: string): string => `
  const db = new (require('node:sqlite').DatabaseSync)(${JSON.stringify(file)});
  db.exec("BEGIN IMMEDIATE; INSERT INTO rigs (name, path, added_at) VALUES ('half', '/half', 1)");
  process.stdout.write('written');
  setInterval(() => {}, 1000);
`;

// The store's own layer over SQLite, whose callers' words are SQL

interface Statements {
  run(sql: string, ...values: SQLInputValue[]): number;
  all(sql: string, ...values: SQLInputValue[]): Row[];
  get(sql: string, ...values: SQLInputValue[]): Row | undefined;
}

export const addRig = (db: Statements, name: string, path: string): number =>
  db.run('INSERT INTO rigs (name, path, added_at) VALUES (?, ?, 1)', name, path);
/** In the order in which they were added. */
export const rigNames = (db: Statements): string[] => texts(db.all('SELECT name FROM rigs ORDER BY rowid'), 'name');
/** Reads every page of the rigs. */
export const rigPaths = (db: Statements): string[] => texts(db.all('SELECT path FROM rigs'), 'path');
/** SQLite's own limit on the file stands for the end of the disk. */
export const fillUp = (db: Statements): void =>
  void db.get(`PRAGMA max_page_count = ${Number(db.get('PRAGMA page_count')?.['page_count'])}`);
export const makeRoom = (db: Statements): void => void db.get('PRAGMA max_page_count = 1000000');
