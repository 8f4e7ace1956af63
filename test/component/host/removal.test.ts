import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { installPlugin, stubConfigDirs } from '../../../shared/backends/opencode/config-dirs.ts';
import { createWorktree } from '../../../shared/platform/git/worktree.ts';
import { silentLogger } from '../../../shared/platform/logger.ts';
import { HostLock } from '../../../shared/host/host-lock.ts';
import { slingUnit } from '../../../shared/orchestration/sling-unit.ts';
import { lookAtRemoval, removeOutside } from '../../../shared/host/removal.ts';
import { emptyRuntime, removeLock } from '../../../shared/host/runtime-folder.ts';
import { makeFakeTown } from '../../support/fake-town.ts';
import type { FakeTown } from '../../support/fake-town.ts';
import { makeRepository, temporaryFolder } from '../../support/core.ts';

let town: FakeTown;
let home: ReturnType<typeof temporaryFolder>;
let environment: Record<string, string>;

beforeEach(async () => {
  town = await makeFakeTown({ stalled: 'leave' });
  home = temporaryFolder('home');
  environment = { HOME: home.path };
});
afterEach(() => {
  town.close();
  home.remove();
});

const git = (cwd: string, ...args: string[]): string =>
  execFileSync('git', args, { cwd, encoding: 'utf8', stdio: 'pipe' });
const worktreeOf = (name: string): string => join(town.paths.worktrees, 'alpha', name);
const branches = (): string[] => git(town.rig, 'branch', '--format=%(refname:short)').trim().split('\n');
const registered = (): string[] =>
  git(town.rig, 'worktree', 'list')
    .trim()
    .split('\n')
    .map((line) => line.split(' ')[0]!);
const look = () => lookAtRemoval(town, environment);
const remove = () => removeOutside(town, environment);
const paths = (items: readonly { path: string }[]): string[] => items.map(({ path }) => path);

/** The plugin as the build makes it, as far as it matters here. */
function bundledPlugin(): string {
  const file = join(home.path, 'bundle.js');
  writeFileSync(file, 'const key = Symbol.for("gastown.opencode");\n');
  return file;
}

async function makeWorktree(name: string): Promise<string> {
  const { path } = await createWorktree(town.rig, worktreeOf(name), `polecat/${name}/idle`);
  return path;
}

function commit(folder: string, file: string): void {
  writeFileSync(join(folder, file), file);
  git(folder, 'add', '.');
  git(folder, '-c', 'user.name=T', '-c', 'user.email=t@example.com', 'commit', '-q', '-m', file);
}

