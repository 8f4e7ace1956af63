import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ChannelClient } from '../../../shared/channel/client.ts';
import { protocolVersion } from '../../../shared/channel/protocol.ts';
import { spoolFolder } from '../../../shared/channel/spool.ts';
import { readHostFile } from '../../../shared/channel/read-host-file.ts';
import type { TownHost } from '../../../shared/host/host.ts';
import { joinTown } from '../../../shared/host/membership.ts';
import { HostLock } from '../../../shared/host/host-lock.ts';
import { makeBareTown } from '../../support/bare-host.ts';
import type { BareTown } from '../../support/bare-host.ts';
import { temporaryFolder } from '../../support/core.ts';
import { patience } from '../../support/patience.ts';
import { booksOf, unitRows } from '../../support/questions.ts';

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
  vi.waitFor(async () => expect(await check()).toBeTruthy(), { timeout: patience(), interval: 10 });
const problems = (): string => host.snapshot.problems.map(({ message }) => message).join('\n');
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
  test('everything is made again from memory, it is told, and nothing is lost at the next start [holds 6]', async () => {
    town.deleteRuntime();
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
    town.deleteRuntime();
    await host.api.request('work.add', { id: 'just-then', description: 'In between' });
    expect(HostLock.tryAcquire(town.paths.hostLock)).toBeUndefined();
    await host.dispose();
    host = await town.host();
    expect(units(host)).toEqual(['before', 'just-then']);
  });

  test('a window that comes in that moment is its client, never a second host [holds 2]', async () => {
    town.deleteRuntime();
    const second = await joinTown(town.options);
    expect(second.role).toBe('client');
    expect(second.snapshot.work.map(({ id }) => id)).toEqual(['before']);
    await second.dispose();
  });

  test('a host that finds the town taken over lets go, keeps what it knew, and leaves the other one alone', async () => {
    town.deleteRuntime();
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

describe('when something else is in the place of .runtime', () => {
  const away = (): string => join(town.root, 'runtime-away');

  beforeEach(async () => {
    renameSync(town.paths.runtime, away());
    writeFileSync(town.paths.runtime, 'in the way');
    await soon(() => problems().includes('.runtime is no folder now. Move away what is there.'));
  });

  test('everything is made again when that goes', async () => {
    rmSync(town.paths.runtime);
    await soon(answers);
    await soon(() => problems().includes('are made again'));
    expect(problems()).not.toContain('is no folder');
  });

  test('nothing is told any more when all is put back', async () => {
    rmSync(town.paths.runtime);
    renameSync(away(), town.paths.runtime);
    await soon(() => problems() === '');
    await soon(answers);
  });
});

describe('a part of it', () => {
  test.each<[string, (paths: BareTown['paths']) => string]>([
    ['the database', ({ database }) => database],
    ['the log of the database', ({ database }) => `${database}-wal`],
    ['the index of that log', ({ database }) => `${database}-shm`],
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

  test('the folder of kept reports, where something else was at the start, is made when that goes', async () => {
    await host.dispose();
    const folder = spoolFolder(town.root);
    rmSync(folder, { recursive: true });
    writeFileSync(folder, 'in the way');
    host = await town.host();
    expect(await answers()).toBe(true);
    expect(problems()).toContain(`${folder} is no folder, so what sessions report`);
    rmSync(folder);
    await soon(() => existsSync(folder) && !problems().includes('is no folder'));
    expect(statSync(folder).mode & 0o777).toBe(0o700);
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

test('what is written after the log of the database was deleted is there at the next start', async () => {
  rmSync(`${town.paths.database}-wal`);
  await host.api.request('work.add', { id: 'just-then', description: 'In between' });
  expect(unitRows(booksOf(town.paths.database)).map(({ id }) => id)).toEqual(['before', 'just-then']);
  await soon(() => problems().includes('town.db-wal was deleted'));
  expect(readdirSync(town.paths.runtime).filter((name) => name.includes('found'))).toEqual([]);
});

describe('when the folder of the town itself goes', () => {
  const told = (): string => town.logged.join('\n');
  const refused = async (): Promise<void> => {
    await expect(host.api.request('work.add', { description: 'Too late' })).rejects.toMatchObject({ code: 'no-host' });
  };

  test('by a move, it is not made again, and the town goes on where it is now', async () => {
    const moved = `${town.root}-2`;
    renameSync(town.root, moved);
    await host.ended;
    expect(told()).toContain(`The folder of the town, ${town.root}, was moved or deleted`);
    await refused();
    expect(existsSync(town.root)).toBe(false);
    renameSync(moved, town.root);
    host = await town.host();
    expect(units(host)).toEqual(['before']);
  });

  test('by a move that only a call notices', async () => {
    renameSync(town.root, `${town.root}-2`);
    await refused();
    await host.ended;
    expect(existsSync(town.root)).toBe(false);
    renameSync(`${town.root}-2`, town.root);
  });

  test('by deletion, it is not made again, nor by a window that joins', async () => {
    rmSync(town.root, { recursive: true });
    await host.ended;
    expect(existsSync(town.root)).toBe(false);
    await expect(joinTown(town.options)).rejects.toMatchObject({ code: 'no-town' });
    expect(existsSync(town.root)).toBe(false);
  });

  test('and something else is in its place, that is left alone', async () => {
    renameSync(town.root, `${town.root}-2`);
    mkdirSync(town.root);
    await host.ended;
    expect(readdirSync(town.root)).toEqual([]);
  });
});
