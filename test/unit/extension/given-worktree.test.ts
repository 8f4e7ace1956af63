import { expect, test } from 'vitest';
import { givenWorktree } from '../../../extension/commands/given-worktree.ts';
import type { WorktreeView } from '../../../shared/channel/views.ts';
import { context } from './fixtures.ts';

const worktree = (id: string, state: WorktreeView['state']): WorktreeView => ({
  id,
  session: `of-${id}`,
  rig: 'myproject',
  path: `/w/${id}`,
  state,
  at: 1,
});
const all = [worktree('a', 'kept'), worktree('b', 'removed'), worktree('c', 'under way')];

test('a worktree that was given is that one and no other; where it is not as it was, that is said', () => {
  const given = (id: string, wanted: 'kept' | 'removed') => givenWorktree(all, id, wanted, context.t);
  expect(given('a', 'kept')).toBe(all[0]);
  expect(given('b', 'removed')).toBe(all[1]);
  expect(given('a', 'removed')).toBe('The worktree of of-a is back already: /w/a. Nothing was done now.');
  expect(given('b', 'kept')).toBe('The worktree of of-b is removed already: /w/b. Nothing was done now.');
  expect(given('c', 'removed')).toMatch(
    /^The worktree of of-c is being removed or brought back .*Nothing was done now\.$/,
  );
  for (const wanted of ['kept', 'removed'] as const)
    expect(given('gone', wanted)).toMatch(/^This worktree is not among those .*Nothing was done now\.$/);
});
