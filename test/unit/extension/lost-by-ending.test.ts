import { expect, test } from 'vitest';
import { lostByEnding } from '../../../extension/commands/lost-by-ending.ts';
import { ask, asking, context, session, work } from './fixtures.ts';

const lost = (
  ...[each, units = []]: [Parameters<typeof lostByEnding>[0], Parameters<typeof lostByEnding>[1]?]
): string[] => lostByEnding(each, units, context.t);

test('an idle session without work is ended unasked, and so is one that only starts', () => {
  expect(lost(session())).toEqual([]);
  expect(lost(session({ state: 'starting', activity: { kind: 'unknown' } }))).toEqual([]);
  expect(
    lost(session(), [work({ owner: session().id, state: 'done' }), work({ owner: 'another', state: 'running' })]),
  ).toEqual([]);
});

test('whatever a session is in the middle of is told', () => {
  expect(lost(session({ activity: { kind: 'busy' } }))).toEqual(['It is at work: what it is doing now is broken off.']);
  expect(lost(session({ activity: { kind: 'rate-limited', until: 1, reason: '' } }))).toEqual([
    'It goes on by itself when its provider answers again.',
  ]);
  expect(lost(session({ activity: { kind: 'unknown' } }))).toEqual(['It is not known whether it is at work.']);
  expect(lost(asking([ask()]))).toEqual(['It waits for your answer: Bash: npm test']);
  expect(lost(asking([]))).toEqual(['It waits for you in its terminal.']);
});

test('so are its work, and the messages that wait for it', () => {
  const units = [
    work({ owner: session().id, state: 'running' }),
    work({ id: 'issue-2', owner: session().id, state: 'stalled' }),
  ];
  expect(lost(session(), units)).toEqual(['Not done yet: issue-1, issue-2.']);
  expect(lost(session({ queued: 1 }))).toEqual(['A message to it waits, and will not arrive.']);
  expect(lost(session({ activity: { kind: 'busy' }, queued: 3 }), units)).toEqual([
    'It is at work: what it is doing now is broken off.',
    'Not done yet: issue-1, issue-2.',
    '3 messages to it wait, and will not arrive.',
  ]);
});
