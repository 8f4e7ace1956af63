import { expect, test } from 'vitest';
import { acceptedIn, askedIn, idsIn, reportedIn, sightingsIn } from '../../soak/sightings.ts';

const user = (conversation: string, text: string) => ({ conversation, role: 'user', text });

test('an entry is seen once for each message that carries its mark, several in one message each', () => {
  const seen = sightingsIn([
    user('a', '[gt msg_one] Nudge from the user: hello\n[gt msg_two] Nudge from b: and you'),
    user('b', '[gt msg_two] Nudge from b: and you'),
    user('b', 'The words msg_plain and [gt:] are no marks.'),
    user('b', '[gt closed_unit-1_12] Nudge from Gas Town: it is no longer yours'),
    { conversation: 'b', role: 'note', text: '[gt msg_note] not put there by the town' },
  ]);
  expect(Object.fromEntries(seen)).toEqual({
    msg_one: { times: 1, mostInOne: 1 },
    msg_two: { times: 2, mostInOne: 1 },
    'closed_unit-1_12': { times: 1, mostInOne: 1 },
  });
});

test('a mark that is quoted in its own text counts once', () => {
  expect(sightingsIn([user('a', '[gt msg_one] see [gt msg_one]')]).get('msg_one')).toEqual({ times: 1, mostInOne: 1 });
});

test('tools tell of letters, of accepted messages and of reports', () => {
  const results = [
    'nudge msg_a1 to alpha-one: accepted.\nmail msg_b2 to alpha-two: refused (too many).',
    'msg_c3 from alpha-one at 2026\n\nHello',
    'unit-7 is reported: done.',
  ];
  expect([...idsIn(results)]).toEqual(['msg_a1', 'msg_b2', 'msg_c3']);
  expect([...acceptedIn(results)]).toEqual(['msg_a1']);
  expect([...reportedIn(results)]).toEqual([['unit-7', 'done']]);
});

test('when a model was asked with an entry: the first time, and the last in the turn about it', () => {
  const turn = (time: number, ...userTexts: string[]) => ({ kind: 'turn', time, userTexts });
  const asked = askedIn([
    { kind: 'title', time: 1, userTexts: ['[gt msg_a] one'] },
    turn(2, '[gt msg_a] one'),
    turn(3, '[gt msg_a] one'),
    turn(4, '[gt msg_a] one', '[gt msg_b] two', '[gt msg_c] three'),
    turn(5, '[gt msg_a] one', '[gt msg_b] two', '[gt msg_c] three'),
  ]);
  expect([...asked]).toEqual([
    ['msg_a', { first: 2, last: 3 }],
    ['msg_b', { first: 4, last: 4 }],
    ['msg_c', { first: 4, last: 5 }],
  ]);
});
