import type { IncomingHttpHeaders } from 'node:http';
import { type Frame, pieces, type Reply, type Stream, textDeltas, wholeText } from './reply.ts';
import { conversationOf, type Item, type Kind, type ModelRequest } from './request.ts';
import { field, itemsOfResult, itemsOfText, list, textsOf } from './text.ts';

/** Reads the body of `POST /v1/chat/completions`. */
export function readOpenai(body: unknown, headers: IncomingHttpHeaders): ModelRequest {
  const messages = list(field(body, 'messages'));
  const items = messages.flatMap(itemsOf);
  const system = messages.flatMap((message) =>
    isSystem(message) ? [textsOf(field(message, 'content')).join('\n')] : [],
  );
  const tools = list(field(body, 'tools')).map((tool) => String(field(field(tool, 'function'), 'name')));
  return {
    dialect: 'openai',
    kind: kindOf(system.join('\n'), items, tools),
    conversation: conversationOf(headers['x-session-id'] ?? headers['x-session-affinity'], items),
    model: String(field(body, 'model')),
    stream: field(body, 'stream') === true,
    system,
    items,
    tools,
  };
}

/** The body of an answer that is not streamed. */
export function openaiWhole(reply: Reply): unknown {
  const calls = reply.calls.map(({ id, name, args }) => call(id, name, JSON.stringify(args)));
  const message = {
    role: 'assistant',
    content: reply.said.length > 0 ? wholeText(reply) : null,
    ...(calls.length > 0 && { tool_calls: calls }),
  };
  const choice = { index: 0, message, finish_reason: finish(reply), logprobs: null };
  return { ...envelope(reply, 'chat.completion'), choices: [choice], usage: usage(reply) };
}

/** The events of a streamed answer: text and tool calls as deltas, then the reason to stop, usage and `[DONE]`. */
export function openaiStream(reply: Reply): Stream {
  const frame = (choices: readonly unknown[], delay = 0, more: object = {}): Frame => ({
    data: JSON.stringify({ ...envelope(reply, 'chat.completion.chunk'), choices, ...more }),
    delay,
  });
  const delta = (value: object, delay = 0): Frame => frame([{ index: 0, delta: value, finish_reason: null }], delay);
  return {
    open: [delta({ role: 'assistant', content: '' })],
    content: [
      ...textDeltas(reply).map(({ text, delay }) => delta({ content: text }, delay)),
      ...reply.calls.flatMap(({ id, name, args }, index) => [
        delta({ tool_calls: [{ index, ...call(id, name, '') }] }),
        ...pieces(JSON.stringify(args), 2).map((piece) =>
          delta({ tool_calls: [{ index, function: { arguments: piece } }] }),
        ),
      ]),
    ],
    close: [
      frame([{ index: 0, delta: {}, finish_reason: finish(reply) }]),
      frame([], 0, { usage: usage(reply) }),
      { data: '[DONE]', delay: 0 },
    ],
  };
}

/** The body of an error answer. */
export function openaiError(status: number, message: string): unknown {
  return { error: { message, type: status === 429 ? 'rate_limit_error' : 'scripted_error', code: String(status) } };
}

function itemsOf(message: unknown, index: number): Item[] {
  const texts = textsOf(field(message, 'content'));
  switch (field(message, 'role')) {
    case 'user':
      return itemsOfText(texts.join('\n'), index);
    case 'assistant': {
      const tools = list(field(message, 'tool_calls')).map((entry) => String(field(field(entry, 'function'), 'name')));
      return [{ kind: 'assistant', index, text: texts.join('\n'), tools }];
    }
    case 'tool':
      return itemsOfResult(texts.join('\n'), index);
    default:
      return [];
  }
}

function isSystem(message: unknown): boolean {
  const role = field(message, 'role');
  return role === 'system' || role === 'developer';
}

function kindOf(system: string, items: readonly Item[], tools: readonly string[]): Kind {
  const last = items.findLast(({ kind }) => kind === 'user')?.text ?? '';
  if (tools.length > 0) return 'turn';
  if (/title generator/i.test(system)) return 'title';
  return /summariz/i.test(system) || /anchored summary/.test(last) ? 'compaction' : 'turn';
}

function envelope(reply: Reply, object: string): object {
  return { id: `chatcmpl-${reply.id}`, object, created: 0, model: reply.model };
}

function call(id: string, name: string, args: string): object {
  return { id: `call_${id}`, type: 'function', function: { name, arguments: args } };
}

function finish(reply: Reply): string {
  return reply.calls.length > 0 ? 'tool_calls' : 'stop';
}

function usage({ usage: { input, cached, cacheWrite, output } }: Reply): object {
  const prompt = input + cached + cacheWrite;
  return {
    prompt_tokens: prompt,
    completion_tokens: output,
    total_tokens: prompt + output,
    prompt_tokens_details: { cached_tokens: cached },
  };
}
