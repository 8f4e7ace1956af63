import { describe, expect, it } from 'vitest';
import { readAnthropic } from '../../support/model/anthropic.ts';
import { readOpenai } from '../../support/model/openai.ts';
import { type Item, pendingTexts } from '../../support/model/request.ts';

const user = (text: string): Item => ({ kind: 'user', index: 0, text });
const result: Item = { kind: 'result', index: 0, text: 'r' };
const calls: Item = { kind: 'assistant', index: 0, text: '', tools: ['bash'] };
const ends: Item = { kind: 'assistant', index: 0, text: 'done', tools: [] };
const stopped: Item = { kind: 'interrupt', index: 0, text: '' };
const pending = (...items: Item[]): string[] => pendingTexts(items).map(({ text }) => text);

describe('the texts still to be answered', () => {
  it('are the last one, and those whose turn it came into', () => {
    expect(pending(user('a'))).toEqual(['a']);
    expect(pending(user('a'), ends, user('b'))).toEqual(['b']);
    expect(pending(user('a'), calls, result, user('b'), calls, result)).toEqual(['a', 'b']);
    expect(pending(user('a'), calls, result, stopped, user('b'))).toEqual(['b']);
    expect(pending(user('a'), calls, result, ends)).toEqual(['a']);
  });

  it('know their ordinal in the conversation', () => {
    expect(pendingTexts([user('a'), ends, user('b'), user('c')])).toEqual([
      { text: 'b', turn: 2, at: 2 },
      { text: 'c', turn: 3, at: 3 },
    ]);
  });
});

describe('a history of Claude Code', () => {
  const messages = [
    {
      role: 'user',
      content: [
        { type: 'text', text: '<system-reminder>\ngit status\n</system-reminder>' },
        { type: 'text', text: 'do it' },
      ],
    },
    { role: 'system', content: [{ type: 'text', text: '# Environment' }] },
    {
      role: 'assistant',
      content: [
        { type: 'text', text: 'I begin' },
        { type: 'tool_use', id: 't', name: 'Bash', input: {} },
      ],
    },
    {
      role: 'user',
      content: [{ type: 'tool_result', tool_use_id: 't', content: 'out<system-reminder>later</system-reminder>' }],
    },
    {
      role: 'system',
      content:
        'The user sent a new message while you were working:\nalso\n\nthis\n\n' +
        'This is how Claude Code surfaces messages the user sends.',
    },
    { role: 'user', content: '<task-notification>ended</task-notification>' },
    { role: 'user', content: [{ type: 'text', text: '[Request interrupted by user for tool use]' }] },
  ];

  it('tells what a person said from what the program added', () => {
    const { items } = readAnthropic({ messages }, {});
    expect(items.map(({ kind, text }) => [kind, text])).toEqual([
      ['note', '\ngit status\n'],
      ['user', 'do it'],
      ['note', '# Environment'],
      ['assistant', 'I begin'],
      ['result', 'out<system-reminder>later</system-reminder>'],
      ['note', 'later'],
      ['user', 'also\n\nthis'],
      ['note', '<task-notification>ended</task-notification>'],
      ['interrupt', '[Request interrupted by user for tool use]'],
    ]);
  });

  it('belongs to the session in the header, a subagent to one of its own, else to its first text', () => {
    const session = { 'x-claude-code-session-id': 's1' };
    expect(readAnthropic({ messages }, session).conversation).toBe('s1');
    expect(readAnthropic({ messages }, { ...session, 'x-claude-code-agent-id': 'a1' }).conversation).toBe('s1/a1');
    const unnamed = readAnthropic({ messages: messages.slice(0, 1) }, {}).conversation;
    expect(unnamed).toMatch(/^text-[0-9a-f]{12}$/);
    expect(readAnthropic({ messages }, {}).conversation).toBe(unnamed);
  });

  it.each([
    ['title', { max_tokens: 1, messages: [{ role: 'user', content: 'quota' }] }],
    ['title', { system: 'Write a title for this session.', messages: [{ role: 'user', content: 'x' }] }],
    ['turn', { system: 'Be brief.', messages: [{ role: 'user', content: 'x' }] }],
    [
      'compaction',
      {
        tools: [{ name: 'Bash' }],
        messages: [
          {
            role: 'user',
            content:
              'CRITICAL: Respond with TEXT ONLY.\n\nYour task is to create a detailed summary of the conversation',
          },
        ],
      },
    ],
  ])('tells a %s from other requests', (kind, body) => {
    expect(readAnthropic(body, {}).kind).toBe(kind);
  });
});

describe('a history of Opencode', () => {
  it('ends a turn where the person aborted its tool', () => {
    const messages = [
      { role: 'system', content: 'You are opencode' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'first' },
          { type: 'text', text: 'part two' },
        ],
      },
      {
        role: 'assistant',
        content: '',
        tool_calls: [{ id: 'c', type: 'function', function: { name: 'bash', arguments: '{}' } }],
      },
      {
        role: 'tool',
        tool_call_id: 'c',
        content: '(no output)\n\n<shell_metadata>\nUser aborted the command\n</shell_metadata>',
      },
      { role: 'user', content: 'second' },
    ];
    const request = readOpenai({ messages }, { 'x-session-affinity': 'ses_1' });
    expect(request.conversation).toBe('ses_1');
    expect(request.system).toEqual(['You are opencode']);
    expect(request.items[0]).toEqual({ kind: 'user', index: 1, text: 'first\npart two' });
    expect(pendingTexts(request.items).map(({ text }) => text)).toEqual(['second']);
  });

  it.each([
    ['title', 'You are a title generator. You output ONLY a thread title.', []],
    ['compaction', 'You are a context summarization agent.', []],
    ['turn', 'You are a title generator.', [{ type: 'function', function: { name: 'bash' } }]],
  ])('tells a %s from other requests', (kind, system, tools) => {
    const messages = [
      { role: 'system', content: system },
      { role: 'user', content: 'x' },
    ];
    expect(readOpenai({ messages, tools }, {}).kind).toBe(kind);
  });
});
