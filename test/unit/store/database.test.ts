import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { GasTownError } from '../../../shared/errors.ts';
import { Backlog } from '../../../shared/store/backlog.ts';
import { Database } from '../../../shared/store/database.ts';
import { temporaryFolder } from '../../support/core.ts';

let folder: ReturnType<typeof temporaryFolder>;
let db: Database;

beforeEach(() => {
  folder = temporaryFolder('database');
  db = new Database(join(folder.path, 'town.db'));
});
afterEach(() => {
  db.close();
  folder.remove();
});

const add = (name: string, size = 1): number =>
  db.run('INSERT INTO rigs (name, path, added_at) VALUES (?, ?, 1)', name, name + 'x'.repeat(size));
const names = () => db.all('SELECT name FROM rigs ORDER BY name').map(({ name }) => name);
/** SQLite's own limit on the file stands for the end of the disk. */
const fillUp = (): void =>
  void db.get(`PRAGMA max_page_count = ${Number(db.get('PRAGMA page_count')?.['page_count'])}`);
const makeRoom = (): void => void db.get('PRAGMA max_page_count = 1000000');

describe('a full disk', () => {
  test('is the reason that is told, and nothing of the transaction stays', () => {
    fillUp();
    const write = () => db.transaction(() => [add('small'), add('large', 100_000), add('after')]);
    expect(write).toThrow(GasTownError);
    expect(write).toThrow(
      /town\.db cannot be written: database or disk is full\. Nothing was changed\. Make room on the disk/,
    );
    expect(names()).toEqual([]);
    makeRoom();
    db.transaction(() => add('whole'));
    expect(names()).toEqual(['whole']);
  });

  test('dooms the transaction, also where what failed was caught in it', () => {
    fillUp();
    const write = () =>
      db.transaction(() => {
        expect(() => add('large', 100_000)).toThrow(/full/);
        expect(() => add('after')).toThrow(/full/);
      });
    expect(write).toThrow(/disk is full/);
    expect(names()).toEqual([]);
  });
});

test('what is to follow a transaction follows it, or never', () => {
  const told: string[] = [];
  db.transaction(() => {
    db.afterCommit(() => told.push(`first, after ${String(names())}`));
    add('one');
  });
  expect(() =>
    db.transaction(() => {
      db.afterCommit(() => told.push('never'));
      throw new Error('no');
    }),
  ).toThrow('no');
  expect(told).toEqual(['first, after one']);
});

describe('what has happened', () => {
  test('waits in order while the disk is full, and is recorded before anything new', () => {
    const reported: string[] = [];
    const backlog = new Backlog(db, (message) => reported.push(message));
    fillUp();
    backlog.keep(() => void add('b-large', 100_000));
    backlog.keep(() => void add('a-next'));
    expect(backlog.trouble).toMatchObject({ waiting: 2, message: expect.stringContaining('database or disk is full') });
    expect(() => add('c-new')).toThrow(/full/);
    makeRoom();
    add('c-new');
    expect(db.all('SELECT name FROM rigs ORDER BY rowid').map(({ name }) => name)).toEqual([
      'b-large',
      'a-next',
      'c-new',
    ]);
    expect(backlog.trouble).toBeUndefined();
    expect(reported).toHaveLength(2);
    backlog.dispose();
  });

  test('does not stop what comes after it where it cannot be recorded for a reason of its own', () => {
    const reported: string[] = [];
    const backlog = new Backlog(db, (message) => reported.push(message));
    backlog.keep(() => {
      throw new Error('a mistake');
    });
    backlog.keep(() => void add('next'));
    expect(names()).toEqual(['next']);
    expect(reported[0]).toContain('a mistake');
    backlog.dispose();
  });
});
