import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { findWorktrees, removeTownWorktree } from '../../../shared/orchestration/town-worktrees.ts';
import { makeFakeTown } from '../../support/fake-town.ts';
import type { FakeTown } from '../../support/fake-town.ts';
import { takesWork, until } from '../reconcile/support.ts';

const amy = 'alpha-crew-amy';

let town: FakeTown;
afterEach(() => town.close());

const git = (cwd: string, ...args: string[]): string => execFileSync('git', args, { cwd, encoding: 'utf8' }).trim();
const start = async (role: 'crew' | 'refinery' = 'crew') =>
  town.request('session.spawn', { role, rig: 'alpha', ...(role === 'crew' ? { name: 'amy' } : {}) });
const branches = (): string[] => git(town.rig, 'branch', '--format=%(refname:short)').split('\n');

function commit(cwd: string, file = 'a.txt'): void {
  writeFileSync(join(cwd, file), 'text\n');
  git(cwd, 'add', '-A');
  git(cwd, 'commit', '-qm', 'Add a file');
}

describe('a crew member', () => {
  test('works in a worktree of its own, on a branch of its own, and comes back to both', async () => {
    town = await makeFakeTown();
    const { workDir, branch } = await start();
    expect([workDir, branch]).toEqual([join(town.paths.worktrees, 'alpha', 'crew-amy'), 'crew/amy']);
    writeFileSync(join(workDir, 'half.txt'), 'half');
    await town.request('session.stop', { session: amy });
    expect((await start()).workDir).toBe(workDir);
    expect(existsSync(join(workDir, 'half.txt'))).toBe(true);
  });

  test('goes on with whatever branch its agent has checked out there', async () => {
    town = await makeFakeTown();
    const { workDir } = await start();
    git(workDir, 'switch', '-qc', 'feature');
    await town.request('session.stop', { session: amy });
    expect((await start()).workDir).toBe(workDir);
    await town.request('session.stop', { session: amy });
    commit(workDir);
    await town.request('session.dismiss', { session: amy });
    expect(await start()).toMatchObject({ workDir, branch: 'feature' });
  });

  test('leaves nothing behind when it is dismissed, unless something would be lost', async () => {
    town = await makeFakeTown();
    const { workDir } = await start();
    await town.request('session.stop', { session: amy });
    expect(existsSync(workDir)).toBe(true);
    await town.request('session.dismiss', { session: amy });
    expect([existsSync(workDir), branches()]).toEqual([false, ['main']]);

    await start();
    commit(workDir);
    await town.request('session.stop', { session: amy });
    await town.request('session.dismiss', { session: amy });
    expect([existsSync(workDir), branches()]).toEqual([true, ['crew/amy', 'main']]);
    expect(town.worktrees.list()[0]).toMatchObject({ session: amy, path: workDir, branch: 'crew/amy', state: 'kept' });
    expect((await start()).branch).toBe('crew/amy');
    expect(existsSync(join(workDir, 'a.txt'))).toBe(true);
  });

  test('takes another branch where its own is checked out elsewhere', async () => {
    town = await makeFakeTown();
    git(town.rig, 'switch', '-qc', 'crew/amy');
    expect((await start()).branch).toBe('crew/amy-2');
  });

  test('works in the sub-folder that the rig is', async () => {
    town = await makeFakeTown();
    mkdirSync(join(town.rig, 'web'));
    commit(town.rig, 'web/a.txt');
    await town.rigs.add(join(town.rig, 'web'), 'web', 'folder');
    const { workDir } = await town.request('session.spawn', { role: 'crew', rig: 'web', name: 'amy' });
    expect(workDir).toBe(join(town.paths.worktrees, 'web', 'crew-amy', 'web'));
  });

  test('that has a conversation in the checkout, from an earlier version, goes on there', async () => {
    town = await makeFakeTown();
    const config = { role: 'crew', rig: 'alpha', agentName: 'amy', workDir: town.rig } as const;
    await town.orchestrators.get('opencode')!.spawnSession(config);
    town.manager.runs.saveReference(town.registry.get(amy).runId, { conversation: 'x' });
    await town.request('session.stop', { session: amy });
    expect((await start()).workDir).toBe(town.rig);
    await town.request('session.stop', { session: amy });
    await town.request('session.dismiss', { session: amy });
    expect((await start()).branch).toBe('crew/amy');
  });

  test('has its work reviewed, and keeps its worktree when it hands a unit to a new polecat', async () => {
    town = await makeFakeTown();
    const { workDir } = await start();
    town.work.add({ id: 'task-1', description: 'Do it', rig: 'alpha' }, 'overseer');
    await town.request('work.assign', { id: 'task-1', session: amy });
    commit(workDir);
    await town.request('work.handoff', { from: amy, to: 'toast', work: 'task-1', context: 'go on' });
    const toast = town.registry.get('alpha-toast');
    expect(toast).toMatchObject({
      branch: 'polecat/toast/task-1',
      workDir: join(town.paths.worktrees, 'alpha', 'toast'),
    });
    expect(existsSync(join(toast.workDir, 'a.txt'))).toBe(true);
    expect(town.registry.get(amy).state).toBe('running');
    takesWork(town, toast.id);
    await town.request('work.done', { message: 'done' }, toast.id);
    expect(town.merges.get('task-1')).toMatchObject({ branch: 'polecat/toast/task-1', state: 'review' });
  });

  test('hands a unit to a polecat that runs, which does it in its own worktree', async () => {
    town = await makeFakeTown();
    const { workDir } = await start();
    town.work.add({ id: 'task-1', description: 'Do it', rig: 'alpha' }, 'overseer');
    await town.request('work.assign', { id: 'task-1', session: amy });
    commit(workDir);
    const polecat = await town.request('session.spawn', { role: 'polecat', rig: 'alpha', name: 'toast' });
    await town.request('work.handoff', { from: amy, to: 'toast', work: 'task-1', context: 'go on' });
    commit(polecat.workDir, 'b.txt');
    await town.request('work.done', { message: 'done' }, polecat.id);
    expect(town.merges.get('task-1')).toMatchObject({ branch: 'polecat/toast/idle', detail: { size: { files: 1 } } });
    const told = town.store.messages.latest(10, { session: polecat.id, kind: 'work' });
    expect(told[0]?.body).toContain(`It was done on the branch crew/amy, in ${workDir}: both stay theirs.`);
  });

  test('that is gone has its unit sent back to a polecat, which begins with its commits', async () => {
    town = await makeFakeTown();
    const { workDir } = await start();
    town.work.add({ id: 'task-1', description: 'Do it', rig: 'alpha' }, 'overseer');
    await town.request('work.assign', { id: 'task-1', session: amy });
    commit(workDir);
    await town.request('work.done', { message: 'done' }, amy);
    await town.request('session.stop', { session: amy });
    await town.request('merge.return', { id: 'task-1', message: 'Not so' });
    await until(() => town.registry.list({ role: 'polecat', state: 'running' }).length === 1);
    const [polecat] = town.registry.list({ role: 'polecat' });
    expect(polecat?.branch).toMatch(/^polecat\/.*\/task-1$/);
    expect(existsSync(join(polecat!.workDir, 'a.txt'))).toBe(true);
  });
});

