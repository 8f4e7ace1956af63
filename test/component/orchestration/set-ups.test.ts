import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { settingsPath } from '../../../shared/config/settings-path.ts';
import type { RigSettings } from '../../../shared/config/rig-settings.ts';
import { lookAtRemoval } from '../../../shared/host/removal.ts';
import { settleAbandoned } from '../../../shared/orchestration/cleanup.ts';
import { slingUnit } from '../../../shared/orchestration/sling-unit.ts';
import { Stages } from '../../../shared/orchestration/stages.ts';
import { startedWith } from '../../../shared/platform/process-table.ts';
import { makeFakeTown } from '../../support/fake-town.ts';
import type { FakeTown } from '../../support/fake-town.ts';
import { patience } from '../../support/patience.ts';

let town: FakeTown;
beforeEach(async () => {
  town = await makeFakeTown();
  put('.gitignore', '.env\n*.local\nout/\n');
  git('add', '-A');
  git('commit', '-q', '-m', 'Ignore');
});
afterEach(() => town.close());

const git = (...args: string[]): string => execFileSync('git', args, { cwd: town.rig, encoding: 'utf8' }).trim();
function put(name: string, text: string): void {
  mkdirSync(dirname(join(town.rig, name)), { recursive: true });
  writeFileSync(join(town.rig, name), text);
}
/** The settings are there, and the user has agreed to what they bring. */
async function bring(settings: Omit<RigSettings, 'type'>, agreed = true): Promise<void> {
  put('.git/info/exclude', 'settings/\n');
  put(settingsPath('.'), JSON.stringify({ type: 'rig-settings', ...settings }));
  await expect.poll(() => town.rigs.get('alpha').settings).toEqual({ type: 'rig-settings', ...settings });
  if (!agreed) return;
  const { hash } = await town.request('rig.review', { rig: 'alpha' });
  await town.request('rig.trust', { rig: 'alpha', hash });
}
const tree = (name = 'toast'): string => join(town.paths.worktrees, 'alpha', name);
const sling = (more: { name?: string; setup?: boolean } = {}, work = 'issue-1') =>
  town.request('sling', { work, rig: 'alpha', name: 'toast', message: 'Mend it', ...more });
const stop = () => town.request('session.stop', { session: 'alpha-toast' });
const logOf = (kind: string): string => join(town.paths.runtime, 'logs', 'alpha', `toast.${kind}.log`);
const timeline = () => town.store.events('alpha-toast').map(({ type }) => type);
function nothingLeft(): void {
  expect(existsSync(tree())).toBe(false);
  expect(git('branch', '--format=%(refname:short)')).toBe('main');
  expect(git('worktree', 'list', '--porcelain')).not.toContain('toast');
  expect(town.store.ports.of(tree())).toBeUndefined();
  expect(town.registry.list()).toEqual([]);
}

