import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { GasTownError } from '../../../shared/platform/errors.ts';
import { Backlog } from '../../../shared/store/backlog.ts';
import { Database } from '../../../shared/store/database.ts';
import { temporaryFolder } from '../../support/core.ts';
import { addRig, fillUp, makeRoom, rigNames, rigPaths } from '../../support/questions.ts';

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

const file = (): string => join(folder.path, 'town.db');
const add = (name: string, size = 1): number => addRig(db, name, name + 'x'.repeat(size));
const names = () => rigNames(db);

describe('a full disk', () => {
  test('is the reason that is told, and nothing of the transaction stays', () => {
    fillUp(db);
    const write = () => db.transaction(() => [add('small'), add('large', 100_000), add('after')]);
    expect(write).toThrow(GasTownError);
    expect(write).toThrow(
      /town\.db cannot be written: database or disk is full\. Nothing was changed\. Make room on the disk/,
    );
    expect(names()).toEqual([]);
    makeRoom(db);
    db.transaction(() => add('whole'));
    expect(names()).toEqual(['whole']);
  });

  test('dooms the transaction, also where what failed was caught in it', () => {
    fillUp(db);
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
    fillUp(db);
    backlog.keep(() => void add('b-large', 100_000));
    backlog.keep(() => void add('a-next'));
    expect(backlog.trouble).toMatchObject({ waiting: 2, message: expect.stringContaining('database or disk is full') });
    expect(() => add('c-new')).toThrow(/full/);
    makeRoom(db);
    add('c-new');
    expect(names()).toEqual(['b-large', 'a-next', 'c-new']);
    expect(backlog.trouble).toBeUndefined();
    expect(reported).toHaveLength(2);
    backlog.dispose();
  });

  test('waits, too, where it meets damage in reading, which is told until the end', () => {
    add('large', 1_000_000);
    add('small');
    db.close();
    const content = readFileSync(file());
    content.fill(0x5a, 500 * 1024, 700 * 1024);
    writeFileSync(file(), content);
    db = new Database(file());
    const reported: string[] = [];
    const backlog = new Backlog(db, (message) => reported.push(message));
    backlog.keep(() => {
      if (rigPaths(db).length > 0) add('after');
    });
    const words =
      /town\.db cannot be read: database disk image is malformed\. Nothing was changed\. The file is damaged: reload the window/;
    expect(backlog).toMatchObject({
      trouble: { waiting: 1, message: expect.stringMatching(words) },
      damage: expect.stringMatching(words),
    });
    expect([reported.length, existsSync(`${file()}.suspect`)]).toEqual([1, true]);
    expect(() => add('next')).toThrow(words);
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