test('nothing that only the branch brings runs in a worktree without the word of the user', async () => {
  town = await makeFakeTown();
  mkdirSync(join(town.rig, '.opencode', 'plugin'), { recursive: true });
  commit(town.rig, '.opencode/plugin/p.js');
  // What the rig's folder shows is clean.
  git(town.rig, 'rm', '-rq', '.opencode');
  await expect(start()).rejects.toMatchObject({ code: 'consent-needed' });
  expect(existsSync(join(town.paths.worktrees, 'alpha', 'crew-amy'))).toBe(false);
  const { hash } = await town.request('rig.review', { rig: 'alpha' });
  await town.request('rig.trust', { rig: 'alpha', hash });
  expect((await start()).state).toBe('running');
});

describe('the refinery', () => {
  test('has a worktree that is removed with the town where nothing is lost', async () => {
    town = await makeFakeTown();
    const { workDir, branch } = await start('refinery');
    expect([workDir, branch]).toEqual([join(town.paths.worktrees, 'alpha', 'refinery'), 'refinery/alpha']);
    await town.request('session.stop', { session: 'alpha-refinery' });
    for (const worktree of await findWorktrees(town.paths)) await removeTownWorktree(worktree, town.worktrees);
    expect([existsSync(workDir), branches()]).toEqual([false, ['main']]);
  });
});

test('the witness looks from the checkout', async () => {
  town = await makeFakeTown();
  expect((await town.request('session.spawn', { role: 'witness', rig: 'alpha' })).workDir).toBe(town.rig);
});
