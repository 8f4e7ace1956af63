import { expect, test } from 'vitest';
import {
  aggregateText,
  longAge,
  sessionDescription,
  sessionSentence,
  shortAge,
  shortAggregateText,
  waitSentence,
} from '../../../extension/views/session-text.ts';
import { waitsOf } from '../../../shared/attention/waits.ts';
import { ask, asking, context, minute, session } from './fixtures.ts';

test('ages are whole units, and never negative when clocks disagree', () => {
  const ages = [-5, 0.5, 1, 59, 60, 119, 23 * 60, 24 * 60, 50 * 60].map((minutes) => context.now - minutes * minute);
  expect(ages.map((since) => shortAge(since, context))).toEqual([
    'now',
    'now',
    '1m',
    '59m',
    '1h',
    '1h',
    '23h',
    '1d',
    '2d',
  ]);
  expect(ages.map((since) => longAge(since, context))).toEqual([
    'less than a minute',
    'less than a minute',
    '1 minute',
    '59 minutes',
    '1 hour',
    '1 hour',
    '23 hours',
    '1 day',
    '2 days',
  ]);
});

test('the description says activity, age, agent and branch, and unread mail where there is some', () => {
  const busy = session({ activity: { kind: 'busy' }, branch: 'polecat/worker-1/issue-1' });
  const glm = session({ agent: 'opencode-glm', unreadMail: 2 });
  const limited = session({ activity: { kind: 'rate-limited', until: context.now + 25 * minute, reason: '429' } });
  const failing = session({
    activity: { kind: 'rate-limited', until: context.now + 25 * minute, reason: '500', failing: true },
  });
  expect([busy, glm, limited, failing].map((each) => sessionDescription(each, context))).toEqual([
    'working · 3m · opencode · polecat/worker-1/issue-1',
    'idle · 3m · opencode-glm on opencode · 2 unread',
    'rate-limited until 12:35 · 3m · opencode',
    'provider fails, tries again at 12:35 · 3m · opencode',
  ]);
});

test('the row and the screen reader say why a message waits, where its terminal is in use', () => {
  const held = session({ queued: 1, held: 'terminal-in-use' });
  expect(sessionDescription(held, context)).toBe('1 message waits: its terminal is in use · idle · 3m · opencode');
  expect(sessionDescription({ ...held, queued: 2 }, context)).toMatch(/^2 messages wait: its terminal is in use · /);
  expect(sessionSentence(held, context)).toContain('idle, 1 message waits: its terminal is in use, for 3 minutes');
  expect(sessionDescription({ ...held, queued: 0 }, context)).not.toContain('waits');
});

test('screen readers hear who, where, what it waits for and for how long', () => {
  const mayor = session({ role: 'mayor', agentName: '', rig: '', backend: 'claude', agent: 'claude' });
  expect(sessionSentence(asking([ask()]), context)).toBe(
    'session worker-1, polecat of rig myproject, waiting for permission: Bash: npm test, for 2 minutes, agent opencode',
  );
  expect(sessionSentence(mayor, context)).toBe('session Mayor, idle, for 3 minutes, agent claude');
  const [wait] = waitsOf(asking([ask({ resolvable: false })]));
  expect(waitSentence(session(), wait!, context)).toBe(
    'worker-1 (myproject) asks: Bash: npm test, for 2 minutes. It can only be answered in its terminal',
  );
});

test('a parent counts what is below it by what matters most', () => {
  const sessions = [
    session({ activity: { kind: 'busy' } }),
    asking([ask()]),
    session({ state: 'stopped' }),
    asking([ask({ kind: 'plan' })]),
    session(),
  ];
  expect(aggregateText(sessions, context.t)).toBe('2 waiting · 1 working · 1 idle · 1 stopped');
  expect(shortAggregateText(sessions, context.t)).toBe('2 waiting · 1 working · 1 idle');
  expect(aggregateText([], context.t)).toBe('no sessions');
});

test('a session that has ended says why its worktree stays', () => {
  expect(sessionDescription(session({ state: 'stopped', worktree: 'git has it locked' }), context)).toMatch(
    /^stopped · its worktree stays: git has it locked · /,
  );
});
