import { expect, test } from 'vitest';
import { classOf, isAlive, lookOf, sessionIcons } from '../../../extension/views/session-icon.ts';
import { session } from './fixtures.ts';

test('a session looks as its state says, and while it runs as its activity says', () => {
  const looks = [
    session({ state: 'starting', activity: { kind: 'unknown' } }),
    session({ activity: { kind: 'busy' } }),
    session({ activity: { kind: 'attention', ask: 'permission' } }),
    session({ activity: { kind: 'attention', ask: 'plan' } }),
    session({ activity: { kind: 'attention', ask: 'question' } }),
    session({ activity: { kind: 'attention', ask: 'dialog' } }),
    session({ activity: { kind: 'idle' }, unseen: true }),
    session({ activity: { kind: 'idle' } }),
    session({ activity: { kind: 'rate-limited', until: 0, reason: '429' } }),
    session({ activity: { kind: 'unknown' } }),
    session({ state: 'paused', activity: { kind: 'busy' } }),
    session({ state: 'failed', activity: { kind: 'unknown' } }),
    session({ state: 'failed', activity: { kind: 'unknown' }, quarantined: { at: 0, reason: '' } }),
    session({ state: 'stopped', activity: { kind: 'unknown' }, unseen: true }),
  ].map((each) => [lookOf(each), classOf(each)]);
  expect(looks).toEqual([
    ['starting', 'starting'],
    ['working', 'working'],
    ['permission', 'waiting'],
    ['plan', 'waiting'],
    ['question', 'waiting'],
    ['dialog', 'waiting'],
    ['unread', 'idle'],
    ['idle', 'idle'],
    ['limited', 'limited'],
    ['unknown', 'unknown'],
    ['paused', 'paused'],
    ['failed', 'failed'],
    ['quarantined', 'failed'],
    ['stopped', 'stopped'],
  ]);
});

test('no two looks have the same shape, so that colour is never alone', () => {
  const shapes = Object.values(sessionIcons).map(({ icon }) => icon);
  expect(new Set(shapes).size).toBe(shapes.length);
});

test('only stopped and failed sessions are not alive', () => {
  const states = (['starting', 'running', 'paused', 'stopped', 'failed'] as const).filter((state) =>
    isAlive(session({ state })),
  );
  expect(states).toEqual(['starting', 'running', 'paused']);
});

test('a session that a dialog keeps from starting waits for the person', () => {
  expect(lookOf(session({ state: 'starting', activity: { kind: 'attention', ask: 'dialog' } }))).toBe('dialog');
  expect(lookOf(session({ state: 'starting', activity: { kind: 'unknown' } }))).toBe('starting');
});
