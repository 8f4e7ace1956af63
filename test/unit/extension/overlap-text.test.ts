import { expect, test } from 'vitest';
import { overlapText } from '../../../extension/views/overlap-text.ts';
import type { OverlapView } from '../../../shared/channel/views.ts';
import { context } from './fixtures.ts';

const overlap = (changes: Partial<OverlapView> = {}): OverlapView => ({
  work: 'issue-2',
  session: 'myproject-toast',
  state: 'running',
  files: ['src/a.ts'],
  moreFiles: 0,
  ...changes,
});
const text = (overlaps: OverlapView[], more = 0) => overlapText({ overlaps, more }, context.t);

test('the hint before a sling names the first branch that changes the same files, and counts the rest', () => {
  expect(text([])).toBeUndefined();
  expect(text([overlap()])).toBe('issue-2 (myproject-toast) changes src/a.ts, too.');
  const { session: _none, ...waiting } = overlap({ state: 'queued', files: ['a', 'b'], moreFiles: 3 });
  expect(text([waiting, overlap()])).toBe('issue-2 changes a and 4 more, too; and so does 1 more unit.');
  expect(text([waiting, overlap()], 2)).toBe('issue-2 changes a and 4 more, too; and so do 3 more units.');
});
