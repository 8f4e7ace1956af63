import { mkdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { Breakers } from '../../../shared/backends/breakers.ts';
import type { BackendDriver, RunSpec } from '../../../shared/backends/driver.ts';
import { guarded } from '../../../shared/backends/guarded-driver.ts';
import { silentLogger } from '../../../shared/platform/logger.ts';
import { Store } from '../../../shared/store/store.ts';
import { ClaudeTown, makeRepository } from './town.ts';
import { patience } from '../../support/patience.ts';

let town: ClaudeTown;
let store: Store;
let breakers: Breakers;
let driver: BackendDriver;
beforeAll(async () => {
  town = await ClaudeTown.create();
  // Found by its name: a program that an agent names by its path is that agent's own.
  await mkdir(join(town.folder, 'bin'));
  await symlink(town.program, join(town.folder, 'bin', 'claude'));
});
beforeEach(() => {
  store = new Store(':memory:');
  breakers = new Breakers({ store, now: Date.now, log: silentLogger, backends: ['claude'] });
  driver = guarded(town.driver, breakers, async () => undefined);
});
afterEach(async () => {
  breakers.dispose();
  store.close();
  await town.terminals.closeAll();
});
afterAll(() => town.close());

const signal = (): AbortSignal => AbortSignal.timeout(patience(60_000));
/** As the settings name it: what it depends on is the backend's. */
const agent = { name: 'claude', backend: 'claude' as const, command: 'claude', args: [], env: {} };
const specOf = (rig: string, cwd: string, more: Partial<RunSpec> = {}): RunSpec =>
  town.spec({ rig, cwd, agent, ...more });
const against = (rig: string) => breakers.against({ backend: 'claude', agent: 'claude', rig });

test('that the user does not trust a folder makes that rig wait, and no other', async () => {
  const cwd = join(town.folder, 'untrusted');
  await makeRepository(cwd);
  for (let count = 0; count < 3; count += 1) {
    const spec = specOf('untrusted', cwd);
    const started = driver.start(spec, signal());
    const outcome = started.catch((error: unknown) => error);
    await town.host.until('dialog', () =>
      town.host.reports.find(({ fact, runId }) => runId === spec.runId && fact.kind === 'waiting'),
    );
    const terminal = town.terminal(spec);
    // Claude ignores keys in the first second of a dialog.
    const leave = setInterval(() => terminal.write('\u001b'), 700);
    expect(await outcome).toMatchObject({ code: 'spawn-failed', about: 'place' });
    clearInterval(leave);
  }
  expect(against('untrusted')).toMatchObject({
    state: 'open',
    reason: expect.stringContaining('did not start') as string,
  });
  expect(against('sample')).toBeUndefined();
});

test('a folder in which it ends at once, while it is at work in another, makes that rig wait, and no other', async () => {
  await driver.start(specOf('sample', town.repository), signal());
  const cwd = join(town.folder, 'broken');
  await makeRepository(cwd);
  await town.trust([town.repository, cwd]);
  for (let count = 0; count < 3; count += 1) {
    const spec = specOf('broken', cwd);
    const outcome = driver.start(spec, signal()).catch((error: unknown) => error);
    await town.host.until('pid', () => town.host.pids.get(spec.runId));
    process.kill(town.terminal(spec).pid, 'SIGKILL');
    expect(await outcome).toMatchObject({ code: 'spawn-failed', about: 'place' });
  }
  expect(against('broken')).toMatchObject({ state: 'open' });
  expect(against('sample')).toBeUndefined();
});

test('a folder that is gone makes that rig wait, and no other', async () => {
  const cwd = join(town.folder, 'gone');
  await makeRepository(cwd);
  await rm(cwd, { recursive: true });
  for (let count = 0; count < 3; count += 1)
    await expect(driver.start(specOf('gone', cwd), signal())).rejects.toThrow(`The work dir ${cwd} cannot be used`);
  expect([against('gone')?.state, against('sample')]).toEqual(['open', undefined]);
});

test('where it ends at once everywhere, the backend waits', async () => {
  for (let count = 0; count < 3; count += 1) {
    const spec = specOf('sample', town.repository);
    const outcome = driver.start(spec, signal()).catch((error: unknown) => error);
    await town.host.until('pid', () => town.host.pids.get(spec.runId));
    process.kill(town.terminal(spec).pid, 'SIGKILL');
    expect(await outcome).toMatchObject({ code: 'spawn-failed', about: undefined });
  }
  expect(against('other')).toMatchObject({ state: 'open' });
});
