import { copyFileSync, existsSync, rmSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { GasTownError, messageOf } from '../platform/errors.ts';
import { setAside, suspectMark } from './place.ts';
import { Store } from './store.ts';

export interface StorePlace {
  file: string;
  /** Made from time to time (see `StoreCopies`). */
  copy: string;
  /** Whether the town has been used before, by what else there is of it. */
  wasUsed: () => boolean;
  /** Whether the last host ended without letting go, so that its log must still be there. */
  crashed: boolean;
  now: () => number;
  report: (message: string) => void;
}

export interface OpenedStore {
  store: Store;
  /** What was wrong with the file, and what was done about it, for people. */
  finding?: string;
}

/** A larger file is not read through at every start, but after one that has found damage in it. In bytes. */
const checkedUpTo = 64 * 1024 * 1024;

/**
 * Opens the town's store. A file that is missing, empty or damaged is set aside and restored from its copy, and so is one
 * that has less in it than its copy. A town that was used before never begins anew without a word. Throws as `Store` does.
 */
export function openStore(place: StorePlace): OpenedStore {
  const { file, report } = place;
  // Before anybody opens the file, and with it takes in its log.
  const withoutLog = place.crashed && existsSync(file) && !existsSync(`${file}-wal`);
  const wrong = whatIsWrong(place);
  if (wrong === undefined) {
    const hint = withoutLog ? logIsGone(file) : undefined;
    return { store: new Store(file, report), ...(hint === undefined ? {} : { finding: hint }) };
  }
  const finding = restore(place, wrong);
  report(finding);
  return { store: new Store(file, report), finding };
}

const logIsGone = (file: string): string =>
  `${file}-wal is gone, although the last window did not close the town in order: what happened last before that may be missing.`;

/** Undefined where the file can be used, or is only to be made. */
function whatIsWrong({ file, copy, wasUsed }: StorePlace): string | undefined {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? -1;
  if (size <= 0) {
    if (!existsSync(copy) && !existsSync(`${file}.fresh`) && !wasUsed()) return undefined;
    return size < 0 ? 'was gone' : 'was empty';
  }
  try {
    const amount = amountIn(file, size <= checkedUpTo || existsSync(suspectMark(file)));
    rmSync(suspectMark(file), { force: true });
    if (existsSync(copy) && (amountOf(copy) ?? 0) > amount) return 'had less in it than its copy';
    return undefined;
  } catch (error) {
    // Not to be had at all (rights, a lock): that is said by whoever opens it.
    if (!isDamage(error)) return undefined;
    return `was damaged (${messageOf(error)})`;
  }
}

function restore(place: StorePlace, wrong: string): string {
  const { file, copy, now } = place;
  rmSync(suspectMark(file), { force: true });
  const aside = existsSync(file) ? setAside(file, 'damaged', now()) : undefined;
  // What is left of a lost database is none of the next one's.
  if (!aside && existsSync(`${file}-wal`)) setAside(file, 'damaged', now());
  const kept = aside === undefined ? '' : ` The file that was there is kept as ${aside}.`;
  const sources = [`${file}.fresh`, copy].filter((source) => amountOf(source) !== undefined);
  const [source] = sources.sort((a, b) => amountOf(b)! - amountOf(a)!);
  if (source === undefined) {
    return `The town's database ${file} ${wrong}, and there is no copy of it: sessions, work and messages of before are not known any more.${kept}`;
  }
  copyFileSync(source, file);
  const at = new Date(statSync(source).mtimeMs).toISOString();
  return `The town's database ${file} ${wrong}. It was restored from the copy of ${at}: what happened after that is missing.${kept}`;
}

/** How much was ever recorded there; undefined where the file is not one to be used. */
function amountOf(file: string): number | undefined {
  if (!existsSync(file)) return undefined;
  try {
    return amountIn(file, true);
  } catch {
    return undefined;
  }
}

/** Throws where the file is damaged. Its own log, where it has one, is read along. */
function amountIn(file: string, whole: boolean): number {
  const db = new DatabaseSync(file);
  try {
    const [answer] = whole ? db.prepare('PRAGMA quick_check(1)').all() : [];
    const word = answer && Object.values(answer)[0];
    if (word !== undefined && word !== 'ok') throw new GasTownError('bad-config', String(word).replaceAll('\n', ' '));
    const known = new Set(
      db
        .prepare('SELECT name FROM sqlite_master')
        .all()
        .map(({ name }) => String(name)),
    );
    // Of these only old rows are ever deleted, so that the number of the newest one never falls.
    return ['events', 'messages', 'work_history'].reduce(
      (sum, table) => sum + (known.has(table) ? newestRow(db, table) : 0),
      0,
    );
  } finally {
    db.close();
  }
}

const newestRow = (db: DatabaseSync, table: string): number =>
  Number(db.prepare(`SELECT max(rowid) AS newest FROM ${table}`).get()?.['newest'] ?? 0);

/** SQLITE_CORRUPT, SQLITE_NOTADB, or what `quick_check` has found. */
function isDamage(error: unknown): boolean {
  if (GasTownError.is(error, 'bad-config')) return true;
  const code =
    error instanceof Error && 'errcode' in error && typeof error.errcode === 'number'
      ? error.errcode & 0xff
      : undefined;
  return code === 11 || code === 26;
}