describe.runIf(process.platform !== 'win32')('the set-up of a rig', () => {
  test('has run in the new worktree, in its environment, before the agent starts', async () => {
    vi.stubEnv('GT_TOKEN', 'secret');
    await bring({
      worktrees: {
        setup_command:
          'pwd > where.local; echo "$GT_PORT $GT_RIG $GT_WORKTREE $GT_CHECKOUT ${GT_TOKEN-none}" > env.local',
      },
    });
    let there: string[] = [];
    town.driver.onStart = async () => {
      there = ['where.local', 'env.local'].map((name) => readFileSync(join(tree(), name), 'utf8').trim());
    };
    await sling();
    const port = town.store.ports.of(tree());
    expect(there).toEqual([tree(), `${port} alpha ${tree()} ${town.rig} none`]);
    expect(timeline()).toContain('worktree.set-up');
    vi.unstubAllEnvs();
  });

  test('that fails, fails the sling with its last lines and its log, and leaves nothing', async () => {
    await bring({ worktrees: { setup_command: 'echo one; echo "no such package" >&2; exit 3' } });
    const error: unknown = await sling().catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: 'isolation-failed',
      message: expect.stringMatching(/setup_command\) failed with exit code 3.*no such package.*--no-setup/s) as string,
    });
    expect((error as Error).message).toContain(logOf('setup'));
    expect(readFileSync(logOf('setup'), 'utf8')).toContain('no such package');
    expect([town.work.get('issue-1').state, town.driver.started]).toEqual(['failed', []]);
    nothingLeft();
  });

  test('that hangs is ended with what it started, and shows as a stage until then', async () => {
    await bring({ worktrees: { setup_command: '(sleep 600 &); sleep 600', setup_timeout: '4s' } });
    const slinging = sling().catch((reason: unknown) => reason);
    await vi.waitFor(
      () =>
        expect(town.snapshot().work[0]).toMatchObject({
          state: 'assigned',
          stage: { text: 'runs the set-up of alpha' },
        }),
      { timeout: patience() },
    );
    expect(town.snapshot().starting).toMatchObject([{ session: 'alpha-toast', text: 'runs the set-up of alpha' }]);
    expect(await slinging).toMatchObject({ message: expect.stringContaining('did not end within 4 s') as string });
    expect(await startedWith('GT_WORKTREE', tree())).toEqual([]);
    expect(town.snapshot().work[0]).not.toHaveProperty('stage');
    expect(town.snapshot().starting).toEqual([]);
    nothingLeft();
  });

  test('is the last of the stages that are told: asking the remote, checking out, copying', async () => {
    const upstream = join(town.root, 'upstream.git');
    execFileSync('git', ['clone', '-q', '--bare', town.rig, upstream]);
    git('remote', 'add', 'origin', upstream);
    git('fetch', '-q', 'origin');
    git('branch', '-q', '--set-upstream-to=origin/main', 'main');
    put('.env', 'KEY=1');
    await bring({ worktrees: { fetch: true, include: ['.env'], setup_command: 'true' } });
    const told: string[] = [];
    const enter = vi.spyOn(Stages.prototype, 'enter').mockImplementation((session, text) => {
      told.push(`${session} ${text}`);
    });
    await sling();
    enter.mockRestore();
    expect(told).toEqual([
      'alpha-toast asks origin for main',
      'alpha-toast checks out polecat/toast/issue-1',
      'alpha-toast copies files that git ignores',
      'alpha-toast runs the set-up of alpha',
    ]);
  });

  test('of a sling that is cancelled is ended, and leaves nothing', async () => {
    await bring({ worktrees: { setup_command: 'sleep 600' } });
    const giveUp = new AbortController();
    const params = { work: 'issue-1', rig: 'alpha', name: 'toast', message: 'Mend it' };
    const slinging = expect(slingUnit(town, params, 'overseer', giveUp.signal)).rejects.toMatchObject({
      code: 'cancelled',
    });
    await vi.waitFor(async () => expect(await startedWith('GT_WORKTREE', tree())).not.toEqual([]), {
      timeout: patience(),
    });
    giveUp.abort();
    await slinging;
    expect(await startedWith('GT_WORKTREE', tree())).toEqual([]);
    nothingLeft();
  });

  test('of a host that has died is ended, and its worktree is gone, when the next one comes', async () => {
    town.work.add({ id: 'issue-1', type: 'issue', description: 'Mend it', rig: 'alpha' }, 'overseer');
    const branch = 'polecat/toast/issue-1';
    town.work.assign('issue-1', 'alpha-toast', { by: 'overseer' }, { branch, rig: 'alpha' });
    await town.worktrees.create(town.rig, tree(), branch, { session: 'alpha-toast', rig: 'alpha' });
    const left = spawn('sleep', ['600'], { env: { ...process.env, GT_WORKTREE: tree() }, detached: true });
    const ended = new Promise((resolve) => left.once('exit', resolve));
    await settleAbandoned(town);
    await ended;
    expect(town.work.get('issue-1').state).toBe('failed');
    nothingLeft();
  });

  test('is not run without the user’s agreement: nothing is made', async () => {
    await bring({ merge_queue: { setup_command: 'touch ran.local' } }, false);
    const spawn = () => town.request('session.spawn', { role: 'polecat', rig: 'alpha', name: 'toast' });
    for (const start of [() => sling(), spawn])
      await expect(start()).rejects.toMatchObject({
        code: 'consent-needed',
        message: expect.stringMatching(/merge_queue\.setup_command.*gt rig trust alpha/s) as string,
      });
    expect(town.work.find('issue-1')).toBeUndefined();
    nothingLeft();
    expect((await town.request('rig.review', { rig: 'alpha' })).items).toEqual([
      { subject: 'merge_queue.setup_command', content: 'touch ran.local', state: 'new' },
    ]);
  });

  test('and all else is left out by who slings so, also when the unit is queued again', async () => {
    put('.env', 'SECRET=1');
    await bring(
      { worktrees: { setup_command: 'touch ran.local', include: ['.env'], teardown_command: 'exit 1' } },
      false,
    );
    await sling({ setup: false });
    expect([existsSync(join(tree(), 'ran.local')), existsSync(join(tree(), '.env'))]).toEqual([false, false]);
    expect(town.work.get('issue-1').dispatch).toEqual({ bare: true });
    await stop();
    expect(existsSync(tree())).toBe(false);
    expect(timeline()).not.toContain('worktree.teardown-failed');
  });

  test('is run again where a host died over it, and not again in a worktree that is whole', async () => {
    await bring({ worktrees: { setup_command: `echo run >> ${join(town.root, 'runs')}` } });
    const runs = () => readFileSync(join(town.root, 'runs'), 'utf8').split('\n').length - 1;
    await sling();
    const admin = execFileSync('git', ['rev-parse', '--absolute-git-dir'], { cwd: tree(), encoding: 'utf8' }).trim();
    const again = () =>
      town.worktrees.create(town.rig, tree(), 'polecat/toast/issue-1', { session: 'alpha-toast', rig: 'alpha' });
    await again();
    expect(runs()).toBe(1);
    writeFileSync(join(admin, 'gastown-filling'), '');
    await again();
    expect(runs()).toBe(2);
  });
});

