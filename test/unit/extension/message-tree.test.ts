import { expect, test } from 'vitest';
import { messageText, messageTooltip, messageTree, shownText } from '../../../extension/views/message-tree.ts';
import { messageStates } from '../../../shared/domain/message.ts';
import { context, message, minute } from './fixtures.ts';

test('a row says from whom to whom, how far it has come, what it is, how old, and its gist', () => {
  const [row] = messageTree([message()], context);
  expect(row).toMatchObject({
    id: 'message:msg_a',
    label: 'hq-mayor → myproject-worker-1',
    description: 'accepted · nudge · 3m · How is it going?',
    contextValue: 'message.accepted',
    aria: 'nudge from hq-mayor to myproject-worker-1, accepted, sent 3 minutes ago: How is it going?',
  });
  expect(
    messageTree([message({ from: 'overseer', kind: 'mail', subject: 'Door', repeated: true })], context)[0],
  ).toMatchObject({
    label: 'you → myproject-worker-1',
    description: 'accepted, possibly repeated · mail · 3m · Door',
  });
});

test('an urgent one says so', () => {
  const [row] = messageTree([message({ priority: 'urgent' })], context);
  expect(row?.description).toBe('accepted · urgent nudge · 3m · How is it going?');
  expect(row?.aria).toMatch(/^urgent nudge from hq-mayor/);
  expect(messageTooltip(message({ priority: 'urgent' }), context)).toContain('urgent nudge');
});

test('where it did not arrive, the reason stands in the row', () => {
  const [row] = messageTree([message({ state: 'dead', reason: 'no receipt' })], context);
  expect(row?.description).toBe('given up · nudge · 3m · no receipt');
});

test('every state has an icon of its own', () => {
  const rows = messageTree(
    messageStates.map((state) => message({ state })),
    context,
  );
  expect(new Set(rows.map(({ icon }) => icon.icon)).size).toBe(messageStates.length);
});

test('the hover has the time of every state, and never interprets what agents write', () => {
  const view = message({
    state: 'expired',
    reason: 'not delivered within 30 minutes',
    closedAt: context.now - minute,
    attempts: 2,
    body: '**bold** ```',
  });
  const text = messageTooltip(view, context);
  expect(text.replaceAll('\\', '')).toContain('- Because of: not delivered within 30 minutes');
  expect(text.replaceAll('\\', '')).toContain('- Accepted: 12:07, 3 minutes ago');
  expect(text.replaceAll('\\', '')).toContain('- Closed: 12:09, 1 minute ago');
  expect(text).toContain('````text\n**bold** ```\n````');
});

test('opened, it is all of the text', () => {
  const body = 'x'.repeat(10_000);
  expect(messageText(message({ body, kind: 'mail', subject: 'Door' }), context)).toMatch(
    /^mail msg_a from hq-mayor to .*\nAccepted: 2026.*\nSubject: Door\n\nx{10000}$/,
  );
});

test('a subject that is only the first words of the text is not told twice', () => {
  expect(messageText(message({ subject: 'How is' }), context)).not.toContain('Subject');
  expect(messageText(message({ subject: '' }), context)).not.toContain('Subject');
});

test('the filter is said in the title', () => {
  expect(shownText({}, context.t)).toBe('');
  expect(shownText({ state: 'dead', kind: 'mail', session: 'overseer' }, context.t)).toBe('given up · mail · you');
});
