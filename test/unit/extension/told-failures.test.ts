import { expect, test } from 'vitest';
import { ToldFailures } from '../../../extension/notifications/told-failures.ts';

const at = (changedAt: number, id = 'issue-1') => ({ id, changedAt });

test('a failure of a sling that a command runs is told by that, and no other one', () => {
  const told = new ToldFailures();
  told.begin('issue-1', 100);
  expect([told.has(at(99)), told.has(at(150)), told.has(at(150, 'issue-2'))]).toEqual([false, true, false]);
  told.end('issue-1', true, 200);
  // The snapshot that says so comes a moment later; what becomes of the unit after that is news.
  expect([told.has(at(200)), told.has(at(201))]).toEqual([true, false]);
});

test('what becomes of a unit that was slung is news, however soon', () => {
  const told = new ToldFailures();
  told.begin('issue-1', 100);
  told.end('issue-1', false, 200);
  expect(told.has(at(150))).toBe(false);
});
