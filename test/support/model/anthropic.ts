import type { IncomingHttpHeaders } from 'node:http';
import { type Frame, pieces, type Reply, type Stream, textDeltas, wholeText } from './reply.ts';
import { conversationOf, type Item, type Kind, type ModelRequest } from './request.ts';
import { field, itemOfNote, itemsOfResult, itemsOfText, list, textsOf } from './text.ts';

/** Reads the body of `POST /v1/messages` (and of `/v1/messages/count_tokens`, which is of kind `other`). */
export function readAnthropic(body: unknown, headers: IncomingHttpHeaders, counting = false): ModelRequest {
  const messages = list(field(body, 'messages'));
  const items = messages.flatMap(itemsOf);
  const system = textsOf(field(body, 'system'));
  const tools = list(field(body, 'tools')).map((tool) => String(field(tool, 'name')));
  const format = field(field(body, 'output_config'), 'format') ?? field(body, 'output_format');
  const jsonField = Object.keys(Object(field(field(format, 'schema'), 'properties')) as object)[0];
  const session = headers['x-claude-code-session-id'];
  // Subagents share their parent's session id; each has a history of its own.
  const agent = headers['x-claude-code-agent-id'];
  return {
    dialect: 'anthropic',
    kind: counting ? 'other' : kindOf(body, system.join('\n'), items, tools),
    conversation: conversationOf(agent === undefined ? session : `${String(session)}/${String(agent)}`, items),
    model: String(field(body, 'model')),
    stream: field(body, 'stream') === true,
    system,
    items,
    tools,
    ...(jsonField !== undefined && { jsonField }),
  };
}

/** The body of an answer that is not streamed. */
export function anthropicWhole(reply: Reply): unknown {
  const content = [
    ...(reply.said.length > 0 ? [{ type: 'text', text: wholeText(reply) }] : []),
    ...reply.calls.map(({ id, name, args }) => ({ type: 'tool_use', id: `toolu_${id}`, name, input: args })),
  ];
  return { ...message(reply), content, stop_reason: finish(reply), usage: usage(reply) };
}

/** The events of a streamed answer, from `message_start` to `message_stop`; tool input comes as `input_json_delta`. */
export function anthropicStream(reply: Reply): Stream {
  const event = (type: string, more: object = {}, delay = 0): Frame => {
    return { event: type, data: JSON.stringify({ type, ...more }), delay };
  };
  const block = (index: number, start: object, deltas: readonly { value: object; delay: number }[]): Frame[] => [
    event('content_block_start', { index, content_block: start }),
    ...deltas.map(({ value, delay }) => event('content_block_delta', { index, delta: value }, delay)),
    event('content_block_stop', { index }),
  ];
  const said = reply.said.length > 0;
  const texts = textDeltas(reply).map(({ text, delay }) => ({ value: { type: 'text_delta', text }, delay }));
  const calls = reply.calls.flatMap(({ id, name, args }, index) =>
    block(
      index + (said ? 1 : 0),
      { type: 'tool_use', id: `toolu_${id}`, name, input: {} },
      pieces(JSON.stringify(args), 2).map((piece) => ({
        value: { type: 'input_json_delta', partial_json: piece },
        delay: 0,
      })),
    ),
  );
  const first = { ...usage(reply), output_tokens: 1 };
  return {
    open: [event('message_start', { message: { ...message(reply), content: [], stop_reason: null, usage: first } })],
    content: [...(said ? block(0, { type: 'text', text: '' }, texts) : []), ...calls],
    close: [
      event('message_delta', { delta: { stop_reason: finish(reply), stop_sequence: null }, usage: usage(reply) }),
      event('message_stop'),
    ],
  };
}

/** The body of an error answer, with the error type that the real service gives for the status. */
export function anthropicError(status: number, text: string): unknown {
  const types: Readonly<Record<number, string>> = {
    400: 'invalid_request_error',
    401: 'authentication_error',
    403: 'permission_error',
    404: 'not_found_error',
    429: 'rate_limit_error',
    529: 'overloaded_error',
  };
  return { type: 'error', error: { type: types[status] ?? 'api_error', message: text } };
}

function itemsOf(entry: unknown, index: number): Item[] {
  const content = field(entry, 'content');
  switch (field(entry, 'role')) {
    case 'user':
      if (typeof content === 'string') return itemsOfText(content, index);
      return list(content).flatMap((block) => itemsOfBlock(block, index));
    case 'assistant': {
      const calls = list(content).filter((block) => field(block, 'type') === 'tool_use');
      const tools = calls.map((block) => String(field(block, 'name')));
      return [{ kind: 'assistant', index, text: textsOf(content).join('\n'), tools }];
    }
    default:
      // System messages inside the conversation: what hooks add, and what the user says in the middle of a turn.
      return textsOf(content).map((text) => itemOfNote(text, index));
  }
}

function itemsOfBlock(block: unknown, index: number): Item[] {
  if (field(block, 'type') === 'tool_result') {
    return itemsOfResult(textsOf(field(block, 'content')).join('\n'), index);
  }
  return textsOf([block]).flatMap((text) => itemsOfText(text, index));
}

function kindOf(body: unknown, system: string, items: readonly Item[], tools: readonly string[]): Kind {
  const last = items.findLast(({ kind }) => kind === 'user')?.text ?? '';
  if (/tasked with summarizing conversations/.test(system)) return 'compaction';
  if (/^(?:CRITICAL:[\s\S]*?)?Your task is to create a detailed summary of/.test(last)) return 'compaction';
  if (tools.length > 0) return 'turn';
  return field(body, 'max_tokens') === 1 || /\btitle\b/i.test(system) ? 'title' : 'turn';
}

function message(reply: Reply): object {
  return { id: `msg_${reply.id}`, type: 'message', role: 'assistant', model: reply.model, stop_sequence: null };
}

function finish(reply: Reply): string {
  return reply.calls.length > 0 ? 'tool_use' : 'end_turn';
}

function usage({ usage: { input, cached, cacheWrite, output } }: Reply): object {
  return {
    input_tokens: input,
    cache_read_input_tokens: cached,
    cache_creation_input_tokens: cacheWrite,
    output_tokens: output,
  };
}
