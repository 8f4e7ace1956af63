import { expect, test } from 'vitest';
import { trialsOf } from '../../../shared/merge/trial-pairs.ts';

const tip = (work: string, files: string[], base = 'old', head = `head-of-${work}`) => ({ work, head, base, files });
const pairs = (...given: Parameters<typeof trialsOf>) =>
  trialsOf(...given).map(({ a, b, shared }) => `${a.work ?? a.head} ${b.work} ${shared.join(',')}`.trim());

test('each branch is tried with its target, unless it has all of that', () => {
  expect(pairs('main', [tip('task-1', ['a']), tip('task-2', ['b'], 'main')])).toEqual(['main task-1']);
});

test('two are tried with each other where they change the same file, once', () => {
  const tips = [
    tip('task-1', ['a', 'b'], 'main'),
    tip('task-2', ['c', 'b', 'a'], 'main'),
    tip('task-3', ['c'], 'main'),
  ];
  expect(pairs('main', tips)).toEqual(['task-1 task-2 a,b', 'task-2 task-3 c']);
});

test('one without a change, and two units on one commit, have nothing to try', () => {
  const tips = [tip('task-1', []), tip('task-2', ['a'], 'main', 'same'), tip('task-3', ['a'], 'main', 'same')];
  expect(pairs('main', tips)).toEqual([]);
});
