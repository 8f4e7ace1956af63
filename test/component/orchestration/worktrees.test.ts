import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createWorktree } from '../../../shared/platform/git/worktree.ts';
import { makeFakeTown } from '../../support/fake-town.ts';
import { failWrite } from '../../support/failing-writes.ts';
import type { FakeTown } from '../../support/fake-town.ts';
import { patience } from '../../support/patience.ts';

let town: FakeTown;
beforeEach(async () => {
  town = await makeFakeTown({ stalled: 'leave' });
  writeFileSync(join(town.rig, '.gitignore'), 'out/\n.env\n');
  git(town.rig, 'add', '.');
  git(town.rig, 'commit', '-q', '-m', 'Ignore');
});
afterEach(() => town.close());

const git = (cwd: string, ...args: string[]): string =>
  execFileSync('git', args, { cwd, encoding: 'utf8', stdio: 'pipe' }).trim();
const toast = 'alpha-toast';
const dir = (): string => join(town.paths.worktrees, 'alpha', 'toast');
const branches = (): string[] => git(town.rig, 'branch', '--format=%(refname:short)').split('\n');
const list = async () => (await town.request('worktree.list', {})).worktrees;
const sling = () => town.request('sling', { work: 'issue-1', rig: 'alpha', name: 'toast', message: 'Write a report' });
/** Stops the session, and waits until it is said what has become of its worktree. */
async function stop(): Promise<void> {
  await town.request('session.stop', { session: toast });
  await vi.waitUntil(async () => (await list()).some(({ state }) => state !== 'under way'), { timeout: patience() });
}
async function withReport(): Promise<void> {
  await sling();
  mkdirSync(join(dir(), 'out'));
  writeFileSync(join(dir(), 'out', 'report.md'), 'the report');
  await town.request('work.done', { message: 'see out/report.md' }, toast);
  await stop();
}

