import { expect, test } from 'vitest';
import { badgeOf } from '../../../extension/views/badge.ts';
import { workTree } from '../../../extension/views/work-tree.ts';
import { rigTree } from '../../../extension/views/rig-tree.ts';
import type { MergeView } from '../../../shared/channel/views.ts';
import { ask, asking, context, merge, rig, session, town, work } from './fixtures.ts';

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
    ['In Progress', 'run-1 — running · Add a dark theme · myproject-worker-1 · myproject · 2 commits'],
    [
      'Not Started',
      'open-1 — open · Add a dark theme · myproject',
      'open-10 — open · Add a dark theme · myproject',
      'open-2 — open · Add a dark theme · myproject',
      'queued-1 — queued · not before 12:11 · Add a dark theme · myproject',
    ],
    ['Done', 'done-1 — done · Add a dark theme · myproject · 1 commit'],
  ]);
});

test('a batch stands with its units in the group of the one that needs the user most, and says how far it is', () => {
  const batch = { title: 'Roofs', startedBy: 'overseer', createdAt: 0, units: [] } as const;
  const snapshot = town({
    work: [
      work({ id: 'a', state: 'done', batch: 'batch-1' }),
      work({ id: 'b', state: 'failed', batch: 'batch-1' }),
      work({ id: 'c', state: 'queued', batch: 'batch-1', after: ['a', 'b'], waitsFor: ['b'] }),
      work({ id: 'd', state: 'done', batch: 'batch-2' }),
      work({ id: 'e', state: 'done', batch: 'batch-of-last-week' }),
    ],
    batches: [
      { ...batch, id: 'batch-1', units: ['a', 'b', 'c'], done: 1, total: 3, state: 'stuck' },
      { ...batch, id: 'batch-2', title: 'Walls', units: ['d'], done: 1, total: 1, state: 'finished' },
    ],
  });
  const rows = workTree(snapshot, context).map((group) => [
    `${group.label} (${group.description})`,
    ...group.children.map((row) => [row.label, row.description, row.expanded, ...row.children.map(({ id }) => id)]),
  ]);
  expect(rows).toEqual([
    ['Needs Attention (3)', ['batch-1', '1/3 · stuck · Roofs', true, 'work:a', 'work:b', 'work:c']],
    [
      'Done (2)',
      ['batch-2', '1/1 · finished · Walls', false, 'work:d'],
      ['e', 'done · Add a dark theme · myproject', false],
    ],
  ]);
  const waiting = workTree(snapshot, context)[0]?.children[0]?.children[2];
  expect(waiting?.description).toBe('queued · waits for b · Add a dark theme · myproject');
});

test('a row begins with the id and the state, whatever the title is: a narrow side bar cuts off the rest', () => {
  const title = 'A title that goes on and on';
  const finished = work({ id: 'a', title, state: 'done', owner: 'myproject-toast' });
  const forecast = [{ work: 'b', files: ['a.ts'] }];
  const rows = workTree(
    town({
      work: [
        finished,
        work({ id: 'b', title, state: 'failed', note: 'the build is red' }),
        work({ id: 'c', title: '' }),
      ],
      merges: [merge({ work: 'a', forecast })],
    }),
    context,
  ).flatMap(({ children }) => children);
  expect(rows.map(({ label, description }) => `${label} ${description}`)).toEqual([
    `b failed · the build is red · ${title} · myproject`,
    expect.stringMatching(`^a in review · ${title} · conflicts with b: 1 file · 3 files `),
    'c open · myproject',
  ]);
  // A screen reader says the title once.
  expect(rows[1]?.aria.split(title)).toHaveLength(2);
});

test('a unit whose worktree is being made ready says what is done to it, and since when', () => {
  const stage = { text: 'runs the set-up of myproject', since: context.now };
  const [group] = workTree(town({ work: [work({ id: 'a', state: 'assigned', owner: 'x', stage })] }), context);
  expect(group?.children[0]?.description).toMatch(
    /^assigned · runs the set-up of myproject since \d\d:\d\d · Add a dark theme · x/,
  );
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
    'done · Add a dark theme · myproject · 1 commit',
    'done · Add a dark theme · myproject · 2 commits · on feature/x · also on y',
    'done · Add a dark theme · myproject · 1 commit · on no branch, at 1a2b3c4',
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
  expect(group?.children[0]?.description).toBe(
    'done · Add a dark theme · myproject · its worktree stays: uncommitted: a.txt',
  );
});

/** Group, icon and text of the row of a finished unit. */
function rowOf(changes: Partial<MergeView>): (string | undefined)[] {
  const finished = work({ state: 'done', owner: 'myproject-toast', commits: 2 });
  const [group] = workTree(town({ work: [finished], merges: [merge(changes)] }), context);
  const row = group?.children[0];
  return [
    group?.label,
    row?.icon.icon,
    row?.description.replace(' · Add a dark theme', '').replace(' · myproject-toast · myproject', ''),
  ];
}

