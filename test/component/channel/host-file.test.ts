import { chmodSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { writeHostFile } from '../../../shared/channel/host-file.ts';
import { readHostFile } from '../../../shared/channel/read-host-file.ts';
import { temporaryFolder } from '../../support/core.ts';
import { giveAway } from '../../support/foreign-owner.ts';

let folder: ReturnType<typeof temporaryFolder>;
let file: string;
let socket: string;
beforeEach(async () => {
  folder = temporaryFolder('host-file');
  file = join(folder.path, 'host.json');
  socket = join(folder.path, 'gt.sock');
  writeFileSync(socket, '');
  await writeHostFile(file, socket, 'token');
});
afterEach(() => {
  vi.restoreAllMocks();
  folder.remove();
});

test("a host's file is its owner's only, and another window believes it", async () => {
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(await readHostFile(file)).toMatchObject({ socket, token: 'token', pid: process.pid });
});

test('nobody joins by one that others can read or write, as a clone brings it', async () => {
  chmodSync(file, 0o644);
  expect(await readHostFile(file)).toBeUndefined();
});

test.each([
  ['it', () => file],
  ['its folder', () => folder.path],
  ['its socket', () => socket],
])("nor where %s is another user's", async (_what, theirs) => {
  giveAway(theirs());
  expect(await readHostFile(file)).toBeUndefined();
});
