/**
 * An agent program: holds a conversation with a model that speaks OpenAI's dialect, and runs the commands that it wants. It
 * compacts its conversation at SIGUSR2. With `--ask` it asks before each command.
 */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { askOnce } from '../../../shared/channel/ask-once.ts';
import { readLines } from './wire.ts';
import type { FromProgram, ToProgram } from './wire.ts';

interface Call {
  id: string;
  type: 'function';
  function: { name: string; arguments: string };
}

interface Answer {
  content: string;
  calls: Call[];
}

/** A part of a streamed answer; of a call the first one has all but most of its arguments. */
interface Chunk {
  choices: {
    delta: { content?: string; tool_calls?: (Pick<Call, 'function'> & Partial<Call> & { index: number })[] };
  }[];
}

const { GT_SOCKET: socket = '', GT_TOKEN: token = '', GT_RUN: run = '', ANTHROPIC_BASE_URL: model = '' } = process.env;
const tool = {
  type: 'function',
  function: { name: 'bash', parameters: { type: 'object', properties: { command: { type: 'string' } } } },
};
/** No real agent is faster, and what is over within one snapshot nobody sees. In ms. */
const thinks = 150;
const asks = new Map<string, (allow: boolean) => void>();

let system = '';
let conversation: object[] = [];
/** What is to be done, one after the other. */
let queue = Promise.resolve();

const say = (message: FromProgram): void => void process.stdout.write(`${JSON.stringify(message)}\n`);

/** The role context: at the start, and again after a compaction, which forgets it. */
async function renewContext(): Promise<void> {
  const { additionalContext } = await askOnce({
    socket,
    token,
    client: 'third',
    method: 'inside.hook',
    params: { name: 'context', payload: {} },
  });
  system = additionalContext ?? '';
}

async function ask(instructions: string, messages: object[], tools: object[]): Promise<Answer> {
  const body = {
    model: 'm1',
    stream: true,
    messages: [{ role: 'system', content: instructions }, ...messages],
    ...(tools.length === 0 ? {} : { tools }),
  };
  const headers = { 'content-type': 'application/json', 'x-session-id': run };
  const response = await fetch(`${model}/v1/chat/completions`, { method: 'POST', headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  const answer: Answer = { content: '', calls: [] };
  for (const line of (await response.text()).split('\n')) {
    if (!line.startsWith('data: {')) continue;
    const { delta } = (JSON.parse(line.slice('data: '.length)) as Chunk).choices[0] ?? { delta: {} };
    answer.content += delta.content ?? '';
    for (const {
      index,
      id = '',
      function: { name, arguments: piece },
    } of delta.tool_calls ?? []) {
      const call = (answer.calls[index] ??= { id, type: 'function', function: { name, arguments: '' } });
      call.function.arguments += piece;
    }
  }
  await delay(thinks);
  say({ kind: 'progress' });
  return answer;
}

async function runCommand(command: string): Promise<string> {
  if (process.argv.includes('--ask')) {
    const askId = randomUUID();
    const allow = await new Promise<boolean>((resolve) => {
      asks.set(askId, resolve);
      say({ kind: 'ask', askId, command });
    });
    if (!allow) return 'The user does not allow this.';
  }
  return new Promise((resolve) =>
    execFile('/bin/sh', ['-c', command], (error, stdout, stderr) =>
      resolve(`${stdout}${stderr}${error ? error.message : ''}`),
    ),
  );
}

/** One turn: until the model wants nothing to be run any more. Resolves with its last words. */
async function turn({ id, text }: { id: string; text: string }): Promise<string> {
  conversation.push({ role: 'user', content: text });
  say({ kind: 'taken', id });
  for (;;) {
    const { content, calls } = await ask(system, conversation, [tool]);
    conversation.push({ role: 'assistant', content, ...(calls.length === 0 ? {} : { tool_calls: calls }) });
    if (calls.length === 0) return content;
    for (const call of calls) {
      const { command } = JSON.parse(call.function.arguments) as { command: string };
      conversation.push({ role: 'tool', tool_call_id: call.id, content: await runCommand(command) });
    }
  }
}

async function compact(): Promise<void> {
  const { content } = await ask('Summarize the conversation.', conversation, []);
  conversation = [{ role: 'assistant', content }];
  await renewContext();
}

function next(act: () => Promise<void>): void {
  queue = queue.then(async () => {
    say({ kind: 'busy' });
    await act();
    say({ kind: 'idle' });
  });
}

process.on('SIGUSR2', () => next(compact));
readLines<ToProgram>(process.stdin, (message) => {
  if (message.kind === 'answer') return asks.get(message.askId)?.(message.allow);
  next(() =>
    turn(message).then(
      (words) => say({ kind: 'turn-ended', words }),
      (error: unknown) => say({ kind: 'turn-ended', failure: String(error) }),
    ),
  );
});
process.stdin.on('end', () => process.exit());
await renewContext();
say({ kind: 'ready' });
