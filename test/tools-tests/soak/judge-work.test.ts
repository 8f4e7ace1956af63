import { expect, test } from 'vitest';
import { judgeWork } from '../../soak/judge-work.ts';
import type { WorkBooks } from '../../soak/judge-work.ts';
import { doubleOwners, OwnershipWatch } from '../../soak/ownership.ts';
import type { Look, Past } from '../../soak/ownership.ts';

const books = (change: Partial<WorkBooks>): WorkBooks => ({
  units: [],
  confirmed: new Set(),
  reported: new Map(),
  live: new Set(['alpha-one']),
  twice: [],
  ...change,
});

test('units that have an end, wait for somebody, or are seen to be stalled are in order', () => {
  const units = [
    { id: 'a', state: 'done', owner: 'alpha-gone' },
    { id: 'b', state: 'open' },
    { id: 'c', state: 'failed' },
    { id: 'd', state: 'stalled', owner: 'alpha-one' },
    { id: 'e', state: 'escalated', owner: 'alpha-one' },
  ];
  const { figures, problems } = judgeWork(
    books({
      units,
      confirmed: new Set(['a', 'b']),
      reported: new Map([
        ['a', 'done'],
        ['e', 'failed'],
      ]),
    }),
  );
  expect(problems).toEqual([]);
  expect(figures).toEqual({ units: 5, lost: 0, ownerless: 0, doubleOwned: 0 });
});

test.each<[string, Partial<WorkBooks>, object]>([
  ['forgotten', { confirmed: new Set(['a']) }, { lost: 1 }],
  ['reported in vain', { units: [{ id: 'a', state: 'open' }], reported: new Map([['a', 'done']]) }, { lost: 1 }],
  [
    'running for ever at a session that rests',
    { units: [{ id: 'a', state: 'running', owner: 'alpha-one' }] },
    { lost: 1 },
  ],
  ['without an owner', { units: [{ id: 'a', state: 'running' }] }, { ownerless: 1 }],
  ['of a session that has ended', { units: [{ id: 'a', state: 'stalled', owner: 'alpha-gone' }] }, { ownerless: 1 }],
  ['of two sessions', { twice: ['a'] }, { doubleOwned: 1 }],
])('a unit that is %s is told', (_what, change, expected) => {
  const { figures, problems } = judgeWork(books(change));
  expect(figures).toMatchObject(expected);
  expect(problems).toHaveLength(1);
});

const one = { id: 'alpha-one', runId: 'run_1', state: 'running' };
const two = { id: 'alpha-two', runId: 'run_2', state: 'running' };
const has = (owner: string | undefined, changedAt: number, state = 'running') => [
  { id: 'a', state, changedAt, ...(owner === undefined ? {} : { owner }) },
];
const history = (...states: string[]) => states.map((state, index) => ({ unit: 'a', state, at: index + 1 }));

test.each<[string, Look[], Past[], number]>([
  [
    'from one that works',
    [
      { sessions: [one, two], work: has(one.id, 2) },
      { sessions: [one, two], work: has(two.id, 4) },
    ],
    history('assigned', 'running', 'assigned', 'running'),
    1,
  ],
  [
    'from one that was stalled before',
    [
      { sessions: [one, two], work: has(one.id, 3) },
      { sessions: [one, two], work: has(two.id, 4) },
    ],
    history('stalled', 'assigned', 'running', 'assigned'),
    1,
  ],
  [
    'from one that has ended',
    [
      { sessions: [one, two], work: has(one.id, 1) },
      { sessions: [{ ...one, state: 'failed' }, two], work: has(two.id, 2) },
    ],
    [],
    0,
  ],
  [
    'from one that runs anew',
    [
      { sessions: [one, two], work: has(one.id, 1) },
      { sessions: [{ ...one, runId: 'run_3' }, two], work: has(two.id, 2) },
    ],
    [],
    0,
  ],
  [
    'from one that is stalled',
    [
      { sessions: [one, two], work: has(one.id, 2, 'stalled') },
      { sessions: [one, two], work: has(two.id, 3) },
    ],
    history('running', 'stalled', 'assigned'),
    0,
  ],
  [
    'between two looks, as stalled and queued again',
    [
      { sessions: [one, two], work: has(one.id, 1) },
      { sessions: [one, two], work: has(two.id, 4) },
    ],
    history('running', 'stalled', 'queued', 'assigned'),
    0,
  ],
  [
    'after it was put back',
    [
      { sessions: [one, two], work: has(one.id, 1) },
      { sessions: [one, two], work: has(undefined, 2, 'open') },
      { sessions: [one, two], work: has(two.id, 3) },
    ],
    history('running', 'open', 'assigned'),
    0,
  ],
])('a unit that goes %s', (_what, looks, past, found) => {
  const watch = new OwnershipWatch();
  for (const look of looks) watch.see(look);
  expect(doubleOwners(watch.passings, past)).toHaveLength(found);
});
