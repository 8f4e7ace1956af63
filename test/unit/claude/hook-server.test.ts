import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { HookServer } from '../../../shared/backends/claude/hook-server.ts';
import type { HookHandler } from '../../../shared/backends/claude/hook-server.ts';
import { silentLogger } from '../../../shared/process/logger.ts';

let folder: string;
const servers: HookServer[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gt-hooks-'));
});
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
  await rm(folder, { recursive: true, force: true });
});

async function start(handler: HookHandler = () => Promise.resolve(undefined)): Promise<HookServer> {
  const server = await HookServer.start(folder, handler, silentLogger);
  servers.push(server);
  return server;
}

const prompt = { session_id: 's', hook_event_name: 'UserPromptSubmit', prompt: 'hello', something_new: 1 };

function send(server: HookServer, body: unknown, token = server.tokenOf('run_1'), init: RequestInit = {}): Promise<Response> {
  const headers = { authorization: `Bearer ${token}` };
  return fetch(server.urlOf('run_1'), { method: 'POST', headers, body: JSON.stringify(body), ...init });
}

test('a hook reaches its run, and the answer goes back', async () => {
  const server = await start((runId, hook) => Promise.resolve({ runId, name: hook.hook_event_name }));
  const response = await send(server, prompt);
  expect(await response.json()).toEqual({ runId: 'run_1', name: 'UserPromptSubmit' });
});

test('a run that is not known gets an empty answer', async () => {
  const server = await start();
  expect(await (await send(server, prompt)).json()).toEqual({});
});

test('another run\'s token, no hook, and no such place are refused', async () => {
  let calls = 0;
  const server = await start(() => Promise.resolve({ calls: (calls += 1) }));
  expect((await send(server, prompt, server.tokenOf('run_2'))).status).toBe(401);
  expect((await send(server, { ...prompt, hook_event_name: 'Unheard' })).status).toBe(400);
  expect((await send(server, { ...prompt, prompt: 7 })).status).toBe(400);
  expect((await fetch(`http://127.0.0.1:${server.port}/`)).status).toBe(404);
  expect(calls).toBe(0);
});

test('a held hook is told when Claude hangs up', async () => {
  const hungUp = new Promise<void>((resolve) => {
    void start((_run, _hook, signal) => {
      signal.addEventListener('abort', () => resolve());
      controller.abort();
      return new Promise(() => undefined);
    }).then((server) => send(server, prompt, undefined, { signal: controller.signal }).catch(() => undefined));
  });
  const controller = new AbortController();
  await hungUp;
});

test('port and tokens survive a restart, in a private file', async () => {
  const first = await start();
  const [port, token] = [first.port, first.tokenOf('run_1')];
  await first.close();
  servers.length = 0;
  const second = await start(() => Promise.resolve({ ok: true }));
  expect(second.port).toBe(port);
  expect((await send(second, prompt, token)).status).toBe(200);
  expect((await stat(join(folder, 'hooks.json'))).mode & 0o777).toBe(0o600);
});

test('where another program has the port, a new one is chosen and kept, with the same secret', async () => {
  const first = await start();
  const [port, token] = [first.port, first.tokenOf('run_1')];
  await first.close();
  servers.length = 0;
  const other = createServer().listen(port, '127.0.0.1');
  await new Promise((resolve) => other.once('listening', resolve));
  try {
    const second = await start();
    expect(second.port).not.toBe(port);
    expect(second.tokenOf('run_1')).toBe(token);
    expect(JSON.parse(await readFile(join(folder, 'hooks.json'), 'utf8'))).toMatchObject({ port: second.port });
  } finally {
    other.close();
  }
});
