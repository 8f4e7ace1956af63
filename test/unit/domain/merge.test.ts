import { expect, test } from 'vitest';
import { canMergeMove, mergeStates } from '../../../shared/domain/merge.ts';

const from = (state: (typeof mergeStates)[number]) => mergeStates.filter((next) => canMergeMove(state, next));
const to = (state: (typeof mergeStates)[number]) => mergeStates.filter((before) => canMergeMove(before, state));

test('a pull request is made of what the queue has in hand, and leaves every decision to others', () => {
  expect(to('proposed')).toEqual(['merging', 'proposed']);
  expect(from('proposed')).toEqual(['review', 'queued', 'proposed', 'merged', 'sent-back', 'discarded']);
});

test('nothing comes back from merged, and only to review from discarded', () => {
  expect([from('merged'), from('discarded')]).toEqual([[], ['review']]);
});
