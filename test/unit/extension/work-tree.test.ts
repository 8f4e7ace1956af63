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
