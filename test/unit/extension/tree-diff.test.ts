import { expect, test } from 'vitest';
import { sessionTree } from '../../../extension/views/session-tree.ts';
import { changedRows, rowsToOpen } from '../../../extension/views/tree-diff.ts';
import { ask, asking, context, rig, session, town } from './fixtures.ts';

const one = session({ id: 'a', agentName: 'a' });
const two = session({ id: 'b', agentName: 'b' });
const rows = (...sessions: ReturnType<typeof session>[]) => sessionTree(town({ sessions }), context);

test('nothing is drawn again when nothing that shows has changed', () => {
  expect(changedRows(rows(one, two), rows({ ...one, cause: 'other words' }, two))).toEqual([]);
});

test('only the row that changed is drawn again', () => {
  expect(changedRows(rows(one, two), rows({ ...one, branch: 'polecat/a/issue-1' }, two))).toEqual(['session:a']);
});

test('where children come, go or move, their parent is drawn again, and nothing below it is named', () => {
  const child = { id: 'c', title: 'Explore', activity: 'idle' as const };
  expect(changedRows(rows(one, two), rows({ ...one, children: [child] }, two))).toEqual(['session:a']);
  expect(changedRows(rows(one, { ...two, state: 'starting' }), rows(one))).toEqual(['town']);
});

test('asks of a session that waits on are drawn at the session', () => {
  const second = ask({ id: 'ask-2', title: 'Edit: main.ts' });
  const waits = (...asks: ReturnType<typeof ask>[]) => rows(asking(asks, { id: 'a', agentName: 'a' }));
  expect(changedRows(waits(ask(), second), waits(ask()))).toEqual(['session:a']);
});

test('everything is drawn again when the top rows change', () => {
  expect(changedRows([], rows(one))).toBe('all');
  expect(changedRows(rows(one), [])).toBe('all');
  expect(changedRows(rows(), sessionTree(town({ rigs: [rig, { ...rig, name: 'other' }] }), context))).toEqual(['town']);
});

test('a shut row opens when its session begins to ask, and only then', () => {
  const children = [{ id: 'c', title: 'Explore', activity: 'busy' as const }];
  const works = rows({ ...one, children }, two);
  const asks = rows(asking([ask()], { id: 'a', agentName: 'a', children }), two);
  expect(rowsToOpen(works, asks)).toEqual(['session:a']);
  expect(rowsToOpen(asks, asks)).toEqual([]);
  expect(rowsToOpen(asks, works)).toEqual([]);
  expect(rowsToOpen([], asks)).toEqual([]);
});

test('a rig that gets its first session is opened', () => {
  const before = sessionTree(town({ rigs: [rig], sessions: [] }), context);
  const after = sessionTree(town({ rigs: [rig], sessions: [one] }), context);
  expect(rowsToOpen(before, after)).toEqual([`rig:${rig.name}`]);
});
