import { describe, expect, test } from 'vitest';
import type { StoredMessage } from '../../../shared/store/messages.ts';
import type { StoredEvent } from '../../../shared/store/store.ts';
import { eventText } from '../../../shared/api/event-text.ts';
import { timeline } from '../../../shared/api/timeline.ts';

const session = 'alpha-one';
const event = (at: number, type: string, detail: Record<string, unknown>): StoredEvent => ({
  at,
  sessionId: session,
  runId: 'run-1',
  type,
  detail,
});
const message = (changes: Partial<StoredMessage>) =>
  ({
    id: 'msg_1',
    from: 'overseer',
    to: session,
    kind: 'nudge',
    subject: '',
    body: 'Hello\nthere',
    state: 'accepted',
    attempts: 0,
    sentAt: 0,
    ...changes,
  }) as StoredMessage;
const parts = { session, events: [], messages: [], histories: [] };

describe('a timeline', () => {
  test('is one order of what happened, why it waits, who approved, and which message arrived when', () => {
    const entries = timeline({
      session,
      events: [
        event(1, 'session.starting', { agent: 'claude', workDir: '/w' }),
        event(3, 'session.status', { state: 'running', activity: 'busy', cause: 'prompt submitted' }),
        event(5, 'session.status', { state: 'running', activity: 'attention', cause: 'waits: Bash: ls' }),
        event(5, 'ask.asked', { ask: 'a', kind: 'permission', title: 'Bash: ls', detail: '{"command": "ls"}' }),
        event(7, 'ask.answered', { ask: 'a', title: 'Bash: ls', by: 'person', answer: 'allowed' }),
      ],
      messages: [message({ state: 'acted', sentAt: 2, deliveredAt: 4, actedAt: 8, runId: 'run-1', attempts: 1 })],
      histories: [
        {
          id: 'issue-1',
          history: [
            { at: 0, state: 'open', by: 'overseer' },
            { at: 9, state: 'done', by: session, note: 'all\ndone' },
          ],
        },
      ],
    });
    expect(entries.map(({ at, text }) => `${at} ${text}`)).toEqual([
      '0 issue-1 is open',
      '1 starts claude in /w',
      '2 nudge msg_1 from overseer: accepted: Hello there',
      '3 is running, busy (prompt submitted)',
      '4 nudge msg_1 from overseer: delivered',
      '5 waits for permission: Bash: ls',
      '7 allowed by the user: Bash: ls',
      '8 nudge msg_1 from overseer: acted',
      '9 issue-1 is done: all done',
    ]);
    expect(entries[5]).toEqual({
      at: 5,
      type: 'ask.asked',
      runId: 'run-1',
      text: 'waits for permission: Bash: ls',
      detail: '{"command": "ls"}',
    });
    expect(entries[6]).toMatchObject({ by: 'person' });
    expect(entries[8]).toMatchObject({ by: session, type: 'work.done' });
  });

  test('keeps the order in which things of one moment were recorded', () => {
    const events = ['b', 'a', 'c'].map((type) => event(1, type, {}));
    expect(timeline({ ...parts, events }).map(({ type }) => type)).toEqual(['b', 'a', 'c']);
  });

  test.each([
    [message({ kind: 'mail', subject: 'Tea', state: 'acted', readAt: 5 }), ['accepted: Tea', 'read']],
    [message({ to: 'hq-mayor', from: session }), ['accepted: Hello there']],
    [message({ kind: 'work', workId: 'issue-1', body: '' }), ['accepted: issue-1']],
    [message({ state: 'expired', reason: 'it ended' }), ['accepted: Hello there', 'expired (it ended)']],
    [message({ state: 'delivered', deliveredAt: 5, attempts: 2 }), ['accepted: Hello there', 'delivered (attempt 2)']],
  ])('of a message: %#', (stored, expected) => {
    const other = stored.to === session ? `from ${stored.from}` : `to ${stored.to}`;
    const texts = timeline({ ...parts, messages: [stored] }).map(({ text }) => text);
    expect(texts).toEqual(expected.map((text) => `${stored.kind} msg_1 ${other}: ${text}`));
  });

  test('a long or wild text is one line', () => {
    const [entry] = timeline({
      ...parts,
      events: [event(1, 'session.start-failed', { error: `a\u001b[31m\n${'b'.repeat(1_000)}` })],
    });
    expect(entry?.text).toMatch(/^did not start: a \[31m b+…$/);
    expect(entry?.text).toHaveLength(300);
  });
});

describe('an event in words', () => {
  test.each([
    [
      'session.status',
      { state: 'stopped', activity: 'unknown', cause: 'stopped on request' },
      'is stopped (stopped on request)',
    ],
    ['session.stop-requested', { by: 'hq-mayor' }, 'to be stopped, by hq-mayor'],
    [
      'ask.answered',
      { title: 'Bash: ls', by: 'policy', answer: 'allowed', rule: 'Bash(ls*)' },
      'allowed by the policy Bash(ls*): Bash: ls',
    ],
    ['ask.answered', { title: 'Bash: ls', by: 'terminal', answer: 'answered' }, 'answered in the terminal: Bash: ls'],
    [
      'ask.answered',
      { title: 'Bash: ls', by: 'nobody', answer: 'the turn ended' },
      'no longer asked (the turn ended): Bash: ls',
    ],
    ['ask.asked', { kind: 'question', title: 'Which?' }, 'waits for an answer: Which?'],
    [
      'message.in-doubt',
      { messages: 'msg_1, msg_2', attempt: 2, reason: 'no answer' },
      'attempt 2 to deliver msg_1, msg_2 failed: no answer',
    ],
    ['escalation.closed', { escalation: 'esc_1', by: 'overseer', note: 'done' }, 'esc_1 is closed by overseer: done'],
    ['reconciler.hung-turn', { action: 'restart', reason: 'no progress' }, 'restart: no progress (hung-turn)'],
    [
      'reconciler.stalled-unit',
      { action: 'requeue', reason: 'stalled', work: 'issue-1' },
      'requeue of issue-1: stalled (stalled-unit)',
    ],
    ['some.thing', { what: 'else', after: 5 }, 'some.thing, what: else, after: 5'],
    ['toString', {}, 'toString'],
  ])('%s %o', (type, detail, text) => {
    expect(eventText({ type, detail })).toBe(text);
  });
});