describe('a worktree whose session was stopped', () => {
  test('stays with an ignored file that was asked for; its rows, the timeline and the list say why', async () => {
    await withReport();
    const why = 'ignored by git and nowhere else: out/report.md';
    expect(readFileSync(join(dir(), 'out', 'report.md'), 'utf8')).toBe('the report');
    expect(await list()).toEqual([
      expect.objectContaining({
        state: 'kept',
        session: toast,
        path: dir(),
        branch: 'polecat/toast/issue-1',
        reason: why,
      }),
    ]);
    const { sessions, work, problems } = town.builder.build();
    expect([sessions[0]?.worktree, work[0]?.worktree, problems]).toEqual([why, why, []]);
    const { entries } = await town.request('session.log', { session: toast });
    expect(entries.map(({ text }) => text)).toContain(`its worktree ${dir()} stays: ${why}`);
  });

  test('goes on the user’s word, and comes back as it was', async () => {
    await withReport();
    const removed = await town.request('worktree.remove', { worktree: toast });
    expect(removed).toMatchObject({
      state: 'removed',
      rescue: expect.stringMatching(/^refs\/rescue\/alpha-toast\//),
      files: 1,
    });
    expect([existsSync(dir()), branches()]).toEqual([false, ['main']]);
    expect(town.builder.build().worktrees).toEqual([removed]);
    await expect(town.request('worktree.remove', { worktree: toast })).rejects.toThrow(/is removed already/);
    await town.request('worktree.restore', { worktree: removed.id });
    expect([readFileSync(join(dir(), 'out', 'report.md'), 'utf8'), branches()]).toEqual([
      'the report',
      ['main', 'polecat/toast/issue-1'],
    ]);
    expect(await list()).toEqual([
      expect.objectContaining({ state: 'kept', reason: 'ignored by git and nowhere else: out/report.md' }),
    ]);
  });

  test('without anything goes at once, and comes back, too', async () => {
    await sling();
    await stop();
    expect([existsSync(dir()), branches()]).toEqual([false, ['main']]);
    // That is no news, so no window tells of it.
    expect(town.builder.build().worktrees).toEqual([]);
    await town.request('worktree.restore', { worktree: 'alpha/toast' });
    expect([git(dir(), 'branch', '--show-current'), git(dir(), 'status', '--porcelain')]).toEqual([
      'polecat/toast/issue-1',
      '',
    ]);
  });

  test('that git refuses to remove is a problem with git’s reason', async () => {
    await sling();
    git(town.rig, 'worktree', 'lock', '--reason', 'on a stick', dir());
    await stop();
    expect(town.builder.build().problems).toMatchObject([
      { message: `The worktree of ${toast} (${dir()}) stays: git has it locked: on a stick`, severity: 'warning' },
    ]);
    await expect(town.request('worktree.remove', { worktree: toast })).rejects.toThrow(
      /stays: git has it locked: on a stick. Deal with that/,
    );
    git(town.rig, 'worktree', 'unlock', dir());
    await town.request('worktree.remove', { worktree: toast });
    expect([existsSync(dir()), town.builder.build().problems]).toEqual([false, []]);
  });

  test.each(['before', 'after'])('whose folder somebody deletes %s the stop does not keep its name', async (when) => {
    await sling();
    writeFileSync(join(dir(), 'half.txt'), 'half');
    if (when === 'before') rmSync(dir(), { recursive: true });
    await stop();
    rmSync(dir(), { recursive: true, force: true });
    await town.request('sling', { work: 'issue-2', rig: 'alpha', name: 'toast', message: 'Mend it' });
    expect(git(dir(), 'status', '--porcelain', '--branch')).toBe('## polecat/toast/issue-2');
  });

  test('and in which somebody works again is not removed', async () => {
    await sling();
    writeFileSync(join(dir(), 'half.txt'), 'half');
    await stop();
    await sling();
    await expect(town.request('worktree.remove', { worktree: toast })).rejects.toThrow(
      /stays: somebody works in it again/,
    );
    expect(readFileSync(join(dir(), 'half.txt'), 'utf8')).toBe('half');
  });

  test('is for the user alone to remove and to bring back', async () => {
    await sling();
    for (const method of ['worktree.remove', 'worktree.restore'] as const) {
      await expect(town.request(method, { worktree: toast }, toast)).rejects.toMatchObject({ code: 'denied' });
    }
    await expect(town.request('worktree.remove', { worktree: 'nux' })).rejects.toThrow(
      /There is no worktree "nux".*gt worktree list/,
    );
  });
});

test('what the settings name as made again does not keep a worktree', async () => {
  await town.settings.update({ worktrees: { rebuildable: ['out'] } });
  await withReport();
  expect(existsSync(dir())).toBe(false);
});

describe('a start that comes while it is decided what becomes of the old worktree', () => {
  test('for the same work goes on in it, or has a whole new one', async () => {
    await sling();
    await town.request('session.stop', { session: toast });
    await sling();
    expect(town.registry.get(toast)).toMatchObject({ state: 'running', workDir: dir() });
    expect(git(dir(), 'status', '--porcelain', '--branch')).toBe('## polecat/toast/issue-1');
  });

  test('for other work, under the same name, waits until it is gone', async () => {
    await sling();
    await town.request('session.stop', { session: toast });
    await town.request('sling', { work: 'issue-2', rig: 'alpha', name: 'toast', message: 'Mend it' });
    expect(town.registry.get(toast)).toMatchObject({
      state: 'running',
      workDir: dir(),
      branch: 'polecat/toast/issue-2',
    });
    expect(git(dir(), 'status', '--porcelain', '--branch')).toBe('## polecat/toast/issue-2');
  });
});

describe.runIf(process.platform !== 'win32')('a host that is killed over a removal', () => {
  const branch = 'polecat/toast/idle';

  /** Runs a host that is killed at that point, by itself or by the first git that is about to do that. */
  function die(where: string): void {
    const bin = join(dirname(town.rig), 'bin');
    mkdirSync(bin, { recursive: true });
    const real = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();
    writeFileSync(
      join(bin, 'git'),
      `#!/bin/sh\ncase "$*" in *"${where}"*) kill -9 $PPID; exit 1;; esac\nexec ${real} "$@"\n`,
    );
    chmodSync(join(bin, 'git'), 0o755);
    const env = { ...process.env, PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}` };
    const program = resolve(import.meta.dirname, '../../support/dying-removal.ts');
    const { signal } = spawnSync(process.execPath, [program, town.paths.database, town.rig, dir(), branch, where], {
      env,
    });
    expect(signal).toBe('SIGKILL');
  }

  test.each([
    ['when only the intent is on record', 'removing'],
    ['over the judgement', 'status --porcelain'],
    ['when it was judged', 'judged'],
    ['when its folder was moved aside', 'worktree remove'],
    ['when only its branch is left', 'update-ref -d'],
  ])('%s: the next one ends it', async (_name, where) => {
    await createWorktree(town.rig, dir(), branch);
    die(where);
    await town.worktrees.settle(() => false);
    expect([existsSync(dir()), branches(), readdirSync(dirname(dir()))]).toEqual([false, ['main'], []]);
    expect(git(town.rig, 'worktree', 'list').split('\n')).toHaveLength(1);
    expect(await list()).toEqual([expect.objectContaining({ state: 'removed', session: toast })]);
    await town.request('worktree.restore', { worktree: toast });
    expect(git(dir(), 'status', '--porcelain', '--branch')).toBe(`## ${branch}`);
  });

  test('before anything went: what came since keeps it', async () => {
    await createWorktree(town.rig, dir(), branch);
    die('judged');
    writeFileSync(join(dir(), 'new.txt'), 'new');
    await town.worktrees.settle(() => false);
    expect(readFileSync(join(dir(), 'new.txt'), 'utf8')).toBe('new');
    expect(await list()).toEqual([expect.objectContaining({ state: 'kept', reason: 'uncommitted: new.txt' })]);
  });

  test('and in whose place somebody works again leaves that alone', async () => {
    await createWorktree(town.rig, dir(), branch);
    die('judged');
    await town.worktrees.settle((path) => path === dir());
    expect([existsSync(dir()), await list()]).toEqual([true, []]);
  });
});

