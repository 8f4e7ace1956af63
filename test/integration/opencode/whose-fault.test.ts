import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Breakers } from '../../../shared/backends/breakers.ts';
import type { BackendDriver, RunSpec } from '../../../shared/backends/driver.ts';
import { guarded } from '../../../shared/backends/guarded-driver.ts';
import { silentLogger } from '../../../shared/platform/logger.ts';
import { Store } from '../../../shared/store/store.ts';
import { makeRepository } from '../../support/core.ts';
import { makeOpencodeTown } from '../../support/opencode/town.ts';
import type { OpencodeTown } from '../../support/opencode/town.ts';

const never = new AbortController().signal;

describe('a start that fails', () => {
  let town: OpencodeTown;
  let store: Store;
  let breakers: Breakers;
  let driver: BackendDriver;

  beforeAll(async () => {
    town = await makeOpencodeTown();
    store = new Store(':memory:');
    breakers = new Breakers({ store, now: Date.now, log: silentLogger, backends: ['opencode'] });
    driver = guarded((await town.makeHost()).driver, breakers, async () => undefined);
    await driver.start(await town.makeSpec({ rig: 'good' }), never);
  });
  afterAll(async () => {
    await town.close();
    breakers.dispose();
    store.close();
  });

  const failFourTimes = async (more: Partial<RunSpec>, reason: string): Promise<void> => {
    for (let count = 0; count < 4; count += 1)
      await expect(driver.start(await town.makeSpec(more), never)).rejects.toThrow(reason);
  };
  const against = (rig: string, agent = 'opencode') => breakers.against({ backend: 'opencode', agent, rig });

  it('for a broken opencode.json makes that rig wait, with the reason, and no other', async () => {
    const cwd = makeRepository(path.join(town.folder, 'broken'));
    writeFileSync(path.join(cwd, 'opencode.json'), '{ "model": ');
    await failFourTimes({ cwd, rig: 'broken' }, 'opencode.json');
    expect(against('broken')).toMatchObject({
      state: 'open',
      reason: expect.stringContaining(path.join(cwd, 'opencode.json')),
    });
    expect(against('good')).toBeUndefined();
    await expect(driver.start(await town.makeSpec({ rig: 'good' }), never)).resolves.toBeUndefined();
  });

  it('for an agent whose command is another program makes that agent wait, and no other', async () => {
    const agent = { name: 'wrapped', backend: 'opencode' as const, command: 'env', args: [], env: {} };
    await failFourTimes({ agent, rig: 'good' }, 'did not start');
    expect(against('good', 'wrapped')).toMatchObject({ state: 'open' });
    expect(against('good')).toBeUndefined();
  });
});
