/**
 * The calls of an Opencode server that we make, as the SDK names and types them. Its own client brings every call that there
 * is into the bundle (48 KB), so these few stand on what it stands on itself. A test compares what the two send.
 */
import { createClient } from '@opencode-ai/sdk/v2/gen/client';
import type { OpencodeClient as Sdk } from '@opencode-ai/sdk/v2/client';

type Method = 'GET' | 'PATCH' | 'POST';
export type OpencodeApi = ReturnType<typeof openApi>;

export function openApi(server: { baseUrl: string; headers: Record<string, string> }) {
  const client = createClient(server);
  client.interceptors.response.use(refusePage);
  const call = <Call>(method: Method, url: string) =>
    ((parameters?: object, options?: object) =>
      client.request({ ...options, method, url, ...slots(method, url, parameters) })) as Call;
  const plainCall = <Call>(method: Method, url: string) =>
    ((options?: object) => client.request({ ...options, method, url })) as Call;
  const stream = <Call>(url: string) => ((options?: object) => client.sse.get({ ...options, url })) as Call;
  return {
    app: { agents: call<Sdk['app']['agents']>('GET', '/agent') },
    experimental: {
      session: { list: call<Sdk['experimental']['session']['list']>('GET', '/experimental/session') },
    },
    global: {
      dispose: plainCall<Sdk['global']['dispose']>('POST', '/global/dispose'),
      event: stream<Sdk['global']['event']>('/global/event'),
      health: plainCall<Sdk['global']['health']>('GET', '/global/health'),
    },
    instance: { dispose: call<Sdk['instance']['dispose']>('POST', '/instance/dispose') },
    permission: {
      list: call<Sdk['permission']['list']>('GET', '/permission'),
      reply: call<Sdk['permission']['reply']>('POST', '/permission/{requestID}/reply'),
    },
    question: {
      list: call<Sdk['question']['list']>('GET', '/question'),
      reject: call<Sdk['question']['reject']>('POST', '/question/{requestID}/reject'),
      reply: call<Sdk['question']['reply']>('POST', '/question/{requestID}/reply'),
    },
    session: {
      abort: call<Sdk['session']['abort']>('POST', '/session/{sessionID}/abort'),
      children: call<Sdk['session']['children']>('GET', '/session/{sessionID}/children'),
      create: call<Sdk['session']['create']>('POST', '/session'),
      get: call<Sdk['session']['get']>('GET', '/session/{sessionID}'),
      messages: call<Sdk['session']['messages']>('GET', '/session/{sessionID}/message'),
      promptAsync: call<Sdk['session']['promptAsync']>('POST', '/session/{sessionID}/prompt_async'),
      status: call<Sdk['session']['status']>('GET', '/session/status'),
      update: call<Sdk['session']['update']>('PATCH', '/session/{sessionID}'),
    },
  };
}

type Slot = Record<string, unknown>;

/** Pure. Where the parameters of a call belong: in its path, in its query, or else in its body, which a GET has not. */
function slots(method: Method, url: string, parameters: object = {}): { path: Slot; query: Slot; body?: Slot } {
  const path: Slot = {};
  const query: Slot = {};
  const body: Slot = {};
  for (const [key, value] of Object.entries(parameters)) {
    const isQuery = method === 'GET' || key === 'directory' || key === 'workspace';
    const slot = url.includes(`{${key}}`) ? path : isQuery ? query : body;
    slot[key] = value;
  }
  return { path, query, ...(Object.keys(body).length === 0 ? {} : { body }) };
}

/** A server that does not know a call answers it with its web page. */
function refusePage(response: Response): Response {
  if (response.headers.get('content-type') !== 'text/html') return response;
  throw new Error('Request is not supported by this version of OpenCode Server (Server responded with text/html)');
}