describe('worktrees', () => {
  test('one in which nothing is lost goes with its branch; commits that the main branch has, too, are not lost', async () => {
    const empty = await makeWorktree('empty');
    const merged = await makeWorktree('merged');
    commit(merged, 'merged.txt');
    git(town.rig, 'merge', '-q', 'polecat/merged/idle');
    const plan = await look();
    expect(paths(plan.goes)).toEqual([town.paths.runtime, empty, merged]);
    expect(existsSync(empty)).toBe(true);
    expect(await remove()).toEqual(plan);
    expect([existsSync(empty), existsSync(merged)]).toEqual([false, false]);
    expect(branches()).toEqual(['main']);
    expect(registered()).toEqual([town.rig]);
  });

  test('one with uncommitted files or commits that are nowhere else stays as it is, with the reason', async () => {
    const dirty = await makeWorktree('dirty');
    for (const name of ['a', 'b', 'c', 'd']) writeFileSync(join(dirty, name), '');
    const ahead = await makeWorktree('ahead');
    commit(ahead, 'new.txt');
    const detached = await makeWorktree('detached');
    git(detached, 'switch', '-q', '--detach');
    commit(detached, 'lost.txt');
    const kept = [
      { path: ahead, what: '1 commit that is nowhere else' },
      { path: detached, what: '1 commit that is nowhere else' },
      { path: dirty, what: 'uncommitted: a, b, c, …' },
    ];
    expect((await look()).stays.slice(0, 3)).toEqual(kept);
    expect((await remove()).stays.slice(0, 3)).toEqual(kept);
    expect([
      existsSync(join(dirty, 'd')),
      existsSync(join(ahead, 'new.txt')),
      existsSync(join(detached, 'lost.txt')),
    ]).toEqual([true, true, true]);
    expect(branches().filter((name) => name.startsWith('polecat/'))).toEqual([
      'polecat/ahead/idle',
      'polecat/detached/idle',
      'polecat/dirty/idle',
    ]);
    // Once more, as after a crash: nothing more goes.
    expect((await remove()).stays.slice(0, 3)).toEqual(kept);
  });

  test('of two with the same commits one stays, also when both sessions end at once', async () => {
    const first = await makeWorktree('first');
    commit(first, 'both.txt');
    const second = await makeWorktree('second');
    git(second, 'reset', '-q', '--hard', 'polecat/first/idle');
    const place = (name: string) => ({ repository: town.rig, path: worktreeOf(name), branch: `polecat/${name}/idle` });
    const each = ['first', 'second'].map((name) =>
      town.worktrees.over(place(name), { session: `alpha-${name}`, rig: 'alpha' }),
    );
    const [firsts, seconds] = await Promise.all(each);
    // Whichever comes first goes.
    expect([firsts, seconds].filter((stays) => stays === '1 commit that is nowhere else')).toHaveLength(1);
    const stayed = firsts === undefined ? second : first;
    expect([existsSync(first), existsSync(second)].filter(Boolean)).toHaveLength(1);
    expect(existsSync(join(stayed, 'both.txt'))).toBe(true);
    expect((await remove()).stays[0]).toEqual({ path: stayed, what: '1 commit that is nowhere else' });
  });

  test('a branch that is not the polecat’s own stays, and so does the polecat’s where it is not checked out', async () => {
    const folder = await makeWorktree('strayed');
    commit(folder, 'mine.txt');
    git(folder, 'switch', '-q', '-c', 'persons', 'main');
    expect(paths((await remove()).goes)).toContain(folder);
    expect(existsSync(folder)).toBe(false);
    expect(branches()).toEqual(['main', 'persons', 'polecat/strayed/idle']);
  });

  test('a locked one, and what git does not know, is not touched', async () => {
    const locked = await makeWorktree('locked');
    git(town.rig, 'worktree', 'lock', locked);
    const foreign = worktreeOf('foreign');
    mkdirSync(foreign);
    writeFileSync(join(foreign, 'notes.txt'), 'notes');
    const { stays } = await remove();
    expect(stays.slice(0, 2)).toEqual([
      { path: foreign, what: 'git does not know it as a worktree' },
      { path: locked, what: expect.stringMatching(/locked/) },
    ]);
    expect(readFileSync(join(foreign, 'notes.txt'), 'utf8')).toBe('notes');
  });

  test('a town inside a repository of its own: that repository’s folder is no worktree', async () => {
    makeRepository(town.root);
    mkdirSync(worktreeOf('plain'), { recursive: true });
    expect((await look()).stays[0]).toEqual({ path: worktreeOf('plain'), what: 'git does not know it as a worktree' });
  });

  test('of those that are gone only the town’s own are taken off git’s record', async () => {
    rmSync(await makeWorktree('gone'), { recursive: true });
    const persons = join(dirname(town.rig), 'persons');
    git(town.rig, 'worktree', 'add', '-q', '-b', 'persons', persons);
    rmSync(persons, { recursive: true });
    await remove();
    expect(registered()).toEqual([town.rig, persons]);
    expect(branches()).toContain('polecat/gone/idle');
  });

  test('of a rig that the town does not know any more are found, too', async () => {
    const other = makeRepository(join(dirname(town.rig), 'beta'));
    const { path } = await createWorktree(other, join(town.paths.worktrees, 'beta', 'nux'), 'polecat/nux/idle');
    await remove();
    expect(existsSync(path)).toBe(false);
  });
});

