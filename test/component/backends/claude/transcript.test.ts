import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { hookPayload, sessionStartPayload } from '../../../../shared/backends/claude/hook-payloads.ts';
import {
  inTranscript,
  lastFailureIn,
  lastWordsIn,
  recordNamed,
} from '../../../../shared/backends/claude/transcript.ts';
import { temporaryFolder } from '../../../support/core.ts';

// Lines as Claude Code 2.1.330 writes them, without what nobody reads.
const at = '2026-11-23T09:55:19.901Z';
const user = { type: 'user', isSidechain: false, timestamp: at, message: { role: 'user', content: 'Do it.' } };
const said = {
  type: 'assistant',
  isSidechain: false,
  timestamp: at,
  message: { content: [{ type: 'text', text: 'I look at it.' }] },
};
const result = {
  type: 'user',
  isSidechain: false,
  timestamp: at,
  message: { content: [{ type: 'tool_result', content: 'ok' }] },
};
const failed = (error: string, text: string) => ({
  ...{ type: 'assistant', isSidechain: false, timestamp: at, error, isApiErrorMessage: true },
  message: { model: '<synthetic>', content: [{ type: 'text', text }] },
});
const after = [
  { type: 'system', subtype: 'turn_duration', timestamp: at },
  { type: 'last-prompt', lastPrompt: 'Do it.' },
];

let folder: ReturnType<typeof temporaryFolder>;

beforeEach(() => {
  folder = temporaryFolder('transcript');
});
afterEach(() => folder.remove());

function conversation(...lines: object[]): { configDir: string; claudeSession: string } {
  const project = join(folder.path, 'projects', '-town');
  mkdirSync(project, { recursive: true });
  writeFileSync(
    join(project, 'one.jsonl'),
    `${lines.map((line) => JSON.stringify(line)).join('\n')}\n{"type":"user","mess`,
  );
  return { configDir: folder.path, claudeSession: 'one' };
}

test('a turn that the provider made fail says why, in the words of the hook that told of it', async () => {
  const text = 'API Error: Request rejected (429) · scripted failure';
  expect(await lastFailureIn(conversation(user, failed('rate_limit', text), ...after))).toEqual({
    kind: 'rate-limit',
    reason: text,
  });
  expect(
    await lastFailureIn(conversation(user, said, result, failed('server_error', 'API Error: 500'), ...after)),
  ).toEqual({ kind: 'provider', reason: 'API Error: 500' });
});

test('the end of a limit is counted from when it was said', async () => {
  const until = Date.parse(at) + 60_000;
  const text = `Claude usage limit reached|${(until / 1000) | 0}`;
  expect(await lastFailureIn(conversation(user, failed('rate_limit', text)))).toEqual({
    kind: 'rate-limit',
    reason: text,
    until: Math.trunc(until / 1000) * 1000,
  });
});

test.each([
  ['ended well', [user, failed('server_error', 'API Error: 500'), user, said, ...after]],
  ['goes on', [user, failed('server_error', 'API Error: 500'), ...after, user]],
  ['uses a tool', [user, failed('server_error', 'API Error: 500'), user, said, result]],
  ['has a sub-agent that failed', [user, said, { ...failed('server_error', 'API Error: 500'), isSidechain: true }]],
  ['was never begun', []],
])('a turn that %s did not fail', async (_what, lines) => {
  expect(await lastFailureIn(conversation(...lines))).toBeUndefined();
});

test('what the model said last is not what Claude Code says of an error', async () => {
  expect(await lastWordsIn(conversation(user, said, result, failed('server_error', 'API Error: 500')))).toBe(
    'I look at it.',
  );
  expect(await lastWordsIn(conversation(user, result))).toBeUndefined();
});

test('the model has what it was given, not what a hook refused, what waits in the queue, or what a tool read', async () => {
  const prompt = (id: string) => `[gt ${id}] Nudge from the user: hello`;
  const at330 = { timestamp: at, isSidechain: false };
  const record = conversation(
    { ...user, message: { role: 'user', content: prompt('msg_given') } },
    { ...user, message: { role: 'user', content: [{ type: 'text', text: prompt('msg_blocks') }] } },
    { ...at330, type: 'attachment', attachment: { type: 'queued_command', prompt: prompt('msg_between') } },
    {
      ...at330,
      type: 'system',
      subtype: 'informational',
      content: `UserPromptSubmit operation blocked by hook: no\n\nOriginal prompt: ${prompt('msg_refused')}`,
    },
    { type: 'queue-operation', operation: 'enqueue', timestamp: at, content: prompt('msg_queued') },
    { type: 'last-prompt', lastPrompt: prompt('msg_last') },
    { ...result, message: { content: [{ type: 'tool_result', content: prompt('msg_read') }] } },
    { ...user, isMeta: true, message: { role: 'user', content: prompt('msg_meta') } },
  );
  const ids = [
    'msg_given',
    'msg_blocks',
    'msg_between',
    'msg_refused',
    'msg_queued',
    'msg_last',
    'msg_read',
    'msg_meta',
  ];
  const { given, newest } = await inTranscript(record, ids);
  expect(given).toMatchObject(['msg_given', 'msg_blocks', 'msg_between'].map((id) => ({ id, answered: false })));
  expect(newest).toBe(Date.parse(at));
});

test('what came before the last thing that the model said, it has had', async () => {
  const prompt = (id: string) => ({ ...user, message: { role: 'user', content: `[gt ${id}] Nudge: hello` } });
  const { given } = await inTranscript(conversation(prompt('msg_had'), said, prompt('msg_new')), [
    'msg_had',
    'msg_new',
  ]);
  expect(given).toMatchObject([
    { id: 'msg_had', answered: true },
    { id: 'msg_new', answered: false },
  ]);
});

test.each([
  ['/home/me/.claude/projects/-town/one.jsonl', '/home/me/.claude/projects/-town/one.jsonl'],
  ['/linked/.claude/projects/-town/one.jsonl', '/home/me/.claude/projects/-town/one.jsonl'],
  ['/dev/zero', undefined],
  ['/home/me/.claude/projects/-town/two.jsonl', undefined],
  ['/home/me/.claude/projects/-town/../one.jsonl', undefined],
  ['one.jsonl', undefined],
  ['/one.jsonl', undefined],
  ['', undefined],
])('a hook that names %j leads to %j', (path, file) => {
  expect(recordNamed(path, { configDir: '/home/me/.claude', claudeSession: 'one' })).toBe(file);
});

test.each(['../../one', 'a/b', 'one\0', '..', ''])('a hook of a session with the id %j is none', (id) => {
  expect(hookPayload.safeParse({ session_id: id, hook_event_name: 'SubagentStop' }).success).toBe(false);
  expect(sessionStartPayload.safeParse({ session_id: id }).success).toBe(false);
  expect(sessionStartPayload.safeParse({ session_id: '0b1f-A_9' }).success).toBe(true);
});

test('a transcript that is a pipe cannot be read, which is told at once', async () => {
  const where = conversation(user);
  const file = join(folder.path, 'projects', '-town', 'one.jsonl');
  rmSync(file);
  execFileSync('mkfifo', [file]);
  await expect(inTranscript(where, ['msg_1'])).rejects.toThrow('is no regular file');
});
