import { execFileSync } from 'node:child_process';
import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { makeRepository } from '../../support/core.ts';
import { makeFakeTown } from '../../support/fake-town.ts';
import type { FakeTown } from '../../support/fake-town.ts';
import { patience } from '../../support/patience.ts';

let town: FakeTown;
let app: string;
let rig: string;
const git = (cwd: string, ...args: string[]): string =>
  execFileSync('git', args, { cwd, encoding: 'utf8', stdio: 'pipe' }).trim();
const source = (name: string): string => join(dirname(town.rig), 'sources', name);
const sling = async (name: string): Promise<string> =>
  (await town.request('sling', { work: `of-${name}`, rig: 'beta', name, message: 'Mend it' })).session.workDir;
const has = (place: string, name: string): boolean => existsSync(join(place, name, 'README.md'));
const history = async (name: string): Promise<string> =>
  JSON.stringify(await town.request('work.show', { id: `of-${name}` }));

/** Upstream adds one, and the rig's checkout follows without it, as a plain `git pull` does. */
function add(name: string): void {
  git(app, 'submodule', '--quiet', 'add', pathToFileURL(makeRepository(source(name))).href, name);
  git(app, 'commit', '-q', '-m', name);
  if (rig !== undefined) git(rig, 'pull', '-q', '--no-recurse-submodules');
}

/** A rig by URL, with one submodule. */
beforeEach(async () => {
  town = await makeFakeTown();
  const config = join(dirname(town.rig), 'gitconfig');
  writeFileSync(config, '[protocol "file"]\n\tallow = always\n[user]\n\tname = T\n\temail = t@example.com\n');
  vi.stubEnv('GIT_CONFIG_GLOBAL', config);
  app = makeRepository(source('app'));
  rig = undefined as never;
  add('lib');
  rig = (await town.rigs.add(pathToFileURL(app).href, 'beta')).path;
});
afterEach(() => {
  vi.unstubAllEnvs();
  town.close();
});

test('the submodules of a rig by URL are in its worktrees, keep none, and come back with one', async () => {
  renameSync(source('lib'), source('away'));
  const place = await sling('toast');
  expect([has(rig, 'lib'), has(place, 'lib'), git(place, 'status', '--porcelain')]).toEqual([true, true, '']);
  await town.request('session.stop', { session: 'beta-toast' });
  await vi.waitUntil(() => !existsSync(place), { timeout: patience() });
  await vi.waitUntil(async () => (await town.request('worktree.list', {})).worktrees[0]?.state === 'removed', {
    timeout: patience(),
  });
  await town.request('worktree.restore', { worktree: 'beta-toast' });
  expect(has(place, 'lib')).toBe(true);
});

test('one that upstream has added since is there, too, and where it cannot be had that is told', async () => {
  add('more');
  expect(has(rig, 'more')).toBe(false);
  expect(has(await sling('toast'), 'more')).toBe(true);
  renameSync(source('more'), source('away'));
  const place = await sling('nux');
  expect([has(place, 'lib'), has(place, 'more')]).toEqual([true, false]);
  expect(await history('nux')).toMatch(/the submodule more could not be had: /);
});

test('one that was taken away in the rig’s checkout is left alone', async () => {
  git(rig, 'submodule', '--quiet', 'deinit', '-f', 'lib');
  expect(has(await sling('toast'), 'lib')).toBe(false);
  expect(await history('toast')).not.toContain('could not be had');
});

test('a worktree comes back also where the commit of a submodule is nowhere any more', async () => {
  const place = await sling('toast');
  git(place, 'update-index', '--cacheinfo', `160000,${'1'.repeat(40)},lib`);
  git(place, 'commit', '-q', '-m', 'A commit that was never pushed');
  git(rig, 'merge', '-q', 'polecat/toast/of-toast');
  git(place, 'submodule', '--quiet', 'deinit', '-f', 'lib');
  writeFileSync(join(place, 'half.txt'), 'half');
  await town.request('session.stop', { session: 'beta-toast' });
  await vi.waitUntil(async () => (await town.request('worktree.list', {})).worktrees[0]?.state === 'kept', {
    timeout: patience(),
  });
  await town.request('worktree.remove', { worktree: 'beta-toast' });
  expect(existsSync(place)).toBe(false);
  const { reason } = await town.request('worktree.restore', { worktree: 'beta-toast' });
  expect(reason).toMatch(/uncommitted: half\.txt; the submodule lib could not be had: /);
  expect(existsSync(join(place, 'half.txt'))).toBe(true);
});