describe('sessions', () => {
  test('are ended, workers before those who give work out, and what they had not finished stays', async () => {
    const { session } = await slingUnit(
      town,
      { work: 'issue-1', rig: 'alpha', name: 'toast', message: 'Do it' },
      'overseer',
      new AbortController().signal,
    );
    const mayor = { role: 'mayor' as const, rig: '', agentName: '', workDir: town.root, metadata: {} };
    const id = await town.orchestrators.get('opencode')!.spawnSession(mayor);
    writeFileSync(join(worktreeOf('toast'), 'half.txt'), 'half');
    expect((await look()).sessions).toEqual([session.id, id]);
    expect(town.driver.stopped).toEqual([]);
    const removal = await remove();
    expect(removal.sessions).toEqual([session.id, id]);
    expect(removal.stays[0]).toEqual({ path: worktreeOf('toast'), what: 'uncommitted: half.txt' });
    expect(town.driver.stopped).toEqual([session.runId, town.registry.get(id).runId]);
    expect(town.registry.list().map(({ state }) => state)).toEqual(['stopped', 'stopped']);
  });

  test('one that cannot be ended: the rest of the town is left as it was', async () => {
    await slingUnit(
      town,
      { work: 'issue-1', rig: 'alpha', name: 'toast', message: 'Do it' },
      'overseer',
      new AbortController().signal,
    );
    const other = await makeWorktree('other');
    town.driver.onStop = () => Promise.reject(new Error('it hangs'));
    await expect(remove()).rejects.toThrow('it hangs');
    expect([existsSync(worktreeOf('toast')), existsSync(other)]).toEqual([true, true]);
  });
});

describe('what is outside of .runtime', () => {
  const hooks = { dir: '.opencode/plugins', settingsFile: 'gastown.js' };

  async function withHooks(): Promise<string> {
    const agents = {
      'opencode-glm': { provider: 'opencode', hooks: { dir: hooks.dir, settings_file: hooks.settingsFile } },
    };
    await town.settings.update({ agents });
    return installPlugin(bundledPlugin(), town.rig, hooks);
  }

  test('the plugin goes from where hooks had it installed, with the folders that were made for it and the line that hides it', async () => {
    const exclude = join(town.rig, '.git', 'info', 'exclude');
    writeFileSync(exclude, '# mine\n*.log\n');
    const file = await withHooks();
    expect((await look()).goes).toContainEqual({ path: file, what: 'the Opencode plugin' });
    await remove();
    expect(existsSync(join(town.rig, '.opencode'))).toBe(false);
    expect(readFileSync(exclude, 'utf8')).toBe('# mine\n*.log\n');
    expect(git(town.rig, 'status', '--porcelain')).toBe('');
  });

  test('a file of that name which is not ours, or which the person has committed, stays', async () => {
    const file = await withHooks();
    writeFileSync(file, 'export const Mine = async () => ({});\n');
    expect(paths((await remove()).goes)).not.toContain(file);
    expect(existsSync(file)).toBe(true);
    rmSync(file);
    await installPlugin(bundledPlugin(), town.rig, hooks);
    git(town.rig, 'add', '-f', file);
    expect(paths((await remove()).goes)).not.toContain(file);
    expect(existsSync(file)).toBe(true);
  });

  test('the stub goes where nobody has touched it; that of the person’s own configuration is shared and stays', async () => {
    const folder = join(town.rig, '.opencode');
    mkdirSync(join(folder, 'agent'), { recursive: true });
    writeFileSync(join(folder, 'agent', 'mine.md'), 'mine');
    await stubConfigDirs(environment, town.rig, silentLogger);
    const plan = await look();
    expect(plan.goes).toContainEqual({ path: folder, what: 'a stub for Opencode' });
    expect(plan.stays).toContainEqual({
      path: join(home.path, '.config', 'opencode'),
      what: expect.stringContaining('all your towns'),
    });
    await remove();
    expect(readdirSync(folder)).toEqual(['agent']);
    expect(git(town.rig, 'status', '--porcelain')).toBe('?? .opencode/\n');
    await stubConfigDirs(environment, town.rig, silentLogger);
    mkdirSync(join(folder, 'node_modules', 'theirs'));
    expect(paths((await remove()).goes)).not.toContain(folder);
    expect(existsSync(join(folder, 'node_modules', 'theirs'))).toBe(true);
  });

  test('settings, directives and repositories stay, and are named', async () => {
    mkdirSync(town.paths.directives);
    mkdirSync(join(town.rig, 'settings'));
    writeFileSync(join(town.rig, 'settings', 'config.json'), '{ "type": "rig-settings", "version": 1 }');
    const { stays } = await remove();
    expect(paths(stays)).toEqual([town.settings.file, town.paths.directives, town.rig]);
    expect(stays.every(({ path }) => existsSync(path))).toBe(true);
    expect(existsSync(join(town.rig, 'settings', 'config.json'))).toBe(true);
  });
});

