import { describe, expect, test } from 'vitest';
import type { PermissionRequest } from '../../../../shared/backends/claude/hook-payloads.ts';
import { askOfRequest, decisionOf } from '../../../../shared/backends/claude/permission.ts';

function request(tool_name: string, tool_input: Record<string, unknown>): PermissionRequest {
  const permission_suggestions = [{ type: 'addRules', destination: 'localSettings', behavior: 'allow', rules: [] }];
  return { session_id: 's', hook_event_name: 'PermissionRequest', tool_name, tool_input, permission_suggestions };
}

const decision = (value: unknown) => ({ hookSpecificOutput: { hookEventName: 'PermissionRequest', decision: value } });
const bash = request('Bash', { command: 'npm test\n  --all', description: 'Runs tests' });
const colour = { question: 'Which?', options: [{ label: 'Blue', description: 'as the sky' }, { label: 'Red' }] };

describe('askOfRequest', () => {
  test('a tool by the argument that says most, on one line', () => {
    const ask = askOfRequest('a', bash, 5);
    expect(ask).toMatchObject({
      id: 'a',
      kind: 'permission',
      title: 'Bash: npm test --all',
      resolvable: true,
      since: 5,
    });
    expect(ask.detail).toContain('Runs tests');
  });

  test('a long title is cut', () => {
    const { title } = askOfRequest('a', request('Bash', { command: 'x'.repeat(500) }), 0);
    expect(title).toHaveLength(120);
    expect(title.endsWith('…')).toBe(true);
  });

  test('a tool without telling arguments by its name', () => {
    expect(askOfRequest('a', request('mcp__x__y', { depth: 1 }), 0).title).toBe('mcp__x__y');
  });

  test('a plan with its text', () => {
    expect(askOfRequest('a', request('ExitPlanMode', { plan: '1. Do' }), 0)).toMatchObject({
      kind: 'plan',
      detail: '1. Do',
    });
  });

  test('a question with its options', () => {
    const ask = askOfRequest('a', request('AskUserQuestion', { questions: [colour] }), 0);
    expect(ask).toMatchObject({ kind: 'question', title: 'Which?', options: ['Blue', 'Red'], resolvable: true });
    expect(ask.detail).toBe('Which?\n- Blue: as the sky\n- Red');
  });

  test('several questions, and one with several answers, with what each wants', () => {
    const toppings = { ...colour, question: 'What on top?', multiSelect: true };
    expect(askOfRequest('a', request('AskUserQuestion', { questions: [colour, toppings] }), 0)).toMatchObject({
      options: [],
      questions: [
        { text: 'Which?', options: ['Blue', 'Red'], multiple: false },
        { text: 'What on top?', options: ['Blue', 'Red'], multiple: true },
      ],
      resolvable: true,
    });
    expect(askOfRequest('a', request('AskUserQuestion', { questions: [colour] }), 0)).not.toHaveProperty('questions');
    expect(askOfRequest('a', request('AskUserQuestion', { questions: [toppings] }), 0).questions).toHaveLength(1);
    expect(askOfRequest('a', request('AskUserQuestion', {}), 0)).toMatchObject({ resolvable: false });
  });

  test.each([
    ['Bash', { command: 'ls', description: 'x' }, { argument: 'ls', kind: 'shell' }],
    ['Write', { file_path: '/a', content: 'x' }, { argument: '/a', kind: 'path' }],
    ['WebFetch', { url: 'https://a', prompt: 'x' }, { argument: 'https://a', kind: 'text' }],
    ['mcp__x__y', { path: '/a', mode: 'w' }, { argument: '{"path":"/a","mode":"w"}', kind: 'text' }],
    ['toString', {}, { argument: '{}', kind: 'text' }],
  ])('what %s would do, for the allow-list', (tool, input, call) => {
    expect(askOfRequest('a', request(tool, input), 0).calls).toEqual([{ tool, ...call }]);
  });

  test('no pattern stands for a call outside the sandbox, or without its argument', () => {
    expect(
      askOfRequest('a', request('Bash', { command: 'ls', dangerouslyDisableSandbox: true }), 0),
    ).not.toHaveProperty('calls');
    expect(askOfRequest('a', request('Bash', {}), 0)).not.toHaveProperty('calls');
  });
});

describe('decisionOf', () => {
  test('allows, for the session only where it is to be remembered', () => {
    expect(decisionOf(bash, { kind: 'allow' })).toEqual(decision({ behavior: 'allow' }));
    const updatedPermissions = [{ type: 'addRules', destination: 'session', behavior: 'allow', rules: [] }];
    expect(decisionOf(bash, { kind: 'allow', remember: true })).toEqual(
      decision({ behavior: 'allow', updatedPermissions }),
    );
  });

  test('denies with words', () => {
    expect(decisionOf(bash, { kind: 'deny', message: 'No.' })).toEqual(decision({ behavior: 'deny', message: 'No.' }));
  });

  test('answers by the question, several choices in one', () => {
    const asked = request('AskUserQuestion', { questions: [colour] });
    const answer = decisionOf(asked, { kind: 'answers', answers: [['Blue', 'Red']] });
    expect(answer).toEqual(
      decision({ behavior: 'allow', updatedInput: { questions: [colour], answers: { 'Which?': 'Blue, Red' } } }),
    );
  });

  test('refuses an answer that does not fit', () => {
    const asked = request('AskUserQuestion', { questions: [colour] });
    expect(() => decisionOf(asked, { kind: 'allow' })).toThrow('choose one of its answers');
    expect(() => decisionOf(asked, { kind: 'answers', answers: [] })).toThrow('There are 1 questions, but 0 answers');
    expect(() => decisionOf(bash, { kind: 'answers', answers: [['x']] })).toThrow('allow or deny');
  });
});
