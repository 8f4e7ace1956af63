/** Which waits may be allowed by their title alone: those whose title is all of it. */
import { expect, test } from 'vitest';
import { waitsOf } from '../../../shared/attention/waits.ts';
import { askOfRequest } from '../../../shared/backends/claude/permission.ts';
import { observe } from '../../../shared/backends/opencode/facts.ts';
import type { Ask } from '../../../shared/domain/activity.ts';
import { ask, asking } from '../extension/fixtures.ts';

const isAtAGlance = (each: Ask): boolean => waitsOf(asking([each]))[0]?.atAGlance ?? false;

function claude(tool: string, input: Record<string, unknown>): Ask {
  return askOfRequest(
    'a',
    {
      hook_event_name: 'PermissionRequest',
      session_id: 's',
      tool_name: tool,
      tool_input: input,
      permission_suggestions: [],
    },
    1,
  );
}

const shell = (command: string): Ask => claude('Bash', { command, description: 'Runs it' });

test('a short command on one line is', () => {
  expect(isAtAGlance(shell('npm run test -- --grep "a b"'))).toBe(true);
  expect(isAtAGlance(shell('echo $(whoami) > out.txt; rm x'))).toBe(true);
});

test.each([
  ['one that was cut', 'npm run test -- --grep x && '.repeat(5)],
  ['one that fills more than a notification', `echo ${'x'.repeat(96)}`],
  ['several lines', 'npm test\ngit push origin HEAD'],
  ['blanks that were folded', 'npm  test'],
  ['a tab', 'npm\ttest'],
  ['a direction mark', 'rm \u202Etxt.a'],
  ['an invisible sign', 'rm a\u200Bb'],
  ['what a notification would show as a link', 'echo [safe](https://example.com)'],
])('a command with %s is not', (_what, command) => {
  expect(isAtAGlance(shell(command))).toBe(false);
});

test('whatever has more to it than its title is not: edits, files, addresses, unknown tools, plans, questions', () => {
  expect(isAtAGlance(claude('Edit', { file_path: '/a', old_string: 'x', new_string: 'y' }))).toBe(false);
  expect(isAtAGlance(claude('Write', { file_path: '/a', content: '' }))).toBe(false);
  expect(isAtAGlance(claude('Read', { file_path: '/a' }))).toBe(false);
  expect(isAtAGlance(claude('WebFetch', { url: 'https://example.com', prompt: 'x' }))).toBe(false);
  expect(isAtAGlance(claude('mcp__server__tool', { path: 'x', force: true }))).toBe(false);
  expect(isAtAGlance(claude('Bash', { command: 'ls', dangerouslyDisableSandbox: true }))).toBe(false);
  expect(isAtAGlance(claude('ExitPlanMode', { plan: 'Do it.' }))).toBe(false);
  expect(isAtAGlance(claude('AskUserQuestion', { questions: [{ question: 'Which?', options: [] }] }))).toBe(false);
  expect(isAtAGlance(ask({ kind: 'plan' }))).toBe(false);
});

test('the same holds for Opencode, whose asks name their parts as well', () => {
  const asked = (permission: string, patterns: string[], metadata: Record<string, unknown>): boolean => {
    const properties = { id: 'p', sessionID: 's', permission, patterns, metadata };
    const [seen] = observe({ type: 'permission.asked', properties }, 1);
    return seen?.kind === 'asked' && isAtAGlance(seen.ask);
  };
  expect(asked('bash', ['npm test', 'git push *'], { command: 'npm test && git push origin HEAD' })).toBe(true);
  expect(asked('bash', ['npm test', 'git push *'], {})).toBe(false);
  expect(asked('edit', ['src/a.js'], { filepath: 'src/a.js', diff: '+x' })).toBe(false);
  expect(asked('external_directory', ['/etc/*'], {})).toBe(false);
});