describe.runIf(process.platform !== 'win32')('a worktree that nobody has worked in', () => {
  test('goes with what came by patterns and what its set-up made, also when the user’s own has changed since', async () => {
    put('.env', 'SECRET=1');
    put('.worktreeinclude', '# local\n.env\n');
    await bring({ worktrees: { setup_command: 'mkdir out && echo built > out/app.js' } });
    await sling();
    expect(readFileSync(join(tree(), '.env'), 'utf8')).toBe('SECRET=1');
    put('.env', 'SECRET=2');
    await stop();
    nothingLeftOfTree();
  });

  test('stays where the worker has changed one of these files, or made another one', async () => {
    put('.env', 'SECRET=1');
    await bring({ worktrees: { setup_command: 'echo a > a.local; echo b > b.local', include: ['.env'] } });
    await sling();
    writeFileSync(join(tree(), 'b.local'), 'mine');
    writeFileSync(join(tree(), 'c.local'), 'mine');
    await stop();
    const reason = town.worktrees.list()[0]?.reason ?? '';
    expect(reason).toMatch(/b\.local/);
    expect(reason).toMatch(/c\.local/);
    expect(reason).not.toMatch(/a\.local|\.env/);
  });

  test('whose set-up changes files of git’s is said in the unit’s history', async () => {
    await bring({ worktrees: { setup_command: 'echo more >> README.md' } });
    await sling();
    const { history } = await town.request('work.show', { id: 'issue-1' });
    expect(history.map(({ note }) => note).join('\n')).toMatch(
      /set-up leaves changes that are not committed: README\.md/,
    );
  });

  const nothingLeftOfTree = (): void => expect(existsSync(tree())).toBe(false);
});

