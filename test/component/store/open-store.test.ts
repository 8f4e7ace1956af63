import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { openStore } from '../../../shared/store/open-store.ts';
import { Store } from '../../../shared/store/store.ts';
import type { TownHost } from '../../../shared/host/host.ts';
import { worktreesFolder } from '../../../shared/platform/git/worktree-places.ts';
import { joinTown } from '../../../shared/host/membership.ts';
import { makeBareTown } from '../../support/bare-host.ts';
import type { BareTown } from '../../support/bare-host.ts';
import { patience } from '../../support/patience.ts';
import { makeNewer } from '../../support/questions.ts';

let town: BareTown;
let host: TownHost | undefined;

beforeEach(async () => {
  town = await makeBareTown();
});
afterEach(async () => {
  await host?.dispose();
  host = undefined;
  town.remove();
});

const units = (): string[] => host!.snapshot.work.map(({ id }) => id).sort();
const problems = (): string => host!.snapshot.problems.map(({ message }) => message).join('\n');
const aside = (): string[] =>
  readdirSync(town.paths.runtime).filter((name) => /^town\.db\.damaged-[0-9TZ-]+$/.test(name));
const add = (id: string) => host!.api.request('work.add', { id, description: `Do ${id}` });

/** A town that was used, and closed in order: there is a copy of it. */
async function used(): Promise<void> {
  host = await town.host();
  await add('issue-1');
  await host.dispose();
  expect(existsSync(town.paths.databaseCopy)).toBe(true);
}

describe('a database that is', () => {
  test.each<[string, (file: string) => void, RegExp, number]>([
    ['gone', (file) => rmSync(file), /town\.db was gone\. It was restored from the copy of 20/, 0],
    ['empty', (file) => truncateSync(file), /town\.db was empty\. It was restored/, 1],
    [
      'garbage',
      (file) => writeFileSync(file, 'garbage'.repeat(1000)),
      /town\.db was damaged \(file is not a database\)\. It was restored .* is kept as .*town\.db\.damaged-/,
      1,
    ],
    ['cut off', (file) => truncateSync(file, 8192), /town\.db was damaged \(.+\)\. It was restored/, 1],
    ['damaged inside', (file) => damageInside(file), /town\.db was damaged \(.+\)\. It was restored/, 1],
  ])('%s is restored from its copy, told, and kept', async (_what, harm, message, kept) => {
    await used();
    harm(town.paths.database);
    host = await town.host();
    expect(problems()).toMatch(message);
    expect(units()).toEqual(['issue-1']);
    expect(aside()).toHaveLength(kept);
    await add('issue-2');
    await host.dispose();
    host = await town.host();
    expect([units(), problems()]).toEqual([['issue-1', 'issue-2'], '']);
  });

  test('gone with all of .runtime, in a town that was used, is said: it never begins anew without a word', async () => {
    await used();
    rmSync(town.paths.runtime, { recursive: true });
    const stray = join(worktreesFolder(town.root, town.options.environment), 'alpha', 'toast');
    mkdirSync(stray, { recursive: true });
    host = await town.host();
    expect(problems()).toMatch(
      /town\.db was gone, and there is no copy of it: sessions, work and messages of before are not known any more\./,
    );
    expect(problems()).toContain(`Worktrees that it does not know, each as it was left: ${stray}`);
    expect(units()).toEqual([]);
  });

  test('gone for a window that had joined is not a removed town, where there is a copy', async () => {
    host = await town.host();
    await add('issue-1');
    const second = await joinTown(town.options);
    await host.dispose();
    await vi.waitFor(() => expect(second.role).toBe('host'), { timeout: patience() });
    await second.dispose();
    rmSync(town.paths.database);
    host = await town.host();
    expect(units()).toEqual(['issue-1']);
  });
});

test('a database too large to be read through at every start is so after one that met damage, and only then', () => {
  const file = join(town.root, 'large.db');
  const copy = `${file}.copy`;
  const open = () =>
    openStore({ file, copy, wasUsed: () => true, crashed: false, now: Date.now, report: () => undefined });
  const size = 70 * 1024 * 1024;
  const large = (store: Store): number => store.remember('large', () => 'x'.repeat(size)).length;
  const first = new Store(file);
  large(first);
  first.saveTo(copy);
  first.close();
  const harm = openSync(file, 'r+');
  writeSync(harm, Buffer.alloc(8192, 0x5a), 0, 8192, size / 2);
  closeSync(harm);
  const second = open();
  expect(second.finding).toBeUndefined();
  expect(() => large(second.store)).toThrow(/cannot be read: database disk image is malformed.*reload the window/);
  second.store.close();
  const third = open();
  expect(third.finding).toMatch(/large\.db was damaged \(.+\)\. It was restored from the copy/);
  expect(large(third.store)).toBe(size);
  third.store.close();
  expect(existsSync(`${file}.suspect`)).toBe(false);
});

describe('a log that is', () => {
  test('there after a crash is taken in, and nothing is said', async () => {
    host = await town.host();
    await add('issue-1');
    const left = ['', '-wal'].map(
      (part) => [town.paths.database + part, readFileSync(town.paths.database + part)] as const,
    );
    await host.dispose();
    rmSync(town.paths.databaseCopy);
    for (const [path, content] of left) writeFileSync(path, content);
    writeFileSync(town.paths.hostFile, '{}', { mode: 0o600 });
    host = await town.host();
    expect([units(), problems()]).toEqual([['issue-1'], '']);
  });

  test('gone after a crash is told', async () => {
    await used();
    writeFileSync(town.paths.hostFile, '{}', { mode: 0o600 });
    host = await town.host();
    expect(problems()).toContain('town.db-wal is gone, although the last window did not close the town in order');
    expect(units()).toEqual(['issue-1']);
  });

  test('gone with what its copy has is made up for by the copy', async () => {
    host = await town.host();
    const before = `${town.paths.runtime}/before`;
    await host.dispose();
    writeFileSync(before, readFileSync(town.paths.database));
    host = await town.host();
    // What was in the log only when it was deleted: the copy took it in.
    await add('issue-1');
    await host.dispose();
    writeFileSync(town.paths.database, readFileSync(before));
    host = await town.host();
    expect(problems()).toMatch(/town\.db had less in it than its copy\. It was restored/);
    expect(units()).toEqual(['issue-1']);
  });
});

test('a new town says nothing, and a newer one is not taken for a damaged one', async () => {
  host = await town.host();
  expect(problems()).toBe('');
  await host.dispose();
  host = undefined;
  makeNewer(town.paths.database);
  await expect(town.host()).rejects.toThrow(/newer Gas Town/);
  expect(aside()).toEqual([]);
});

/** Every page but the first is written over. */
function damageInside(file: string): void {
  const content = readFileSync(file);
  content.fill(0x5a, 4096 + 100);
  writeFileSync(file, content);
}
