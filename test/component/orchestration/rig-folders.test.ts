import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { backends } from '../../../shared/host/backends.ts';
import { createTown } from '../../../shared/config/create-town.ts';
import { silentLogger } from '../../../shared/platform/logger.ts';
import { Rigs } from '../../../shared/orchestration/rigs.ts';
import { makeFakeTown } from '../../support/fake-town.ts';
import type { FakeTown } from '../../support/fake-town.ts';
import { makeRepository } from '../../support/core.ts';

let town: FakeTown;

beforeEach(async () => {
  town = await makeFakeTown();
});
afterEach(() => {
  vi.unstubAllEnvs();
  town.close();
});

const folder = (name: string): string => join(town.root, '..', name);
const git = (cwd: string, ...args: string[]): string => execFileSync('git', args, { cwd, encoding: 'utf8' }).trim();
const add = (source: string, name: string, extent?: 'folder' | 'repository') =>
  town.request('rig.add', { source, name, ...(extent === undefined ? {} : { extent }) });
const stored = (): string[] => town.store.rigs().map(({ name }) => name);

/** A repository with two packages. */
function monorepo(): string {
  const path = makeRepository(folder('mono'));
  for (const name of ['web', 'api']) {
    mkdirSync(join(path, 'packages', name), { recursive: true });
    writeFileSync(join(path, 'packages', name, 'index.js'), '');
  }
  git(path, 'add', '-A');
  git(path, 'commit', '-q', '-m', 'Packages');
  return path;
}

describe('a folder inside of a repository', () => {
  test('C2: is not taken for the repository: nothing is stored before somebody has said what is meant', async () => {
    const mono = monorepo();
    await expect(add(join(mono, 'packages', 'web'), 'web')).rejects.toMatchObject({
      code: 'inside-repository',
      message: expect.stringContaining(`the folder packages/web of ${mono}`),
    });
    expect(stored()).toEqual(['alpha']);
    expect(await add(join(mono, 'packages', 'web'), 'whole', 'repository')).toEqual({
      name: 'whole',
      path: mono,
      defaultBranch: 'main',
    });
  });

  test('two packages of one repository are two rigs, beside the whole; the next host knows them', async () => {
    const mono = monorepo();
    for (const name of ['web', 'api']) await add(join(mono, 'packages', name), name, 'folder');
    await add(mono, 'mono');
    await expect(add(join(mono, 'packages', 'web'), 'again', 'folder')).rejects.toMatchObject({ code: 'name-taken' });
    const rigs = new Rigs({ store: town.store, townRoot: town.root, now: () => 0, log: silentLogger });
    await rigs.load();
    expect(rigs.views().filter(({ name }) => name !== 'alpha')).toEqual([
      { name: 'api', path: join(mono, 'packages', 'api'), repository: mono, defaultBranch: 'main' },
      { name: 'mono', path: mono, defaultBranch: 'main' },
      { name: 'web', path: join(mono, 'packages', 'web'), repository: mono, defaultBranch: 'main' },
    ]);
    rigs.dispose();
  });

  test('its workers work in that folder of a worktree of their own, which goes and is handed over as a whole', async () => {
    const mono = monorepo();
    await add(join(mono, 'packages', 'web'), 'web', 'folder');
    const tree = join(town.paths.worktrees, 'web', 'toast');
    const { session } = await town.request('sling', { work: 'w-1', rig: 'web', name: 'toast', message: 'Mend it' });
    expect(session.workDir).toBe(join(tree, 'packages', 'web'));
    expect(existsSync(join(tree, 'packages', 'api', 'index.js'))).toBe(true);
    const handed = await town.request('work.handoff', { from: session.id, to: 'nux', context: 'Half.' });
    expect(handed.session.workDir).toBe(session.workDir);
    git(session.workDir, 'commit', '-q', '--allow-empty', '-m', 'Mended');
    git(mono, 'merge', '-q', 'polecat/toast/w-1');
    expect(await town.request('work.done', {}, 'web-nux')).toMatchObject({
      result: { branch: 'polecat/toast/w-1', commits: 1 },
    });
    await town.request('session.stop', { session: 'web-nux' });
    expect(existsSync(tree)).toBe(false);
    expect(git(mono, 'worktree', 'list')).not.toContain('toast');
    expect((await town.request('session.spawn', { role: 'crew', rig: 'web', name: 'amy' })).workDir).toBe(
      join(town.paths.worktrees, 'web', 'crew-amy', 'packages', 'web'),
    );
    expect((await town.request('session.spawn', { role: 'witness', rig: 'web' })).workDir).toBe(
      join(mono, 'packages', 'web'),
    );
    expect((await town.request('session.spawn', { role: 'polecat', rig: 'web', name: 'slit' })).workDir).toBe(
      join(town.paths.worktrees, 'web', 'slit', 'packages', 'web'),
    );
  });

  test('that no commit has is refused: a worktree would be without it', async () => {
    const mono = monorepo();
    mkdirSync(join(mono, 'packages', 'new'));
    await expect(add(join(mono, 'packages', 'new'), 'new', 'folder')).rejects.toThrow(
      /No commit of .* has the folder packages\/new/,
    );
    expect(stored()).toEqual(['alpha']);
  });

  test('the container of a Gas Town rig, in a town that is under git, leads to its mayor/rig', async () => {
    const container = join(makeRepository(folder('gastown')), 'shop');
    const checkout = makeRepository(join(container, 'mayor', 'rig'));
    expect(await add(container, 'shop')).toMatchObject({ name: 'shop', path: checkout });
    // Also where there is no repository around it.
    const other = makeRepository(join(folder('plain'), 'store', 'mayor', 'rig'));
    expect(await add(join(folder('plain'), 'store'), 'store')).toMatchObject({ path: other });
  });
});

