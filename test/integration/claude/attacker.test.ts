import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RunSpec } from '../../../shared/backends/driver.ts';
import { Attacker } from '../../support/attacker.ts';
import { ClaudeTown, directive } from './town.ts';
import { patience } from '../../support/patience.ts';

/** As the temporary folder: everybody may make something there. */
let shared: string;
let town: ClaudeTown;
let spec: RunSpec;
let attacker: Attacker;

beforeAll(async () => {
  shared = await realpath(await mkdtemp(join(tmpdir(), 'gt-shared-')));
  await chmod(shared, 0o1777);
  town = await ClaudeTown.create({ socket: join(shared, 'gastown', 'gt.sock') });
  attacker = await Attacker.start(join(town.repository, 'evil.txt'));
  spec = await town.idle();
});
afterAll(async () => {
  await attacker.stop();
  await town.close();
  await rm(shared, { recursive: true, force: true });
});

const file = (name: string): string => join(town.repository, name);
/** Where the settings of the session say that its hooks go, other than to a program of ours. */
const ports = async (): Promise<number[]> =>
  [...(await town.settings(spec)).matchAll(/127\.0\.0\.1:(\d+)/g)].map(([, port]) => Number(port));

test('B1: another user gets nothing of a session, and is not obeyed, while the host is there and while it is not', async () => {
  if (attacker.isOther) expect(await attacker.do('reach', town.socket)).toBe('EACCES');
  const write = { tool: 'write', args: { path: file('asked.txt'), content: 'as asked' } };
  await town.say(spec, directive('Be busy, then write', [{ hold: 'go' }, write]));

  await town.leave();
  if (attacker.isOther) expect(await attacker.do('takeSocket', town.socket)).toBe('EACCES');
  // As what cleans the temporary folder would.
  await rm(dirname(town.socket), { recursive: true });
  expect(await attacker.do('takeFolder', town.socket)).toBe('listening');
  for (const port of await ports()) expect(await attacker.do('takePort', port)).toBe('listening');
  town.model.release('go');
  await expect
    .poll(() => town.terminal(spec).lastOutput(), { timeout: patience() })
    .toMatch(/Do\s*you\s*want\s*to\s*create/);
  await town.model.waitFor(({ kind }) => kind === 'turn');

  // The reporters of PreToolUse and PermissionRequest have had their chance: the latter waits for the next host.
  await rm(dirname(town.socket), { recursive: true });
  await town.comeBack(spec);
  const ask = await town.host.until('the ask', () => town.host.status(spec.runId).asks[0]);
  expect(attacker.received).toEqual([]);
  expect([existsSync(file('evil.txt')), existsSync(file('asked.txt'))]).toEqual([false, false]);
  expect(ask).toMatchObject({ title: `Write: ${file('asked.txt')}` });
  await town.driver.answer(spec.runId, ask.id, { kind: 'allow' });
  await town.untilIdle(spec.runId);
  expect(readFileSync(file('asked.txt'), 'utf8')).toBe('as asked');
  expect(existsSync(file('evil.txt'))).toBe(false);
});