test('a finished unit says where its branch is on its way, and how much it changes', () => {
  const size = '3 files +12 −4 · 2 commits';
  expect(rowOf({})).toEqual(['In Review', 'git-pull-request', `in review · ${size}`]);
  expect(rowOf({ reviewed: true, round: 2, openThreads: 1 })).toEqual([
    'In Review',
    'git-pull-request',
    `in review, round 2, looked at · ${size} · 1 open comment`,
  ]);
  expect(rowOf({ approvedBy: 'overseer' })).toEqual(['In Review', 'check-all', `approved · ${size}`]);
  expect(rowOf({ state: 'queued', position: 2 })).toEqual(['Merge Queue', 'list-ordered', `2nd in queue · ${size}`]);
  expect(rowOf({ state: 'merging', position: 1 })).toEqual(['Merge Queue', 'sync~spin', `merging · ${size}`]);
  expect(rowOf({ state: 'ready' })).toEqual(['Merge Queue', 'debug-pause', `ready to land · ${size}`]);
  expect(rowOf({ state: 'merged' })).toEqual(['Done', 'git-merge', `merged in main · ${size}`]);
  expect(rowOf({ state: 'discarded' })).toEqual(['Done', 'trash', `discarded · ${size}`]);
});

test('a finished unit says what is in its way, of which only a failed gate is broken', () => {
  const conflicts = [{ work: 'issue-2', files: ['a.ts', 'b.ts'] }, { files: ['a.ts'] }];
  expect(rowOf({ state: 'conflict', conflicts })[2]).toMatch(/^conflicts with issue-2: 2 files, and 1 more · /);
  expect(rowOf({ forecast: [{ files: ['a.ts'] }] })[2]).toMatch(/^in review · conflicts with main: 1 file · /);
  const gates = [
    { name: 'lint', state: 'passed' as const, took: 1 },
    { name: 'test_command', state: 'failed' as const, took: 1 },
  ];
  expect(rowOf({ state: 'gate-failed', gates }).slice(0, 2)).toEqual(['Needs Attention', 'error']);
  expect(rowOf({ state: 'gate-failed', gates })[2]).toMatch(/^gate test_command failed · /);
  expect(rowOf({ state: 'conflict' }).slice(0, 2)).toEqual(['Needs Attention', 'warning']);
});

test('a finished unit says what has become of its pull request, and what keeps it from having one', () => {
  const pull = { number: 12, url: 'https://forge.example/acme/alpha/pull/12', state: 'open' as const };
  const running = { state: 'pending' as const, failed: [], count: 2 };
  expect(rowOf({ state: 'proposed', pull: { ...pull, checks: running, review: 'required' } })).toEqual([
    'Merge Queue',
    'github',
    'checks running · review required · pull request #12 · 3 files +12 −4 · 2 commits',
  ]);
  const failed = { state: 'failed' as const, failed: ['lint'], count: 2 };
  expect(rowOf({ state: 'proposed', pull: { ...pull, checks: failed } }).slice(0, 2)).toEqual([
    'Needs Attention',
    'github',
  ]);
  const problem = { kind: 'signed-out' as const, words: 'gh is not signed in. In a terminal: gh auth login.' };
  expect(rowOf({ state: 'proposed', pull: { ...pull, problem } })[2]).toContain('not seen: gh is not signed in');
  expect(rowOf({ state: 'ready', pull: { problem } })[2]).toMatch(/^no pull request yet: gh is not signed in · /);
  expect(rowOf({ round: 2, pull })[2]).toMatch(/^in review, round 2 · pull request #12 · /);
  expect(rowOf({ pull: { ...pull, state: 'closed' } })[2]).toMatch(/^in review · pull request #12 closed · /);
});

test('a unit that was sent back is at work again, and says so', () => {
  const again = work({ state: 'running', owner: 'myproject-toast' });
  const [group] = workTree(town({ work: [again], merges: [merge({ state: 'sent-back', round: 2 })] }), context);
  expect([group?.label, group?.children[0]?.description]).toEqual([
    'In Progress',
    'running · sent back in round 2 · Add a dark theme · myproject-toast · myproject',
  ]);
});

test('the queue is shown in its own order, and a click opens what there is to decide or the page of the unit', () => {
  const units = ['a', 'b', 'c'].map((id) => work({ id, title: id, state: 'done' }));
  const merges = [
    merge({ work: 'a', state: 'queued', position: 2 }),
    merge({ work: 'b', state: 'queued', position: 1 }),
    merge({ work: 'c' }),
  ];
  const rows = workTree(town({ work: units, merges }), context).flatMap(({ children }) => children);
  expect(rows.map(({ label, opens }) => [label, opens])).toEqual([
    ['c', 'reviewWork'],
    ['b', 'showWork'],
    ['a', 'showWork'],
  ]);
});

test('the badge counts who waits for the user and what waits to be decided, and says which', () => {
  expect(badgeOf(town(), context.t)).toBeUndefined();
  const merges = [merge(), merge({ state: 'queued' }), merge({ state: 'conflict' }), merge({ approvedBy: 'overseer' })];
  expect(badgeOf(town({ merges, sessions: [asking([ask()])] }), context.t)).toEqual({
    value: 3,
    tooltip: '1 session waits for you, 2 finished units wait for you',
  });
});
