import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { launchKey, ServerPool } from '../../../../shared/backends/opencode/server-pool.ts';
import { readServerRecord, writeServerRecord } from '../../../../shared/backends/opencode/server-record.ts';
import type { ResolvedAgent } from '../../../../shared/domain/agent.ts';
import { silentLogger } from '../../../../shared/platform/logger.ts';
import { fakeAgent, temporaryFolder } from '../../../support/core.ts';

/** What passes for `opencode serve`: it notes that it was started, and listens only when the gate is there. */
const program = (starts: string, gate: string): string => `#!${process.execPath}
const { appendFileSync, existsSync, watch } = require('node:fs');
const { dirname } = require('node:path');
const gate = ${JSON.stringify(gate)};
appendFileSync(${JSON.stringify(starts)}, process.pid + '\\n');
const server = require('node:http').createServer(({ url }, response) => {
  const isStream = url.startsWith('/global/event');
  response.writeHead(200, { 'content-type': isStream ? 'text/event-stream' : 'application/json' });
  if (isStream) response.write(':\\n\\n');
  else response.end(JSON.stringify({ healthy: true, version: '1.18.33' }));
});
let opened = false;
const look = () => {
  if (opened || !existsSync(gate)) return;
  opened = true;
  const port = Number(process.argv[process.argv.indexOf('--port') + 1]);
  server.listen(port, '127.0.0.1', () => console.log('opencode server listening on ' + port));
};
watch(dirname(gate), look);
look();
`;

const lingerMs = 30_000;
let folder: ReturnType<typeof temporaryFolder>;
let starts: string;
let gate: string;
let agent: ResolvedAgent;
let pool: ServerPool;

const makePool = (): ServerPool =>
  new ServerPool({
    folder: join(folder.path, 'opencode'),
    environment: { HOME: folder.path, PATH: process.env['PATH'] },
    socket: join(folder.path, 'socket'),
    hostFile: join(folder.path, 'host.json'),
    pluginFile: join(folder.path, 'gastown.js'),
    host: { log: silentLogger, now: Date.now, awake: () => performance.now() },
    onGone: () => undefined,
  });
const started = (): string[] => (existsSync(starts) ? readFileSync(starts, 'utf8').trim().split('\n') : []);
const acquire = () => pool.acquire(agent, folder.path, [], new AbortController().signal);
/** The pool's own timers ring as if so long had passed; what they begin is begun. */
const pass = async (ms: number): Promise<void> => {
  await vi.advanceTimersByTimeAsync(ms);
  await new Promise((resolve) => setImmediate(resolve));
};

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  folder = temporaryFolder('server-pool');
  mkdirSync(join(folder.path, 'gate'));
  starts = join(folder.path, 'starts');
  gate = join(folder.path, 'gate', 'open');
  const command = join(folder.path, 'opencode-slow');
  writeFileSync(command, program(starts, gate));
  chmodSync(command, 0o700);
  agent = { ...fakeAgent, command };
});
afterEach(async () => {
  vi.useRealTimers();
  await pool.dispose();
  folder.remove();
});

test('a server that takes long to come up is not stopped with what an earlier one left', async () => {
  const launch = launchKey(agent, agent.command);
  const left = { id: 'left', launch, program: agent.command, port: 1, password: 'p', token: 't' };
  // Its process has ended: only the record is left of it.
  await writeServerRecord(join(folder.path, 'opencode', launch), { ...left, pid: 2 ** 22 + 1, startTime: '1' });
  pool = makePool();
  const acquired = acquire();
  await expect.poll(started).toHaveLength(1);
  await pass(lingerMs + 1_000);
  writeFileSync(gate, '');
  const link = await acquired;
  await pass(lingerMs + 1_000);
  await pass(lingerMs + 1_000);
  expect(await link.server.isAlive()).toBe(true);
  expect(await acquire()).toBe(link);
  expect(started()).toEqual([String(link.server.identity.pid)]);
});

test('whoever comes while a server is slow to come up gets that one', async () => {
  pool = makePool();
  const first = acquire();
  await expect.poll(started).toHaveLength(1);
  await pass(lingerMs + 1_000);
  const second = acquire();
  writeFileSync(gate, '');
  expect(await second).toBe(await first);
  expect(started()).toHaveLength(1);
});

test('what an earlier host left, and nobody takes up, is cleaned up', async () => {
  const launch = launchKey(agent, agent.command);
  const left = { id: 'left', launch, program: agent.command, port: 1, password: 'p', token: 't' };
  await writeServerRecord(join(folder.path, 'opencode', launch), { ...left, pid: 2 ** 22 + 1, startTime: '1' });
  pool = makePool();
  await pass(lingerMs + 1_000);
  await expect.poll(() => readServerRecord(join(folder.path, 'opencode', launch))).toBeUndefined();
  expect(started()).toEqual([]);
});