describe('a removal that broke off after it was judged', () => {
  const asides = (): string[] => readdirSync(dirname(dir())).filter((name) => name.startsWith('.removing-'));
  const rescued = () => git(town.rig, 'for-each-ref', '--format=%(refname)', 'refs/rescue').split('\n');
  let id: string;
  /** The folder set aside could not be deleted; `rescue` has the report. */
  async function breakOff(): Promise<void> {
    await withReport();
    const [row] = town.store.worktrees.all();
    await town.worktrees.ask(toast, () => true);
    const { removed } = town.store.worktrees.get(row!.id)!;
    id = row!.id;
    mkdirSync(join(dirname(dir()), `.removing-${id}`));
    writeFileSync(join(dirname(dir()), `.removing-${id}`, 'left'), '');
    town.store.worktrees.save({
      ...town.store.worktrees.get(id)!,
      state: 'judged',
      removed: removed!,
      reason: 'its removal broke off',
    });
  }

  test('is ended when the user asks again, and can be undone', async () => {
    await breakOff();
    expect(await town.request('worktree.remove', { worktree: toast })).toMatchObject({
      id,
      state: 'removed',
      rescue: rescued()[0],
    });
    expect([asides(), (await list()).map(({ state }) => state)]).toEqual([[], ['removed']]);
    await town.request('worktree.restore', { worktree: id });
    expect(readFileSync(join(dir(), 'out', 'report.md'), 'utf8')).toBe('the report');
  });

  test('and whose rest somebody has deleted does not take the next worker’s worktree', async () => {
    await breakOff();
    rmSync(join(dirname(dir()), asides()[0]!), { recursive: true });
    await createWorktree(town.rig, dir(), 'polecat/toast/issue-2');
    writeFileSync(join(dir(), 'half.txt'), 'half');
    const before = rescued();
    await town.worktrees.settle(() => false);
    expect([readFileSync(join(dir(), 'half.txt'), 'utf8'), rescued()]).toEqual(['half', before]);
    expect(town.store.worktrees.get(id)).toMatchObject({ state: 'removed', removed: { rescue: before[0] } });
  });

  test('is not forgotten where git knows its path no more', async () => {
    await breakOff();
    rmSync(join(dirname(dir()), asides()[0]!), { recursive: true });
    await town.worktrees.settle(() => false);
    expect(await list()).toEqual([expect.objectContaining({ id, state: 'removed', rescue: rescued()[0] })]);
  });
});

