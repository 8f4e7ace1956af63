import { expect, test } from 'vitest';
import { Repetition } from '../../../shared/backends/repetition.ts';
import type { Sign } from '../../../shared/backends/repetition.ts';

const bound = 4;
let calls = 0;
const compaction: Sign = { kind: 'compaction' };
const error = (message: string): Sign => ({ kind: 'error', message });
const call = (did: string): Sign => ({ kind: 'call', id: `call_${(calls += 1)}`, tool: 'bash', did });
const times = (count: number, ...signs: (() => Sign)[]): Sign[] =>
  Array.from({ length: count }, () => signs.map((sign) => sign())).flat();
const different = (count: number): Sign[] => Array.from({ length: count }, (_, index) => call(`did ${index}`));

/** What is told at the first of these that goes too far, and which one it is. */
function told(signs: Sign[], most = bound): { at: number; what: string } | undefined {
  const repetition = new Repetition();
  for (const [at, sign] of signs.entries()) {
    const what = repetition.take(sign, most);
    if (what !== undefined) return { at, what };
  }
  return undefined;
}

test.each<[string, Sign[], { at: number; what: RegExp }]>([
  ['compactions in a row', times(9, () => compaction), { at: 3, what: /compacted 4 times in a row/ }],
  [
    'compactions with a tool or two between, whatever these do',
    Array.from({ length: 9 }, (_, index) => [compaction, call(`a ${index}`)]).flat(),
    { at: 6, what: /compacted 4 times/ },
  ],
  ['the same error', times(9, () => error('too long')), { at: 3, what: /same error came 4 times in a row: too long/ }],
  ['the same call to the same end', times(9, () => call('ls')), { at: 3, what: /called bash 4 times/ }],
  [
    'the same call with the same error each time',
    times(
      9,
      () => call('ls'),
      () => error('denied'),
    ),
    { at: 6, what: /called bash 4 times/ },
  ],
])('%s are told when there are too many', (_what, signs, expected) => {
  expect(told(signs)).toEqual({ at: expected.at, what: expect.stringMatching(expected.what) as string });
});

test.each<[string, Sign[]]>([
  ['compactions that make room for work', times(9, () => compaction).flatMap((each) => [each, ...different(5)])],
  [
    'errors that are different ones',
    times(
      9,
      () => error('a'),
      () => error('b'),
    ),
  ],
  [
    'an error that comes again after something was done',
    times(9, () => error('a')).flatMap((each) => [each, ...different(2)]),
  ],
  [
    'calls that are different ones',
    times(
      9,
      () => call('a'),
      () => call('b'),
    ),
  ],
])('%s are no circle', (_what, signs) => {
  expect(told(signs)).toBeUndefined();
});

test('the end of a call counts once, however often and late it is told', () => {
  const one = call('ls');
  expect(told([one, one, one, one, ...different(2), one, one])).toBeUndefined();
});

test('with a bound of 0 nothing is too much', () => {
  expect(
    told(
      times(100, () => compaction),
      0,
    ),
  ).toBeUndefined();
});
