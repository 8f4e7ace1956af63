import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { readAnthropic } from './anthropic.ts';
import { control } from './control.ts';
import { type GlobalFailure, Model, tokens } from './model.ts';
import { readOpenai } from './openai.ts';
import type { RecordedRequest, Sighting } from './record.ts';
import type { ModelRequest } from './request.ts';
import type { Rule } from './rules.ts';
import { sendJson } from './wire.ts';
import { patience } from '../patience.ts';

/** A model that says what a test scripted, in both dialects, and remembers what it was asked. */
export interface ScriptedModel {
  /** Base address, `http://127.0.0.1:PORT`. OpenAI clients want `${url}/v1`, Claude Code this. */
  readonly url: string;
  readonly port: number;
  /** All requests since the start or the last reset, in order of arrival. */
  readonly requests: readonly RecordedRequest[];
  /** Adds a rule; returns what takes it away again. */
  on(rule: Rule): () => void;
  /** Makes the next fitting turns fail, whatever is scripted for them. */
  fail(failure: GlobalFailure): void;
  /** The messages in which the model saw a text, each once. */
  seen(text: string): Sighting[];
  /** All messages that the model has seen in its turns, each once. */
  messages(): (Sighting & { readonly text: string })[];
  /** The first request, past or coming, that fits; rejects after `timeout` milliseconds (see `patience`). */
  waitFor(predicate: (entry: RecordedRequest) => boolean, timeout?: number): Promise<RecordedRequest>;
  /** Lets the answers with the step `{hold: name}` go on, now and until the next reset. */
  release(name: string): void;
  /** Forgets rules, failures and records; breaks off answers that are under way. */
  reset(): void;
  close(): Promise<void>;
}

/** Starts the scripted model on 127.0.0.1, on a random port unless one is given. Rejects where the port is taken. */
export async function startScriptedModel({ port = 0 }: { readonly port?: number } = {}): Promise<ScriptedModel> {
  const model = new Model();
  const server = createServer((request, response) => {
    route(model, request, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else sendJson(response, 500, { error: { message: `scripted model: ${String(error)}` } });
    });
  });
  // Node closes idle connections after 5 s: a client that reuses one just then would see a failure nobody scripted.
  server.keepAliveTimeout = 0;
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The scripted model has no port.');
  return {
    url: `http://127.0.0.1:${address.port}`,
    port: address.port,
    requests: model.recorder.requests,
    on: (rule) => model.rules.add(rule),
    fail: (failure) => model.fail(failure),
    seen: (text) => model.recorder.seen(text),
    messages: () => model.recorder.messages(),
    waitFor: (predicate, timeout) => model.recorder.waitFor(predicate, patience(timeout)),
    release: (name) => model.gates.release(name),
    reset: () => model.reset(),
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function route(model: Model, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const at = Date.now();
  const path = request.url ?? '/';
  const { pathname, searchParams } = new URL(path, 'http://127.0.0.1');
  const body = await read(request);
  if (body === unreadable) {
    sendJson(response, 400, {
      type: 'error',
      error: { type: 'invalid_request_error', message: 'The body is not JSON.' },
    });
    return;
  }
  const answer = (read: ModelRequest): Promise<void> =>
    model.answer({ path, headers: request.headers, at }, read, response);
  switch (`${request.method ?? ''} ${pathname}`) {
    case 'POST /v1/chat/completions':
      return answer(readOpenai(body, request.headers));
    case 'POST /v1/messages':
      return answer(readAnthropic(body, request.headers));
  }
  if (control(model, request.method ?? '', pathname, searchParams, body, response)) return;
  const counted = pathname === '/v1/messages/count_tokens' ? readAnthropic(body, request.headers, true) : undefined;
  const known = counted === undefined ? fixed.get(pathname) : { input_tokens: tokens(JSON.stringify(body).length) };
  const entry = model.recorder.add({ path, headers: request.headers, at }, counted);
  entry.step = pathname;
  entry.outcome = known === undefined ? 'failed' : 'answered';
  model.recorder.changed(entry);
  const missing = { error: { type: 'not_found_error', message: `The scripted model does not know ${path}.` } };
  sendJson(response, known === undefined ? 404 : 200, known ?? missing);
}

/** One list that reads as OpenAI's and as Anthropic's. Any other model name is answered just the same. */
const models = {
  object: 'list',
  data: [{ id: 'm1', object: 'model', created: 0, owned_by: 'scripted', type: 'model', display_name: 'Scripted' }],
  has_more: false,
  first_id: 'm1',
  last_id: 'm1',
};

/** What Claude Code asks for before its first message, and the models. */
const fixed = new Map<string, unknown>([
  ['/', {}],
  ['/api/hello', { message: 'hello' }],
  ['/v1/models', models],
]);

const unreadable = Symbol('unreadable');

async function read(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  if (chunks.length === 0) return undefined;
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    return unreadable; // Answered with 400 by the caller.
  }
}