describe('one that was being brought back when the host died', () => {
  test('stays with the reason, is no start’s, and comes back whole when the half of it is removed', async () => {
    await withReport();
    const { id, rescue } = await town.request('worktree.remove', { worktree: toast });
    git(town.rig, 'branch', 'polecat/toast/issue-1', 'main');
    git(town.rig, 'worktree', 'add', '-q', dir(), 'polecat/toast/issue-1');
    writeFileSync(join(git(dir(), 'rev-parse', '--git-dir'), 'gastown-restoring'), '');
    rmSync(join(dir(), 'README.md'));
    town.store.worktrees.save({ ...town.store.worktrees.get(id)!, state: 'restoring' });
    await town.worktrees.settle(() => false);
    const [half, whole] = await list();
    expect(half).toMatchObject({
      state: 'kept',
      reason: expect.stringMatching(`may lack files. What it had is in ${rescue}. .*gt worktree restore ${id}`),
    });
    expect(whole).toMatchObject({ id, state: 'removed', rescue });
    await expect(createWorktree(town.rig, dir(), 'polecat/toast/issue-1')).rejects.toThrow(
      /brought back.*gt worktree remove/,
    );
    await town.request('worktree.remove', { worktree: half!.id });
    await town.request('worktree.restore', { worktree: id });
    expect([readFileSync(join(dir(), 'out', 'report.md'), 'utf8'), existsSync(join(dir(), 'README.md'))]).toEqual([
      'the report',
      true,
    ]);
  });
});

test('a removal that cannot be recorded leaves a row that says so, as soon as that can be', async () => {
  await createWorktree(town.rig, dir(), 'polecat/toast/idle');
  const write = failWrite(town.paths.database, 1);
  const place = { repository: town.rig, path: dir(), branch: 'polecat/toast/idle' };
  expect(await town.worktrees.over(place, { session: toast, rig: 'alpha' })).toMatch(
    /could not begin: .*cannot be written/,
  );
  write.restore();
  await vi.waitFor(() => expect(town.store.backlog.trouble).toBeUndefined(), { timeout: patience() });
  expect(await list()).toEqual([
    expect.objectContaining({ state: 'kept', path: dir(), reason: expect.stringContaining('could not begin') }),
  ]);
  await town.request('worktree.remove', { worktree: dir() });
  expect(existsSync(dir())).toBe(false);
});

test('two removals at once: one does it, and both have the truth', async () => {
  await createWorktree(town.rig, dir(), 'polecat/toast/idle');
  const place = { repository: town.rig, path: dir(), branch: 'polecat/toast/idle' };
  const worker = { session: toast, rig: 'alpha' };
  expect(await Promise.all([town.worktrees.over(place, worker), town.worktrees.over(place, worker)])).toEqual([
    undefined,
    undefined,
  ]);
  expect((await list()).map(({ state }) => state)).toEqual(['removed']);
});

test('of two starts of one name at once the second leaves the worktree of the first alone', async () => {
  const spawn = () => town.request('session.spawn', { role: 'polecat', rig: 'alpha', name: 'toast' });
  const [first, second] = await Promise.allSettled([spawn(), spawn()]);
  expect([first.status, second.status].sort()).toEqual(['fulfilled', 'rejected']);
  expect(existsSync(join(dir(), '.git'))).toBe(true);
  expect(branches()).toContain('polecat/toast/idle');
});
