import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, realpathSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { worktreesFolder } from '../../../shared/platform/git/worktree-places.ts';
import { createWorktree } from '../../../shared/platform/git/worktree.ts';
import { noteLeftWorktrees } from '../../../shared/orchestration/left-worktrees.ts';
import { makeBareTown } from '../../support/bare-host.ts';
import { makeRepository } from '../../support/core.ts';
import { makeFakeTown } from '../../support/fake-town.ts';
import type { FakeTown } from '../../support/fake-town.ts';
import { patience } from '../../support/patience.ts';

let town: FakeTown;
beforeEach(async () => {
  town = await makeFakeTown();
});
afterEach(() => town.close());

const git = (cwd: string, ...args: string[]): string =>
  execFileSync('git', args, { cwd, encoding: 'utf8', stdio: 'pipe' }).trim();
const list = async () => (await town.request('worktree.list', {})).worktrees;
const make = async (place: string, branch: string): Promise<string> =>
  (await createWorktree(town.rig, place, branch)).path;

describe('a worktree that an earlier version has kept', () => {
  test('in either place, also on no branch, is listed and can be removed and brought back', async () => {
    const here = await make(join(town.paths.worktrees, 'alpha', 'toast'), 'polecat/toast/issue-1');
    writeFileSync(join(here, 'half.txt'), 'half');
    const before = await make(join(town.paths.formerWorktrees, 'alpha', 'nux'), 'polecat/nux/issue-2');
    git(before, 'switch', '-q', '--detach');
    await noteLeftWorktrees(town);
    const row = { rig: 'alpha', state: 'kept', reason: 'left by an earlier version; not looked at yet' };
    const listed = (await list()).sort((a, b) => (a.session < b.session ? 1 : -1));
    expect(listed).toEqual([
      expect.objectContaining({ ...row, session: 'alpha-toast', path: here, branch: 'polecat/toast/issue-1' }),
      expect.objectContaining({ ...row, session: 'alpha-nux', path: before, at: Math.floor(statSync(before).mtimeMs) }),
    ]);
    await noteLeftWorktrees(town);
    expect((await list()).map(({ id }) => id).sort()).toEqual(listed.map(({ id }) => id).sort());
    expect(await town.request('worktree.remove', { worktree: 'alpha-toast' })).toMatchObject({
      state: 'removed',
      files: 1,
    });
    expect(existsSync(here)).toBe(false);
    await town.request('worktree.restore', { worktree: 'alpha-toast' });
    expect(existsSync(join(here, 'half.txt'))).toBe(true);
  });

  test('of a rig that the town does not know any more is listed, too, and by a link once, by where it is', async () => {
    const beta = makeRepository(join(dirname(town.rig), 'beta'));
    const real = join(dirname(town.rig), 'elsewhere');
    mkdirSync(real);
    mkdirSync(town.paths.worktrees, { recursive: true });
    symlinkSync(real, join(town.paths.worktrees, 'beta'));
    await createWorktree(beta, join(real, 'toast'), 'polecat/toast/idle');
    await noteLeftWorktrees(town);
    // The folder of a rig that is a link is none of the town's.
    expect(await list()).toEqual([]);
    await createWorktree(beta, join(town.paths.worktrees, 'gone', 'toast'), 'polecat/toast/more');
    await noteLeftWorktrees(town);
    expect(town.store.worktrees.all()).toEqual([
      expect.objectContaining({
        session: 'gone-toast',
        repository: beta,
        path: realpathSync(join(town.paths.worktrees, 'gone', 'toast')),
      }),
    ]);
  });
});

test('the host lists it by itself after its opening', async () => {
  const bare = await makeBareTown();
  const repository = makeRepository(join(bare.root, 'alpha'));
  const { path } = await createWorktree(
    repository,
    join(worktreesFolder(bare.root, bare.options.environment), 'alpha', 'toast'),
    'polecat/toast/idle',
  );
  const host = await bare.host();
  await vi.waitFor(
    () =>
      expect(host.snapshot.worktrees).toEqual([
        expect.objectContaining({ session: 'alpha-toast', path, state: 'kept' }),
      ]),
    { timeout: patience() },
  );
  await host.dispose();
  bare.remove();
});

test('what a session has, or a unit, or a start, and what is no worktree, is left alone', async () => {
  const { session } = await town.request('sling', { work: 'issue-1', rig: 'alpha', name: 'toast', message: 'Mend it' });
  expect(existsSync(session.workDir)).toBe(true);
  await make(join(town.paths.worktrees, 'alpha', 'nux'), 'polecat/nux/issue-2');
  const work = { id: 'issue-2', rig: 'alpha', state: 'assigned' as const, branch: 'polecat/nux/issue-2' };
  vi.spyOn(town.store.work, 'all').mockReturnValue([{ ...town.store.work.all()[0]!, ...work }]);
  await town.worktrees.create(town.rig, join(town.paths.worktrees, 'alpha', 'slit'), 'polecat/slit/idle', {
    session: 'alpha-slit',
    rig: 'alpha',
  });
  makeRepository(join(town.paths.worktrees, 'alpha', 'own'));
  mkdirSync(join(town.paths.worktrees, 'alpha', 'empty'));
  await make(join(town.paths.worktrees, 'alpha', '.removing-wt_1'), 'polecat/ace/idle');
  mkdirSync(join(town.paths.worktrees, 'alpha', 'broken'));
  writeFileSync(join(town.paths.worktrees, 'alpha', 'broken', '.git'), 'gitdir: /nowhere/at/all\n');
  await noteLeftWorktrees(town);
  expect(await list()).toEqual([]);
});