describe.runIf(process.platform !== 'win32')('the teardown of a rig', () => {
  const deeds = (): string => join(town.root, 'deeds');
  const teardown = (rest = '') => ({
    worktrees: { teardown_command: `echo "$GT_PORT $(ls README.md)" >> ${deeds()}${rest}` },
  });

  test('runs once in a worktree that goes, which has its port until then', async () => {
    await bring(teardown());
    await sling();
    const port = town.store.ports.of(tree());
    await stop();
    expect(readFileSync(deeds(), 'utf8')).toBe(`${port} README.md\n`);
    expect([existsSync(tree()), town.store.ports.of(tree())]).toEqual([false, undefined]);
    expect(timeline()).toContain('worktree.torn-down');
  });

  test('does not run where the worktree stays', async () => {
    await bring(teardown());
    await sling();
    writeFileSync(join(tree(), 'work.txt'), 'work');
    await stop();
    expect([existsSync(deeds()), existsSync(tree())]).toEqual([false, true]);
    expect(town.store.ports.of(tree())).toBeGreaterThan(0);
    await town.request('worktree.remove', { worktree: 'alpha-toast' });
    expect([existsSync(deeds()), existsSync(tree())]).toEqual([true, false]);
  });

  test('is named before the town is removed, with the worktrees in which it will run, and with its agreement only', async () => {
    await bring(teardown());
    await sling();
    await sling({ name: 'nux' }, 'issue-2');
    await sling({ name: 'bare', setup: false }, 'issue-3');
    writeFileSync(join(tree('nux'), 'work.txt'), 'work');
    const look = () => lookAtRemoval(town, { HOME: town.root });
    expect((await look()).runs).toEqual([{ path: tree(), what: teardown().worktrees.teardown_command }]);
    expect(existsSync(deeds())).toBe(false);
    await town.request('rig.untrust', { rig: 'alpha' });
    expect((await look()).runs).toEqual([]);
  });

  test('that fails is told, and holds up nothing', async () => {
    await bring(teardown('; echo "no database"; exit 7'));
    await sling();
    await stop();
    expect(existsSync(tree())).toBe(false);
    const { detail } = town.store.events('alpha-toast').find(({ type }) => type === 'worktree.teardown-failed')!;
    expect(detail['reason']).toMatch(/exit code 7.*no database/s);
  });

  test('that makes work is no reason to lose it', async () => {
    await bring(teardown('; echo dump > dump.txt'));
    await sling();
    await stop();
    expect(existsSync(join(tree(), 'dump.txt'))).toBe(true);
  });

  test('runs after a set-up that failed, as half of it may be there', async () => {
    await bring({ worktrees: { setup_command: 'exit 1', ...teardown().worktrees } });
    await expect(sling()).rejects.toThrow('exit code 1');
    expect(existsSync(deeds())).toBe(true);
    nothingLeft();
  });

  test('is not run when the user has taken back their agreement; the worktree goes', async () => {
    await bring(teardown());
    await sling();
    await town.request('rig.untrust', { rig: 'alpha' });
    await stop();
    expect([existsSync(deeds()), existsSync(tree())]).toEqual([false, false]);
    expect(timeline()).toContain('worktree.teardown-failed');
  });
});

test('two worktrees have port bases of their own, the same ones when they come again', async () => {
  await sling();
  await sling({ name: 'nux' }, 'issue-2');
  const ports = [tree(), tree('nux')].map((path) => town.store.ports.of(path)!);
  expect(new Set(ports.map((port) => Math.floor(port / 10))).size).toBe(2);
  for (const port of ports) expect(port % 10 === 0 && port >= 20_000 && port < 32_760).toBe(true);
  expect(town.store.ports.of(join(tree(), 'packages', 'web'))).toBe(ports[0]);
  await stop();
  expect(town.store.ports.of(tree())).toBeUndefined();
  await sling({}, 'issue-3');
  expect(town.store.ports.of(tree())).toBe(ports[0]);
});

test('a branch that the settings name is the rig’s default one, where work starts and where it goes', async () => {
  git('branch', 'next');
  await bring({ worktrees: { base: 'next' } });
  await expect.poll(() => town.rigs.views()[0]?.defaultBranch).toBe('next');
  git('commit', '-q', '--allow-empty', '-m', 'Main goes on');
  await sling();
  execFileSync('git', ['commit', '-q', '--allow-empty', '-m', 'Mended'], { cwd: tree() });
  await town.request('work.done', {}, 'alpha-toast');
  expect(town.merges.find('issue-1')).toMatchObject({ target: 'next', base: git('rev-parse', 'next') });
  await bring({});
  await expect.poll(() => town.rigs.views()[0]?.defaultBranch).toBe('main');
});

test.runIf(process.platform !== 'win32')(
  'what the town’s settings say holds where a rig says nothing, and needs no further word',
  async () => {
    const file = settingsPath(town.root);
    const before = JSON.parse(readFileSync(file, 'utf8')) as object;
    git('branch', 'next');
    writeFileSync(file, JSON.stringify({ ...before, worktrees: { base: 'next', setup_command: 'touch ran.local' } }));
    await expect.poll(() => town.rigs.views()[0]?.defaultBranch).toBe('next');
    await sling();
    expect(existsSync(join(tree(), 'ran.local'))).toBe(true);
    await bring({ worktrees: { setup_command: '', base: 'main' } });
    await expect.poll(() => town.rigs.views()[0]?.defaultBranch).toBe('main');
    await sling({ name: 'nux' }, 'issue-2');
    expect(existsSync(join(tree('nux'), 'ran.local'))).toBe(false);
  },
);
