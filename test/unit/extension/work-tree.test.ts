import { expect, test } from 'vitest';
import { workTree } from '../../../extension/views/work-tree.ts';
import { rigTree } from '../../../extension/views/rig-tree.ts';
import { context, rig, session, town, work } from './fixtures.ts';

test('work is grouped by what is to be done about it, the most urgent and oldest first', () => {
  const snapshot = town({
    work: [
      work({ id: 'done-1', state: 'done', commits: 1, note: 'all is well' }),
      work({ id: 'open-2' }),
      work({ id: 'queued-1', state: 'queued', priority: 3, attempts: 1, notBefore: context.now + 90_000 }),
      work({ id: 'open-10', createdAt: 1 }),
      work({ id: 'open-1', priority: 0 }),
      work({ id: 'run-1', state: 'running', owner: 'myproject-worker-1', commits: 2 }),
      work({ id: 'fail-1', state: 'failed', title: '', note: 'the build\nis red' }),
    ],
  });
  const groups = workTree(snapshot, context).map((group) => [
    group.label,
    ...group.children.map((row) => `${row.label} — ${row.description}`),
  ]);
  expect(groups).toEqual([
    ['Needs Attention', 'fail-1 — failed · the build is red · myproject'],
    ['In Progress', 'run-1: Add a dark theme — running · myproject-worker-1 · myproject · 2 commits'],
    [
      'Not Started',
      'open-1: Add a dark theme — open · myproject',
      'open-10: Add a dark theme — open · myproject',
      'open-2: Add a dark theme — open · myproject',
      'queued-1: Add a dark theme — queued · not before 12:11 · myproject',
    ],
    ['Done', 'done-1: Add a dark theme — done · myproject · 1 commit'],
  ]);
});

test('a unit says where its commits are, when that is not the branch that it was given', () => {
  const given = { state: 'done', branch: 'polecat/toast/issue-1' } as const;
  const head = '1a2b3c4d5e';
  const rows = workTree(
    town({
      work: [
        work({ ...given, id: 'a', commits: 1, result: { branch: given.branch, head, commits: 1 } }),
        work({
          ...given,
          id: 'b',
          commits: 2,
          result: { branch: 'feature/x', head, commits: 2, others: [{ branch: 'y', head, commits: 1 }] },
        }),
        work({ ...given, id: 'c', commits: 1, result: { head, commits: 1 } }),
      ],
    }),
    context,
  )[0]?.children.map(({ description }) => description);
  expect(rows).toEqual([
    'done · myproject · 1 commit',
    'done · myproject · 2 commits · on feature/x · also on y',
    'done · myproject · 1 commit · on no branch, at 1a2b3c4',
  ]);
});

test('a rig says its branch and what goes on in it, or what is wrong with it', () => {
  const broken = { name: 'broken', path: '/x', problem: 'The repository has a detached HEAD.' };
  const sessions = [session(), session({ id: 'x', state: 'stopped' })];
  const rows = rigTree(
    town({ rigs: [rig, broken], sessions, work: [work(), work({ id: 'w2', state: 'done' })] }),
    context,
  );
  expect(rows.map(({ label, description, icon }) => [label, description, icon.icon])).toEqual([
    ['myproject', 'main · 1 session · 1 open work unit', 'repo'],
    ['broken', 'The repository has a detached HEAD.', 'warning'],
  ]);
});

test('a unit says why the worktree that it was done in stays', () => {
  const [group] = workTree(town({ work: [work({ id: 'a', state: 'done', worktree: 'uncommitted: a.txt' })] }), context);
  expect(group?.children[0]?.description).toBe('done · myproject · its worktree stays: uncommitted: a.txt');
});
