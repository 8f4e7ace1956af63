import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ServerMeans } from '../../../../shared/backends/opencode/server-means.ts';
import { recordFile, writeServerRecord } from '../../../../shared/backends/opencode/server-record.ts';
import { silentLogger } from '../../../../shared/platform/logger.ts';
import { temporaryFolder } from '../../../support/core.ts';

const identity = { pid: 17, startTime: '5' };
const record = { id: 'server-1', launch: 'server-x', program: '/opencode', port: 1, password: 'p', token: 't' };
let folder: ReturnType<typeof temporaryFolder>;
let server: { folder: string; record: typeof record; identity: typeof identity };
let means: ServerMeans;
const gone: string[] = [];

beforeEach(async () => {
  folder = temporaryFolder('server');
  server = { folder: join(folder.path, 'opencode', 'server-x'), record, identity };
  await writeServerRecord(server.folder, { ...record, ...identity });
  writeFileSync(join(server.folder, 'opencode.db'), '');
  gone.length = 0;
  means = new ServerMeans(server, silentLogger, (file) => gone.push(file));
});
afterEach(async () => {
  await means.close();
  folder.remove();
});

const file = (): string => recordFile(server.folder);
const poll = <T>(read: () => T) => expect.poll(read);

test('the record of a server that runs is made again as it was, as often as it is deleted', async () => {
  for (const what of [file(), join(folder.path, 'opencode'), file()]) {
    rmSync(what, { recursive: true });
    await poll(() => existsSync(file())).toBe(true);
    await poll(() => statSync(file()).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(file(), 'utf8'))).toEqual({ ...record, ...identity });
  }
});

test('a database that goes is told once', async () => {
  rmSync(join(server.folder, 'opencode.db'));
  await poll(() => gone).toEqual([join(server.folder, 'opencode.db')]);
  rmSync(file());
  await poll(() => existsSync(file())).toBe(true);
  expect(gone).toHaveLength(1);
});

test('nothing is made again after the end', async () => {
  await means.close();
  rmSync(file());
  await delay(300);
  expect(existsSync(file())).toBe(false);
});
