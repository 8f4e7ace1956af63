import { describe, expect, test } from 'vitest';
import { nextBatch } from '../../../shared/messages/batch.ts';
import type { MessageKind, Priority } from '../../../shared/domain/message.ts';

const entry = (
  id: string,
  facts: { kind?: MessageKind; priority?: Priority; attempts?: number; bytes?: number } = {},
) => ({
  id,
  kind: 'nudge' as MessageKind,
  priority: 'normal' as Priority,
  attempts: 0,
  bytes: 10,
  ...facts,
});
const urgent = { priority: 'urgent' } as const;
const bounds = { entries: 3, bytes: 100 } as never;
const ids = (due: ReturnType<typeof entry>[]) =>
  nextBatch(due, ({ bytes }) => bytes, bounds)
    .map(({ id }) => id)
    .join(' ');

describe('what goes into one delivery', () => {
  test.each([
    ['nothing', [], ''],
    ['all, in order', [entry('a'), entry('b')], 'a b'],
    ['urgent ones first', [entry('a'), entry('b', urgent), entry('c', urgent)], 'b c a'],
    ['at most so many', [entry('a'), entry('b'), entry('c'), entry('d')], 'a b c'],
    ['at most so much text', [entry('a', { bytes: 60 }), entry('b', { bytes: 60 }), entry('c')], 'a'],
    ['one that is too long, alone', [entry('a', { bytes: 500 }), entry('b')], 'a'],
    ['work before the rest', [entry('a'), entry('w', { kind: 'work' }), entry('b', urgent)], 'w b a'],
    ['one unit of work', [entry('v', { kind: 'work' }), entry('w', { kind: 'work' }), entry('a')], 'v a'],
    ['one that failed before, alone', [entry('a', { attempts: 1 }), entry('b')], 'a'],
    ['nothing together with one that failed before', [entry('a'), entry('b', { attempts: 1 }), entry('c')], 'a'],
    ['an urgent one before one that failed', [entry('a', { attempts: 1 }), entry('b', urgent)], 'b'],
  ])('%s', (_what, due, expected) => {
    expect(ids(due)).toBe(expected);
  });
});
