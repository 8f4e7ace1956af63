import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ChannelClient } from '../../../shared/channel/client.ts';
import { protocolVersion } from '../../../shared/channel/protocol.ts';
import type { CallerView } from '../../../shared/channel/protocol.ts';
import { ChannelServer } from '../../../shared/channel/server.ts';
import { silentLogger } from '../../../shared/platform/logger.ts';
import { temporaryFolder } from '../../support/core.ts';
import { RawChannel } from '../../support/raw-channel.ts';

let folder: ReturnType<typeof temporaryFolder>;
let path: string;
let server: ChannelServer;
const callers = new Map<string, CallerView>();
const warnings: string[] = [];

beforeEach(async () => {
  folder = temporaryFolder('strangers');
  path = join(folder.path, 'private', 'host.sock');
  callers.clear();
  callers.set('right', { kind: 'person' });
  warnings.length = 0;
  server = await ChannelServer.listen(
    path,
    {
      identify: (token) => callers.get(token),
      hello: (caller) => ({ protocol: protocolVersion, town: 'test', root: '/town', host: 'here', caller }),
      handle: async () => ({}),
    },
    { ...silentLogger, warn: (line) => void warnings.push(line) },
  );
});
afterEach(async () => {
  vi.useRealTimers();
  await server.close();
  folder.remove();
});

const hello = (token = 'right') => ({ protocol: protocolVersion, token, client: 'test' }) as const;
async function silent(): Promise<Socket> {
  const socket = connect(path);
  socket.on('error', () => undefined);
  socket.resume();
  await once(socket, 'connect');
  return socket;
}

test('B16: of many who say nothing only the newest stay, everybody else is served, and one line is logged', async () => {
  const crowd = await Promise.all(Array.from({ length: 500 }, silent));
  const closed = () => crowd.filter(({ destroyed, readableEnded }) => destroyed || readableEnded).length;
  await expect.poll(closed).toBeGreaterThanOrEqual(500 - 64);
  const client = await ChannelClient.connect(path, hello());
  expect(await client.request('town.doctor', {})).toEqual({});
  expect(warnings).toHaveLength(1);
  client.close();
  for (const socket of crowd) socket.destroy();
});

test('B16: whoever does not say in time who it is, is disconnected; whoever has, stays', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const late = await silent();
  const gone = once(late, 'close');
  const client = await RawChannel.connect(path);
  await client.call('hello', hello());
  await vi.advanceTimersByTimeAsync(10_001);
  await gone;
  expect((await client.call('town.doctor', {})).result).toEqual({});
  client.close();
});

test('B16: many megabytes of depth from a caller who is known are not taken apart', async () => {
  const channel = await RawChannel.connect(path);
  await channel.call('hello', hello());
  const before = process.memoryUsage().rss;
  const begun = performance.now();
  channel.send('['.repeat(12 * 1024 * 1024));
  await channel.closed;
  const other = await ChannelClient.connect(path, hello());
  other.close();
  console.log(
    `12 MB of depth: ${Math.round(performance.now() - begun)} ms, ${Math.round((process.memoryUsage().rss - before) / 2 ** 20)} MB`,
  );
  expect(warnings).toEqual([expect.stringContaining('more than 64 levels deep')]);
});

test('B16: what is malformed is answered each time, and logged once', async () => {
  for (let count = 0; count < 50; count += 1) {
    const channel = await RawChannel.connect(path);
    channel.write('GET / HTTP/1.1\r\n\r\n');
    await channel.closed;
  }
  expect(warnings).toHaveLength(1);
});

test('one caller may not have connections without end', async () => {
  const open = await Promise.all(Array.from({ length: 256 }, () => ChannelClient.connect(path, hello())));
  await expect(ChannelClient.connect(path, hello())).rejects.toMatchObject({ code: 'refused' });
  callers.set('other', { kind: 'person' });
  const other = await ChannelClient.connect(path, hello('other'));
  for (const client of [...open, other]) client.close();
});

test('B2: rights end with what they belong to, also on a connection that is open', async () => {
  callers.set('run', { kind: 'session', session: 'hq-mayor', runId: 'run_1' });
  const mayor = await RawChannel.connect(path);
  await mayor.call('hello', { ...hello('run'), watch: true });
  expect((await mayor.call('town.doctor', {})).result).toEqual({});
  callers.delete('run');
  expect(await mayor.refusal('town.doctor', {})).toBe('denied');
  server.notify('town/changed', {});
  await mayor.closed;
});
