import { createOpencodeClient } from '@opencode-ai/sdk/v2/client';
import { afterEach, expect, test, vi } from 'vitest';
import { openApi } from '../../../../shared/backends/opencode/api.ts';
import { answerOf } from '../../../../shared/backends/opencode/client.ts';

const server = { baseUrl: 'http://127.0.0.1:1', headers: { authorization: 'Basic x' } };
const directory = '/a town/ä&b';
const rule = { permission: '*', pattern: '*', action: 'allow' };
const id = 'ses_1/2';
const request = { requestID: 'per_1', directory };
const ours = { title: 'A title', metadata: { gastown: { run: 'r' } }, permission: [rule] };

/** For every call all the parameters that we give it; undefined: it has none. */
const given: Record<string, object | undefined> = {
  'app.agents': { directory },
  'experimental.session.list': { limit: 1 },
  'global.dispose': undefined,
  'global.event': undefined,
  'global.health': undefined,
  'instance.dispose': { directory },
  'permission.list': { directory },
  'permission.reply': { ...request, reply: 'reject', message: 'No.' },
  'question.list': { directory },
  'question.reject': request,
  'question.reply': { ...request, answers: [['Yes', 'No'], []] },
  'session.abort': { sessionID: id },
  'session.children': { sessionID: id },
  'session.create': { directory, ...ours, agent: 'build', model: { id: 'm', providerID: 'p' } },
  'session.get': { sessionID: id },
  'session.messages': { sessionID: id, directory, limit: 20 },
  'session.promptAsync': {
    sessionID: id,
    agent: 'build',
    model: { modelID: 'm', providerID: 'p' },
    variant: 'v',
    parts: [{ type: 'text', text: 'Hi' }],
  },
  'session.status': { directory },
  'session.update': { sessionID: id, ...ours },
};

const answers: [string, () => Response][] = [
  ['JSON', () => Response.json({ healthy: true })],
  ['nothing', () => new Response(null, { status: 204 })],
  ['an error', () => Response.json({ name: 'NotFound' }, { status: 404 })],
  ['an error without words', () => new Response('', { status: 500 })],
  ['a web page', () => new Response('<html>', { headers: { 'content-type': 'text/html' } })],
  [
    'none',
    () => {
      throw new TypeError('fetch failed');
    },
  ],
];

afterEach(() => void vi.unstubAllGlobals());

test('every call is compared', () => {
  expect(namesOf(openApi(server)).sort()).toEqual(Object.keys(given).sort());
});

test.each(Object.keys(given))('%s sends what the SDK sends, and says what the SDK says', async (name) => {
  for (const [, answer] of answers) {
    const [sent, said] = await made(openApi(server), name, answer);
    expect(sent).toHaveLength(1);
    expect([sent, said]).toEqual(await made(createOpencodeClient(server), name, answer));
  }
});

test('an answer of a server that does not know the call is none', async () => {
  vi.stubGlobal('fetch', () => Promise.resolve(new Response('<html>', { headers: { 'content-type': 'text/html' } })));
  await expect(answerOf('tell its health', openApi(server).global.health())).rejects.toThrow(
    /not supported by this version/,
  );
});

/** The requests of a call, and its outcome. */
async function made(client: object, name: string, answer: () => Response): Promise<[sent: unknown[], said: unknown]> {
  const sent: unknown[] = [];
  vi.stubGlobal('fetch', async (request: Request) => {
    const { method, url, headers, redirect } = request;
    sent.push({ method, url, headers: Object.fromEntries(headers), redirect, body: await request.text() });
    return answer();
  });
  const parameters = given[name];
  const options = { sseMaxRetryAttempts: 1, headers: { more: 'x' } };
  const said = await callee(client, name)(...(parameters === undefined ? [] : [parameters]), options).then(
    outcome,
    String,
  );
  return [sent, said];
}

async function outcome(result: {
  stream?: AsyncIterable<unknown>;
  data?: unknown;
  error?: unknown;
  response?: Response;
}): Promise<unknown> {
  if (!result.stream) return { data: result.data, error: result.error, status: result.response?.status };
  const frames: unknown[] = [];
  for await (const frame of result.stream) frames.push(frame);
  return frames;
}

type Call = (...parameters: object[]) => Promise<object>;

/** The SDK's calls are methods. */
function callee(client: object, name: string): Call {
  const path = name.split('.');
  const last = path.pop()!;
  const owner = path.reduce<object>((at, key) => (at as Record<string, object>)[key]!, client);
  return (...parameters) => (owner as Record<string, Call>)[last]!(...parameters);
}

function namesOf(api: object): string[] {
  return Object.entries(api).flatMap(([name, value]: [string, unknown]) =>
    typeof value === 'object' && value !== null ? namesOf(value).map((inner) => `${name}.${inner}`) : [name],
  );
}
