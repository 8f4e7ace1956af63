import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Breakers } from '../../../shared/backends/breakers.ts';
import type { RunSpec } from '../../../shared/backends/driver.ts';
import { guarded, isBackendFailure } from '../../../shared/backends/guarded-driver.ts';
import { GasTownError } from '../../../shared/platform/errors.ts';
import { silentLogger } from '../../../shared/platform/logger.ts';
import { fakeAgent, makeCore } from '../../support/core.ts';

const never = new AbortController().signal;
const own = { ...fakeAgent, name: 'own', command: 'env' };
const fails =
  (...options: ConstructorParameters<typeof GasTownError>) =>
  async (): Promise<void> => {
    throw new GasTownError(...options);
  };

let core: ReturnType<typeof makeCore>;
let breakers: Breakers;
beforeEach(() => {
  core = makeCore(':memory:');
  breakers = new Breakers({ store: core.store, now: () => 1000, log: silentLogger, backends: ['claude', 'opencode'] });
});
afterEach(() => {
  breakers.dispose();
  core.store.close();
});

/** Starts in a rig with an agent, four times; what it does is the driver's `onStart`. */
async function startFourTimes(rig: string, agent = fakeAgent, more: Partial<RunSpec> = {}): Promise<void> {
  const driver = guarded(core.driver, breakers, async () => undefined);
  const spec = { sessionId: `${rig}-one`, runId: 'r', role: 'polecat', rig, agent, ...more } as unknown as RunSpec;
  for (let count = 0; count < 4; count += 1) await driver.start(spec, never).catch(() => undefined);
}
const waits = (rig: string, agent = 'opencode'): boolean =>
  breakers.against({ backend: 'opencode', agent, rig }) !== undefined;

test('a start that is not allowed does not reach the program, and speaks against nothing', async () => {
  const driver = guarded(core.driver, breakers, fails('consent-needed', 'not agreed to'));
  const spec = { sessionId: 'good-one', runId: 'r', role: 'polecat', rig: 'good', agent: own } as unknown as RunSpec;
  for (let count = 0; count < 4; count += 1)
    await expect(driver.start(spec, never)).rejects.toMatchObject({ code: 'consent-needed' });
  expect([core.driver.started, waits('good'), waits('good', 'own')]).toEqual([[], false, false]);
});

describe('what a failed start speaks against', () => {
  test('a place: the rig, for every agent of the backend, and no other rig', async () => {
    core.driver.onStart = fails('backend-unavailable', 'opencode.json is broken', { about: 'place' });
    await startFourTimes('broken');
    expect([waits('broken'), waits('broken', 'own'), waits('good'), waits('good', 'own')]).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(breakers.ofBackend('opencode')).toBeUndefined();
    core.driver.onStart = async () => undefined;
    await startFourTimes('broken');
    expect(waits('broken')).toBe(false);
  });

  test('a worktree in which a worker goes on: no rig, since it may have written it itself', async () => {
    core.driver.onStart = fails('backend-unavailable', 'opencode.json is broken', { about: 'place' });
    await startFourTimes('broken', fakeAgent, { again: true });
    expect([waits('broken'), waits('good')]).toEqual([false, false]);
    await startFourTimes('broken', fakeAgent, { role: 'crew', again: true });
    expect([waits('broken'), waits('good')]).toEqual([false, false]);
    await startFourTimes('broken', fakeAgent, { role: 'witness', again: true });
    expect([waits('broken'), waits('good')]).toEqual([true, false]);
  });

  test('an agent with a program of its own: that agent, in every rig, and no other agent', async () => {
    core.driver.onStart = fails('spawn-failed', 'it printed its environment');
    await startFourTimes('good', own);
    expect([waits('good', 'own'), waits('other', 'own'), waits('good'), waits('other')]).toEqual([
      true,
      true,
      false,
      false,
    ]);
    core.driver.onStart = async () => undefined;
    await startFourTimes('other');
    expect(waits('good', 'own')).toBe(true);
  });

  test('an agent with an environment of its own is the same', async () => {
    core.driver.onStart = fails('spawn-failed', 'a bad proxy');
    await startFourTimes('good', { ...own, command: 'opencode', env: { HTTPS_PROXY: 'nowhere' } });
    expect([waits('good', 'own'), waits('good')]).toEqual([true, false]);
  });

  test('the program that all share: the backend, everywhere', async () => {
    core.driver.onStart = fails('spawn-failed', 'it crashed');
    await startFourTimes('good');
    expect([waits('good'), waits('other'), waits('other', 'own')]).toEqual([true, true, true]);
  });

  test('a prompt: nothing, and no other agent is tried for it', async () => {
    const error = new GasTownError('spawn-failed', 'it did not take the first prompt', { about: 'prompt' });
    core.driver.onStart = async () => Promise.reject(error);
    await startFourTimes('good');
    expect(waits('good')).toBe(false);
    expect(isBackendFailure(error)).toBe(false);
  });

  test("a question that is the user's to answer: nothing", async () => {
    core.driver.onStart = fails('spawn-failed', 'it ended at a warning', { about: 'question' });
    await startFourTimes('good');
    expect(breakers.open()).toEqual([]);
  });

  test('what opened is tried again when the user asks for it, and when its time has come', async () => {
    core.driver.onStart = fails('backend-unavailable', 'opencode.json is broken', { about: 'place' });
    await startFourTimes('broken');
    expect(breakers.nextTrial()).toBeGreaterThan(1000);
    breakers.tryNow('opencode');
    expect(waits('broken')).toBe(false);
    expect(breakers.nextTrial()).toBeUndefined();
  });
});