describe('.runtime', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  beforeEach(() => {
    folder = temporaryFolder('runtime');
  });
  afterEach(() => folder.remove());

  function fill(): FakeTown['paths'] {
    const runtime = join(folder.path, '.runtime');
    const at = (name: string): string => join(runtime, name);
    mkdirSync(at('worktrees/alpha/empty'), { recursive: true });
    mkdirSync(at('opencode/server-1'), { recursive: true });
    for (const name of ['.gitignore', 'town.db', 'town.db-wal', 'host.json', 'opencode/server-1/opencode.db'])
      writeFileSync(at(name), '');
    return {
      ...town.paths,
      runtime,
      worktrees: join(folder.path, 'data/gastown/worktrees/town'),
      formerWorktrees: at('worktrees'),
      hostLock: at('host.lock'),
      database: at('town.db'),
    };
  }

  test('goes, the lock last', async () => {
    const at = fill();
    rmSync(join(at.formerWorktrees, 'alpha', 'empty'), { recursive: true });
    const lock = HostLock.tryAcquire(at.hostLock)!;
    expect(await emptyRuntime(at)).toEqual([]);
    expect(readdirSync(at.runtime).filter((name) => !name.startsWith('host.lock'))).toEqual(['.gitignore']);
    lock.release();
    await removeLock(at);
    expect(existsSync(at.runtime)).toBe(false);
    // What a host that dies in between would leave is removed the same way.
    await removeLock(at);
  });

  test('stays with what is in a worktree, hidden from git as before', async () => {
    const at = fill();
    const file = join(at.formerWorktrees, 'alpha', 'empty', 'half.txt');
    writeFileSync(file, 'half');
    await emptyRuntime(at);
    await removeLock(at);
    expect(readdirSync(at.runtime).sort()).toEqual(['.gitignore', 'worktrees']);
    expect(readFileSync(file, 'utf8')).toBe('half');
  });

  test('the place of the worktrees goes where it is empty, with what all towns share where this was the last', async () => {
    const at = fill();
    const other = join(folder.path, 'data/gastown/worktrees/other');
    mkdirSync(join(at.worktrees, 'alpha'), { recursive: true });
    mkdirSync(other);
    await emptyRuntime(at);
    expect(readdirSync(join(folder.path, 'data/gastown/worktrees'))).toEqual(['other']);
    rmdirSync(other);
    await emptyRuntime(at);
    expect(readdirSync(join(folder.path, 'data'))).toEqual([]);
  });

  test('a link in it is removed, not what it leads to', async () => {
    const at = fill();
    const precious = join(folder.path, 'precious');
    mkdirSync(precious);
    writeFileSync(join(precious, 'file'), '');
    symlinkSync(precious, join(at.runtime, 'link'));
    await emptyRuntime(at);
    expect(existsSync(join(at.runtime, 'link'))).toBe(false);
    expect(existsSync(join(precious, 'file'))).toBe(true);
  });
});
