import { expect, test } from 'vitest';
import { tooltipOf } from '../../../extension/views/tooltip.ts';
import { ask, asking, context, town, work } from './fixtures.ts';

const waiting = asking([ask({ title: 'Bash: echo **hi** `x`', detail: 'echo ```\nrm' })], {
  cause: 'permission.asked',
});
const snapshot = town({ sessions: [waiting], work: [work({ state: 'running', owner: waiting.id })] });

test('a session tells since when, why, what it asks, its work and where it is', () => {
  const text = tooltipOf({ kind: 'session', session: waiting.id }, snapshot, context) ?? '';
  const plain = text.replaceAll('\\', '');
  for (const part of [
    'waiting for permission',
    '2 minutes, since 12:08',
    'permission.asked',
    'issue-1',
    waiting.workDir,
  ]) {
    expect(plain).toContain(part);
  }
});

test('what agents write is shown, never interpreted', () => {
  const text = tooltipOf({ kind: 'session', session: waiting.id }, snapshot, context) ?? '';
  expect(text).toContain('\\*\\*hi\\*\\*');
  const detail =
    tooltipOf({ kind: 'ask', session: waiting.id, run: waiting.runId, ask: 'ask-1' }, snapshot, context) ?? '';
  expect(detail).toContain('````text\necho ```\nrm\n````');
});

test('a wait without an ask says what is known of it, and where to answer', () => {
  const dialog = asking([], { id: 'd', cause: 'Claude asks' });
  const text = tooltipOf({ kind: 'ask', session: 'd', run: 'run-1' }, town({ sessions: [dialog] }), context);
  expect(text).toBe('**Claude asks**\n\nIt can only be answered in its terminal.');
});

test('a row whose thing is gone has none', () => {
  expect(tooltipOf({ kind: 'session', session: 'gone' }, snapshot, context)).toBeUndefined();
  expect(
    tooltipOf({ kind: 'ask', session: waiting.id, run: waiting.runId, ask: 'gone' }, snapshot, context),
  ).toBeUndefined();
});
