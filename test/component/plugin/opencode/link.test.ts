import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Link } from '../../../../plugin/opencode/link.ts';
import type { Params } from '../../../../shared/channel/protocol.ts';
import { writeHostFile } from '../../../../shared/channel/host-file.ts';
import { ChannelServer } from '../../../../shared/channel/server.ts';
import { silentLogger } from '../../../../shared/platform/logger.ts';
import { temporaryFolder } from '../../../support/core.ts';

let folder: ReturnType<typeof temporaryFolder>;
let server: ChannelServer;
const heard: Params<'inside.event'>[] = [];

beforeEach(async () => {
  folder = temporaryFolder('link');
  heard.length = 0;
  server = await ChannelServer.listen(
    join(folder.path, 'private', 'host.sock'),
    {
      identify: () => ({ kind: 'server', server: 'server-1' }),
      hello: (caller) => ({ protocol: 1, town: 'town', root: folder.path, host: 'test', caller }),
      handle: async (_caller, _method, params) => {
        heard.push(params as Params<'inside.event'>);
        return {};
      },
    },
    silentLogger,
  );
});
afterEach(async () => {
  await server.close();
  folder.remove();
});

test('a report over which the host disconnects holds up none of those that follow it, and is told of', async () => {
  const link = new Link({
    socket: join(folder.path, 'private', 'host.sock'),
    token: 't',
    server: 'server-1',
    onConnected: () => undefined,
    onLost: () => undefined,
  });
  link.report('first', {});
  link.report('deep', JSON.parse(`${'{"a":'.repeat(100)}1${'}'.repeat(100)}`) as Record<string, unknown>);
  link.report('last', {});
  await expect
    .poll(() => heard.map(({ seq, name }) => [seq, name]))
    .toEqual([
      [0, 'first'],
      [1, 'plugin.error'],
      [2, 'last'],
    ]);
  expect(heard[1]?.payload).toEqual({ type: 'deep', message: 'the host did not take this report' });
});

test('a host that is somewhere else than the one before is found by its file', async () => {
  const [told, hostFile] = [join(folder.path, 'earlier', 'host.sock'), join(folder.path, 'host.json')];
  await writeHostFile(hostFile, join(folder.path, 'private', 'host.sock'), 't');
  const link = new Link({
    ...{ socket: told, hostFile, token: 't', server: 'server-1' },
    onConnected: () => undefined,
    onLost: () => undefined,
  });
  link.report('first', {});
  await expect.poll(() => heard.map(({ name }) => name)).toEqual(['first']);
});

test('a host that comes where it was told is taken, though an old file says another place', async () => {
  const hostFile = join(folder.path, 'host.json');
  await writeHostFile(hostFile, join(folder.path, 'gone', 'host.sock'), 't');
  const link = new Link({
    ...{ socket: join(folder.path, 'private', 'host.sock'), hostFile, token: 't', server: 'server-1' },
    onConnected: () => undefined,
    onLost: () => undefined,
  });
  link.report('first', {});
  await expect.poll(() => heard.map(({ name }) => name)).toEqual(['first']);
});
