import { expect, test } from 'vitest';
import { tooltipOf } from '../../../extension/views/tooltip.ts';
import { ask, asking, context, merge, town, work } from './fixtures.ts';

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

test('a town tells in which rig, and of which agent, nothing is started', () => {
  const breaker = { state: 'open' as const, reason: 'it is broken' };
  const parts = [
    { rig: 'alpha', breaker },
    { rig: '', breaker },
    { program: 'wrapped', breaker },
  ];
  const text = tooltipOf(
    { kind: 'town' },
    town({ backends: [{ name: 'claude', health: 'ok', parts }] }),
    context,
  )?.replaceAll('\\', '');
  for (const whose of ['claude in rig alpha', "claude in the town's folder", 'Agent wrapped'])
    expect(text).toMatch(new RegExp(`${whose}.*nothing is started: it is broken`));
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

test('a unit names what it would conflict with, those of the same files together, and of many the first ones', () => {
  const files = ['src/a.ts', 'src/b.ts'];
  const forecast = [
    ...Array.from({ length: 7 }, (_, number) => ({ work: `issue-${number + 2}`, files })),
    { files: Array.from({ length: 8 }, (_, number) => `docs/${number}.md`) },
  ];
  const unit = work({ state: 'done' });
  const text = tooltipOf(
    { kind: 'work', work: unit.id },
    town({ work: [unit], merges: [merge({ forecast })] }),
    context,
  );
  const lines = (text ?? '')
    .replaceAll('\\', '')
    .split('\n')
    .filter((line) => line.startsWith('- Would conflict with'));
  expect(lines).toEqual([
    '- Would conflict with: issue-2, issue-3, issue-4, issue-5, issue-6, 2 more: src/a.ts, src/b.ts',
    '- Would conflict with: main: docs/0.md, docs/1.md, docs/2.md, docs/3.md, docs/4.md, 3 more',
  ]);
});

test('a pull request that could not be looked at says in words of the editor how it is again', () => {
  const problem = { kind: 'signed-out' as const, words: 'gh is not signed in. In a terminal: gh auth login.' };
  const unit = work({ state: 'done' });
  const merges = [merge({ work: unit.id, state: 'proposed', pull: { number: 7, state: 'open', problem } })];
  const text = tooltipOf({ kind: 'work', work: unit.id }, town({ work: [unit], merges }), context) ?? '';
  expect(text.replaceAll('\\', '')).toContain(
    `${problem.words} Then have it looked at again: "Gas Town: Refresh Pull Requests"`,
  );
});
