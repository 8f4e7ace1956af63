import { afterEach, beforeEach, expect, it } from 'vitest';
import type { MergeView } from '../../../../shared/channel/views.ts';
import { FakeTown } from './support.ts';

let town: FakeTown;

beforeEach(async () => {
  town = await FakeTown.start();
});
afterEach(() => town.stop());

const merge = (work: string, facts: Partial<MergeView>): MergeView => ({
  work,
  rig: 'demo',
  branch: `polecat/toast/${work}`,
  target: 'main',
  base: '1',
  head: '2',
  state: 'queued',
  round: 1,
  reviewed: true,
  openThreads: 0,
  comments: 0,
  createdAt: 0,
  changedAt: 0,
  ...facts,
});

it('gt queue shows places, what would conflict, and why something waits', async () => {
  const forecast = [{ files: ['a.txt', 'b.txt'] }, { work: 'task-9', files: ['c.txt'] }];
  const merges = [
    merge('task-1', { position: 2, forecast: [] }),
    merge('task-2', { position: 1, forecast }),
    merge('task-3', { state: 'ready', why: 'main could not be moved: unstaged changes' }),
  ];
  town.answers = { 'merge.list': { merges } };
  const { code, out } = await town.gt(['queue', '--rig', 'demo']);
  expect([code, out.split('\n')]).toEqual([
    0,
    [
      'WORK    STATE     INTO  WOULD CONFLICT WITH                  WHY',
      'task-3  ready     main  -                                    main could not be moved: unstaged changes',
      'task-2  queued 1  main  main (a.txt, b.txt); task-9 (c.txt)  -',
      'task-1  queued 2  main  nothing                              -',
      '',
    ],
  ]);
  const narrow = (await town.gt(['queue'], { width: 80 })).out.trimEnd().split('\n');
  expect(narrow).toEqual([
    'WORK    STATE     INTO  WOULD CONFLICT WITH  WHY',
    'task-3  ready     main  -                    main could not be moved: unstaged',
    '                                             changes',
    'task-2  queued 1  main  main (a.txt, b.txt…  -',
    'task-1  queued 2  main  nothing              -',
  ]);
  expect(JSON.parse((await town.gt(['queue', '--json'], { width: 80 })).out)).toEqual(merges);
  expect(town.asked()[0]).toEqual(['merge.list', { rig: 'demo' }]);
});

it('gt queue says what has become of pull requests, and asks first where that is wanted', async () => {
  const pull = { number: 7, url: 'https://forge.example/acme/alpha/pull/7', state: 'open' as const };
  const checks = { state: 'failed' as const, failed: ['lint'], count: 2 };
  const problem = { kind: 'signed-out' as const, words: 'gh is not signed in. In a terminal: gh auth login.' };
  const merges = [
    merge('task-1', { state: 'proposed', pull: { ...pull, checks } }),
    merge('task-2', { state: 'ready', pull: { problem }, why: problem.words }),
    merge('task-3', { state: 'proposed', pull: { ...pull, problem } }),
  ];
  town.answers = { 'merge.list': { merges }, 'merge.refresh': { merges: [merges[0]!] } };
  const { code, out } = await town.gt(['queue', '--refresh']);
  expect([code, out.split('\n').slice(1)]).toEqual([
    0,
    [
      `task-1  proposed  main  -                    pull request #7: checks failed (lint); ${pull.url}`,
      'task-2  ready     main  -                    gh is not signed in. In a terminal: gh auth login.',
      `task-3  proposed  main  -                    pull request #7: open; gh is not signed in. In a terminal: gh auth login. Then have it looked at again: gt queue --refresh; ${pull.url}`,
      '',
    ],
  ]);
  expect(town.asked()).toEqual([
    ['merge.refresh', {}],
    ['merge.list', {}],
  ]);
});

it('gt queue says once what fails on the target itself, quoted, with where it is', async () => {
  const commit = 'a1b2c3d4e5f6';
  const gates = [
    { name: 'test_command', state: 'failed' as const, took: 1, log: '/logs/t.log', tail: 'it leaks\nbadly' },
  ];
  const why = 'test_command fails on main itself, at a1b2c3d4e5';
  const merges = ['task-1', 'task-2'].map((id, at) =>
    merge(id, { position: at + 1, why, targetRed: { commit, gates } }),
  );
  town.answers = { 'merge.list': { merges } };
  expect((await town.gt(['queue'])).out.split('\n').slice(4)).toEqual([
    'test_command failed on main of demo itself, at a1b2c3d4e5; all of its output: /logs/t.log',
    '> it leaks',
    '> badly',
    "What fails there, too, waits until main moves or the rig's settings change. To try at once: gt merge task-1",
    '',
  ]);
});

it('gt merge puts a unit into the queue', async () => {
  town.answers = { 'merge.queue': merge('task-1', {}) };
  expect((await town.gt(['merge', 'task-1'])).out).toBe('task-1 is queued; it goes into main.\n');
  expect(town.asked()).toEqual([['merge.queue', { id: 'task-1' }]]);
});
