import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ChannelClient } from '../../../shared/channel/client.ts';
import { protocolVersion } from '../../../shared/channel/protocol.ts';
import { readHostFile } from '../../../shared/town/host-file.ts';
import type { TownHost } from '../../../shared/town/host.ts';
import { joinTown } from '../../../shared/town/join.ts';
import { HostLock } from '../../../shared/town/lock.ts';
import { makeBareTown } from '../../support/bare-host.ts';
import type { BareTown } from '../../support/bare-host.ts';
import { temporaryFolder } from '../../support/core.ts';

let town: BareTown;
let host: TownHost;
let temporary: ReturnType<typeof temporaryFolder>;

beforeEach(async () => {
  // A folder of sockets of its own, which a cleaner may delete.
  temporary = temporaryFolder('s');
  vi.stubEnv('TMPDIR', temporary.path);
  town = await makeBareTown();
  host = await town.host();
  await host.api.request('work.add', { id: 'before', description: 'Known before' });
});
afterEach(async () => {
  await host.dispose();
  town.remove();
  vi.unstubAllEnvs();
  temporary.remove();
});

const soon = (check: () => unknown) =>
  vi.waitFor(async () => expect(await check()).toBeTruthy(), { timeout: 8_000, interval: 10 });
const problems = (): string => host.snapshot.problems.map(({ message }) => message).join('\n');
const deleteRuntime = (): void => rmSync(town.paths.runtime, { recursive: true });
const answers = async (): Promise<boolean> => {
  const file = await readHostFile(town.paths.hostFile);
  if (!file || !existsSync(file.socket)) return false;
  const client = await ChannelClient.connect(file.socket, {
    protocol: protocolVersion,
    token: file.token,
    client: 'gt',
  });
  const { work } = await client.request('town.snapshot', {});
  client.close();
  return work.some(({ id }) => id === 'before');
};
const units = (of: TownHost): string[] => of.snapshot.work.map(({ id }) => id).sort();

describe('when .runtime is deleted under the living host', () => {
  test('everything is made again from memory, it is told, and nothing is lost at the next start', async () => {
    deleteRuntime();
    await soon(() => existsSync(join(town.paths.bin, 'gt')) && existsSync(town.paths.hostFile) && problems() !== '');
    expect(statSync(town.paths.runtime).mode & 0o777).toBe(0o700);
    expect(statSync(town.paths.database).mode & 0o777).toBe(0o600);
    expect(existsSync(join(town.paths.runtime, '.gitignore'))).toBe(true);
    expect(problems()).toMatch(
      /host\.lock, .*town\.db, .*host\.json, .*bin\/gt were deleted while the town was open, and are made again/,
    );
    expect(await answers()).toBe(true);
    await host.api.request('work.add', { id: 'after', description: 'Known after' });
    await host.dispose();
    host = await town.host();
    expect(units(host)).toEqual(['after', 'before']);
    expect(problems()).toBe('');
  });

  test('what is asked for in that very moment is not written into the deleted file', async () => {
    deleteRuntime();
    await host.api.request('work.add', { id: 'just-then', description: 'In between' });
    expect(HostLock.tryAcquire(town.paths.hostLock)).toBeUndefined();
    await host.dispose();
    host = await town.host();
    expect(units(host)).toEqual(['before', 'just-then']);
  });

  test('a window that comes in that moment is its client, never a second host', async () => {
    deleteRuntime();
    const second = await joinTown(town.options);
    expect(second.role).toBe('client');
    expect(second.snapshot.work.map(({ id }) => id)).toEqual(['before']);
    await second.dispose();
  });

  test('a host that finds the town taken over lets go, keeps what it knew, and leaves the other one alone', async () => {
    deleteRuntime();
    mkdirSync(town.paths.runtime, { mode: 0o700 });
    const theirs = HostLock.tryAcquire(town.paths.hostLock)!;
    writeFileSync(town.paths.hostFile, '{"theirs":true}');
    await host.ended;
    expect(town.logged.join('\n')).toMatch(
      /another process hosts the town by now. What this window knew is kept as .*town\.db\.left-/,
    );
    await expect(host.api.request('work.add', { description: 'Too late' })).rejects.toMatchObject({ code: 'no-host' });
    expect(existsSync(town.paths.hostFile)).toBe(true);
    expect(theirs.isInPlace()).toBe(true);
    theirs.release();
  });
});

describe('a part of it', () => {
  test.each<[string, (paths: BareTown['paths']) => string]>([
    ['the database', ({ database }) => database],
    ['the lock', ({ hostLock }) => hostLock],
    ['the host file', ({ hostFile }) => hostFile],
    ['the launchers', ({ bin }) => bin],
    ['the socket', ({ socket }) => socket],
    ['the folder of the socket', ({ socket }) => dirname(socket)],
  ])('%s is made again', async (_what, pathOf) => {
    const path = pathOf(town.paths);

    rmSync(path, { recursive: true });
    await soon(() => existsSync(path));
    await soon(answers);
    await soon(() => problems().includes('made again'));
    expect(HostLock.tryAcquire(town.paths.hostLock)).toBeUndefined();
  });

  test('a connection that is open stays when the socket is made again', async () => {
    const second = await joinTown(town.options);
    rmSync(town.paths.socket);
    await soon(() => existsSync(town.paths.socket));
    await second.api.request('work.add', { id: 'by-second', description: 'Still here' });
    expect(second.role).toBe('client');
    await soon(() => units(host).includes('by-second'));
    await second.dispose();
  });

  test('another database in its place is set aside, not written over', async () => {
    rmSync(town.paths.database);
    writeFileSync(town.paths.database, 'somebody put this here');
    await soon(() => problems().includes('what had taken its place is kept as'));
    await host.dispose();
    host = await town.host();
    expect(units(host)).toEqual(['before']);
  });
});
