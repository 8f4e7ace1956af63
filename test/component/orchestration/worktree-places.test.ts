import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createWorktree } from '../../../shared/platform/git/worktree.ts';
import { worktreeAround, worktreesFolder } from '../../../shared/platform/git/worktree-places.ts';
import { makeFakeTown } from '../../support/fake-town.ts';
import type { FakeTown } from '../../support/fake-town.ts';
import { temporaryFolder } from '../../support/core.ts';

describe('the folder for worktrees', () => {
  const at = (environment: Record<string, string>, platform: NodeJS.Platform = 'linux') =>
    worktreesFolder('/srv/My town', environment, platform);

  test.each([
    ['linux', { HOME: '/home/me' }, '/home/me/.local/share'],
    ['linux', { HOME: '/home/me', XDG_DATA_HOME: '/data/me' }, '/data/me'],
    // What is not absolute does not count, by the specification.
    ['linux', { HOME: '/home/me', XDG_DATA_HOME: 'data' }, '/home/me/.local/share'],
    // It goes with the next version of the editor.
    ['linux', { HOME: '/home/me', XDG_DATA_HOME: '/home/me/snap/code/180/.local/share' }, '/home/me/.local/share'],
    ['darwin', { HOME: '/Users/me' }, '/Users/me/Library'],
    ['win32', { USERPROFILE: '/u/me', LOCALAPPDATA: '/u/me/AppData/Local' }, '/u/me/AppData/Local'],
  ] as const)('%s %j', (platform, environment, data) => {
    expect(at(environment, platform)).toMatch(new RegExp(`^${data}/gastown/worktrees/My-town-[0-9a-f]{12}$`));
  });

  test('is one for each town, and the same through a link to it', () => {
    const folder = temporaryFolder('places');
    for (const name of ['a/town', 'b/town']) mkdirSync(join(folder.path, name), { recursive: true });
    symlinkSync(join(folder.path, 'a'), join(folder.path, 'link'));
    const [a, b, link] = ['a/town', 'b/town', 'link/town'].map((name) =>
      worktreesFolder(join(folder.path, name), { HOME: '/home/me' }),
    );
    expect(a).not.toBe(b);
    expect(link).toBe(a);
    folder.remove();
  });
});

describe('the worktree that a folder is in', () => {
  test('is known in both places, through links too, and none where the user works', () => {
    const folder = temporaryFolder('around');
    const real = join(folder.path, 'data');
    mkdirSync(real);
    symlinkSync(real, join(folder.path, 'link'));
    const places = { worktrees: join(folder.path, 'link'), formerWorktrees: join(folder.path, 'town') };
    const around = (...below: string[]) => worktreeAround(places, join(folder.path, ...below));
    expect(around('data', 'alpha', 'toast')).toBe(join(real, 'alpha', 'toast'));
    expect(around('data', 'alpha', 'toast', 'packages', 'web')).toBe(join(real, 'alpha', 'toast'));
    expect(around('town', 'alpha', 'nux')).toBe(join(folder.path, 'town', 'alpha', 'nux'));
    expect([around('data', 'alpha'), around('database', 'alpha', 'toast'), around('rig', 'src', 'web')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    folder.remove();
  });
});

describe('worktrees that an earlier version made below the town', () => {
  let town: FakeTown;
  beforeEach(async () => {
    town = await makeFakeTown();
  });
  afterEach(() => town.close());

  const old = (name: string) =>
    createWorktree(town.rig, join(town.paths.formerWorktrees, 'alpha', name), `polecat/${name}/issue-1`);
  const sling = (work: string, name?: string) =>
    town.request('sling', { work, rig: 'alpha', message: 'Mend it', ...(name === undefined ? {} : { name }) });

  test('are worked in where they are, and others are made in the new place', async () => {
    const { path } = await old('toast');
    expect((await sling('issue-1', 'toast')).session.workDir).toBe(path);
    expect((await sling('issue-2', 'nux')).session.workDir).toBe(join(town.paths.worktrees, 'alpha', 'nux'));
  });

  test('keep their names taken', async () => {
    const first = (await sling('issue-1')).session.agentName;
    await town.request('session.stop', { session: `alpha-${first}` });
    await expect.poll(() => town.work.get('issue-1').state).toBe('open');
    const { path } = await createWorktree(
      town.rig,
      join(town.paths.formerWorktrees, 'alpha', first),
      `polecat/${first}/other`,
    );
    expect(path).toContain('.runtime');
    expect((await sling('issue-2')).session.agentName).not.toBe(first);
  });

  test('go with the town, as those in the new place', async () => {
    await old('toast');
    await sling('issue-2', 'nux');
    const { goes } = await town.removal.look();
    expect(goes.map(({ path }) => path)).toEqual(
      expect.arrayContaining([
        join(town.paths.formerWorktrees, 'alpha', 'toast'),
        join(town.paths.worktrees, 'alpha', 'nux'),
      ]),
    );
    expect(town.paths.worktrees.startsWith(town.root)).toBe(false);
  });
});

describe('a unit whose worker left its branch', () => {
  test('is handed over on the branch that it is on, once and again', async () => {
    const town = await makeFakeTown();
    const { session } = await town.request('sling', {
      work: 'issue-1',
      rig: 'alpha',
      name: 'toast',
      message: 'Mend it',
    });
    execFileSync('git', ['switch', '-q', '-c', 'feature/x'], { cwd: session.workDir });
    const next = await town.request('work.handoff', { from: 'alpha-toast', to: 'nux', context: 'Half.' });
    expect(next.session).toMatchObject({ id: 'alpha-nux', workDir: session.workDir, branch: 'feature/x' });
    const last = await town.request('work.handoff', { from: 'alpha-nux', to: 'slit', context: 'More.' });
    expect(last.session).toMatchObject({ id: 'alpha-slit', workDir: session.workDir, branch: 'feature/x' });
    town.close();
  });
});