describe('C7: a question that git cannot answer is not the answer "no" [holds 5]', () => {
  test('a repository of another user: git says what is wrong, and what to do', async () => {
    const other = makeRepository(folder('others'));
    vi.stubEnv('GIT_CONFIG_GLOBAL', '/dev/null');
    vi.stubEnv('GIT_TEST_ASSUME_DIFFERENT_OWNER', '1');
    await expect(add(other, 'others')).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringMatching(/^(?![^]*git init)[^]*detected dubious ownership/),
    });
  });

  test('one whose configuration is broken', async () => {
    const broken = makeRepository(folder('broken'));
    appendFileSync(join(broken, '.git', 'config'), '[core\n');
    await expect(add(broken, 'broken')).rejects.toThrow(/bad config line/);
  });

  test('a rig that becomes so says it, and a folder without any repository is still told to make one', async () => {
    appendFileSync(join(town.rig, '.git', 'config'), '[core\n');
    const rigs = new Rigs({ store: town.store, townRoot: town.root, now: () => 0, log: silentLogger });
    await rigs.load();
    expect(rigs.views()[0]?.problem).toMatch(/bad config line/);
    rigs.dispose();
    mkdirSync(folder('empty'));
    await expect(add(folder('empty'), 'empty')).rejects.toMatchObject({
      code: 'not-a-repository',
      message: expect.stringContaining('git init'),
    });
  });
});

describe('D20: a town that is its own rig', () => {
  test("just works: with the town's settings, and nothing to complain about", async () => {
    makeRepository(town.root);
    expect(await add(town.root, 'own')).toEqual({ name: 'own', path: town.root, defaultBranch: 'main' });
    expect(town.rigs.problems()).toEqual([]);
    const { session } = await town.request('sling', { work: 'w-1', rig: 'own', name: 'toast', message: 'Mend it' });
    expect(session.workDir).toBe(join(town.paths.worktrees, 'own', 'toast'));
    expect(existsSync(join(session.workDir, 'settings', 'config.json'))).toBe(true);
  });

  test('also where the town is a folder of a repository', async () => {
    makeRepository(folder('.'));
    expect(await add(town.root, 'own', 'folder')).toMatchObject({ path: town.root, defaultBranch: 'main' });
    expect(town.rigs.problems()).toEqual([]);
  });

  test('nor does the settings file of a rig that is another town disturb this one', async () => {
    const other = makeRepository(folder('other-town'));
    await createTown(other, backends);
    await add(other, 'other');
    expect(town.rigs.problems()).toEqual([]);
  });
});

describe('workers without work in two rigs of one repository', () => {
  let mono: string;
  beforeEach(async () => {
    mono = monorepo();
    for (const name of ['web', 'api']) await add(join(mono, 'packages', name), name, 'folder');
  });
  const spawn = (rig: string, name?: string) =>
    town.request('session.spawn', { role: 'polecat', rig, ...(name === undefined ? {} : { name }) });
  const branchOf = (rig: string, name: string): string =>
    git(join(town.paths.worktrees, rig, name), 'branch', '--show-current');

  test("get names that are free in both, and may have one name by the user's word", async () => {
    const first = await spawn('web');
    expect((await spawn('api')).agentName).not.toBe(first.agentName);
    for (const rig of ['web', 'api']) await spawn(rig, 'toast');
    expect([branchOf('web', 'toast'), branchOf('api', 'toast')]).toEqual([
      'polecat/toast/idle',
      'polecat/toast/idle-2',
    ]);
  });

  test('do not begin with what an earlier worker of the name has committed', async () => {
    const worktree = join(town.paths.worktrees, 'web', 'toast');
    await spawn('web', 'toast');
    git(worktree, 'commit', '-q', '--allow-empty', '-m', 'Not asked for');
    await town.request('session.stop', { session: 'web-toast' });
    git(mono, 'worktree', 'remove', '--force', worktree);
    expect(git(mono, 'branch', '--list', 'polecat/toast/idle')).not.toBe('');
    await spawn('web', 'toast');
    expect([branchOf('web', 'toast'), git(worktree, 'rev-parse', 'HEAD')]).toEqual([
      'polecat/toast/idle-2',
      git(mono, 'rev-parse', 'HEAD'),
    ]);
  });
});
