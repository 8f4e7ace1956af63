import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { chmod, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { GasTownError } from '../../../shared/platform/errors.ts';
import { keptEvents, pruneEvery, Store } from '../../../shared/store/store.ts';
import { WorkService } from '../../../shared/work/service.ts';
import { silentLogger } from '../../../shared/platform/logger.ts';
import { halfWritten, makeNewer } from '../../support/questions.ts';

let folder: string;
let file: string;
const now = () => 42;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gastown-store-'));
  file = join(folder, '.runtime', 'town.db');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('store', () => {
  test('is private to its owner, and remembers across openings', async () => {
    const first = new Store(file);
    const token = first.remember('token', () => 'secret');
    first.close();
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const second = new Store(file);
    expect(second.remember('token', () => 'another')).toBe(token);
    second.close();
  });

  test('keeps the newest events of each session, and not many more', () => {
    const store = new Store(file);
    const add = (sessionId: string, at: number): void =>
      store.addEvent({ at, sessionId, type: 'session.status', detail: {} });
    store.transaction(() => {
      add('quiet', 0);
      for (let at = 1; at <= keptEvents + 5 * pruneEvery; at += 1) add('busy', at);
    });
    const kept = store.events('busy').map(({ at }) => at);
    expect(kept.at(-1)).toBe(keptEvents + 5 * pruneEvery);
    expect(kept.length).toBeGreaterThanOrEqual(keptEvents);
    expect(kept.length).toBeLessThan(keptEvents + pruneEvery);
    expect(kept).toEqual([...kept].sort((a, b) => a - b));
    expect(store.events('quiet')).toHaveLength(1);
    store.close();
  });

  test('a process killed in the middle of a transaction leaves nothing of it', async () => {
    new Store(file).close();
    const child = spawn(process.execPath, ['-e', halfWritten(file)], { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
    const store = new Store(file);
    expect(store.rigs()).toEqual([]);
    store.addRig({ name: 'whole', path: '/whole' }, 2);
    store.close();
    const again = new Store(file);
    expect(again.rigs()).toEqual([{ name: 'whole', path: '/whole' }]);
    again.close();
  });

  test('a transaction that throws is undone as a whole', () => {
    const store = new Store(file);
    expect(() =>
      store.transaction(() => {
        store.addRig({ name: 'a', path: '/a' }, 1);
        throw new Error('no');
      }),
    ).toThrow('no');
    expect(store.rigs()).toEqual([]);
    store.close();
  });

  test('says what is wrong with a place that cannot be written', async () => {
    const plain = join(folder, 'file');
    await writeFile(plain, '');
    await chmod(plain, 0o400);
    const open = () => new Store(join(plain, 'town.db'));
    expect(open).toThrow(GasTownError);
    expect(open).toThrow(/cannot be opened for writing/);
  });

  test('does not touch a database of a newer version', () => {
    new Store(file).close();
    makeNewer(file);
    expect(() => new Store(file)).toThrow(/newer Gas Town/);
  });
});

describe('work', () => {
  const open = () => {
    const store = new Store(file);
    return { store, work: new WorkService(store, now, silentLogger) };
  };

  test('has one owner: a second claim is refused and names the first [holds 2]', () => {
    const { store, work } = open();
    work.add({ id: 'issue-1', description: 'Do it' }, 'overseer');
    work.assign('issue-1', 'alpha-one', { by: 'overseer' });
    expect(() => work.assign('issue-1', 'alpha-two', { by: 'overseer' })).toThrow(/alpha-one has it/);
    expect(work.assign('issue-1', 'alpha-one', { by: 'overseer' }).owner).toBe('alpha-one');
    store.close();
  });

  test('a change based on what is no longer true is refused', () => {
    const { store, work } = open();
    const seen = work.add({ id: 'issue-1', description: 'Do it' }, 'overseer');
    work.assign('issue-1', 'alpha-one', { by: 'overseer' });
    expect(() => work.move(seen, 'cancelled', { by: 'overseer' })).toThrow(/changed by somebody else/);
    expect(work.get('issue-1').state).toBe('assigned');
    store.close();
  });

  test('a second report says when and how the first one was made', () => {
    const { store, work } = open();
    work.add({ id: 'issue-1', description: 'Do it' }, 'overseer');
    work.assign('issue-1', 'alpha-one', { by: 'overseer' });
    work.finish('issue-1', 'completed', { by: 'alpha-one', note: 'all green' });
    expect(() => work.finish('issue-1', 'failed', { by: 'alpha-one' })).toThrow(/done already.*alpha-one.*all green/);
    expect(store.work.history('issue-1').map(({ state }) => state)).toEqual(['open', 'assigned', 'done']);
    store.close();
  });

  test('bad ids, empty descriptions and taken ids are refused with the reason', () => {
    const { store, work } = open();
    work.add({ id: 'issue-1', description: 'Do it' }, 'overseer');
    expect(() => work.add({ id: 'issue-1', description: 'Again' }, 'overseer')).toThrow(/already/);
    expect(() => work.add({ id: '../x', description: 'Path' }, 'overseer')).toThrow(/letters, digits/);
    expect(() => work.add({ description: '  ' }, 'overseer')).toThrow(/description/);
    expect(() => work.get('issue-2')).toThrow(/issue-1/);
    store.close();
  });
});
