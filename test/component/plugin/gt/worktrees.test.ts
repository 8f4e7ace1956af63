import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { WorktreeView } from '../../../../shared/channel/views.ts';
import { FakeTown } from './support.ts';

let town: FakeTown;

beforeEach(async () => {
  town = await FakeTown.start();
});
afterEach(() => town.stop());

const kept: WorktreeView = {
  id: 'wt_1',
  session: 'demo-toast',
  rig: 'demo',
  path: '/w/toast',
  branch: 'polecat/toast/issue-1',
  state: 'kept',
  at: 0,
  reason: 'uncommitted: a.txt',
};
const removed: WorktreeView = {
  id: 'wt_2',
  session: 'demo-nux',
  rig: 'demo',
  path: '/w/nux',
  state: 'removed',
  at: 0,
  rescue: 'refs/rescue/demo-nux/1',
  commits: 0,
  files: 2,
};

describe('gt worktree', () => {
  it('lists what stays with the reason, and what was removed with where it is saved', async () => {
    town.answers = { 'worktree.list': { worktrees: [kept, removed] } };
    const { code, out } = await town.gt(['worktree', 'list']);
    expect([code, out.split('\n')]).toEqual([
      0,
      [
        'ID    STATE    SESSION     SINCE                     BRANCH                 PATH      WHY',
        'wt_1  kept     demo-toast  1970-01-01T00:00:00.000Z  polecat/toast/issue-1  /w/toast  uncommitted: a.txt',
        'wt_2  removed  demo-nux    1970-01-01T00:00:00.000Z  -                      /w/nux    saved in refs/rescue/demo-nux/1',
        '',
      ],
    ]);
    expect(JSON.parse((await town.gt(['worktree', 'list', '--json'])).out)).toEqual([kept, removed]);
  });

  it('removes one, and says where what only it had is and how it comes back', async () => {
    town.answers = { 'worktree.remove': removed, 'worktree.restore': kept };
    expect((await town.gt(['worktree', 'remove', 'demo-nux'])).out).toBe(
      'Removed /w/nux. What only it had is in refs/rescue/demo-nux/1. To bring it back: gt worktree restore wt_2\n',
    );
    expect((await town.gt(['worktree', 'restore', 'wt_1'])).out).toBe('/w/toast is back.\n');
    expect(town.asked()).toEqual([
      ['worktree.remove', { worktree: 'demo-nux' }],
      ['worktree.restore', { worktree: 'wt_1' }],
    ]);
  });
});
