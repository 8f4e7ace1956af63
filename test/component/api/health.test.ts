// The health check looks at the agents that the settings have, not at a program that nobody is to start.

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { settingsPath } from '../../../shared/config/settings-path.ts';
import type { RigSettings } from '../../../shared/config/rig-settings.ts';
import type { TownSettings } from '../../../shared/config/town-settings.ts';
import { GasTownError } from '../../../shared/platform/errors.ts';
import { makeFakeTown } from '../../support/fake-town.ts';
import type { FakeTown } from '../../support/fake-town.ts';

let town: FakeTown;
let asked: string[];
beforeEach(async () => {
  town = await makeFakeTown();
  asked = [];
  town.driver.onHealth = ({ name, command }) => {
    asked.push(`${name}: ${command}`);
    if (command.startsWith('bad')) throw new GasTownError('agent-missing', `"${command}" was not found`);
  };
});
afterEach(() => town.close());

async function settle(settings: Omit<TownSettings, 'type'>): Promise<void> {
  const file = settingsPath(town.root);
  writeFileSync(file, JSON.stringify({ type: 'town-settings', ...settings }));
  await expect.poll(() => town.settings.value).toMatchObject(settings);
}

async function bring(settings: Omit<RigSettings, 'type'>): Promise<void> {
  const file = settingsPath(town.rig);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify({ type: 'rig-settings', ...settings }));
  await expect.poll(() => town.rigs.get('alpha').settings).toMatchObject(settings);
}

const health = async () => (await town.request('town.health', {})).backends;
const agent = (command: string) => ({ provider: 'opencode', command });

test("a town whose agents all name their program does not need the backend's own", async () => {
  await settle({ default_agent: 'mine', agents: { mine: agent('/opt/mine') } });
  expect(await health()).toEqual([{ name: 'opencode', ok: true, detail: 'ok' }]);
  expect(asked).toEqual(['mine: /opt/mine']);
});

test('each program is looked at once, and what is wrong is said of its agent', async () => {
  const agents = { good: agent('/opt/good'), same: agent('/opt/good'), first: agent('bad-1'), second: agent('bad-2') };
  await settle({ default_agent: 'opencode', agents });
  expect(await health()).toEqual([
    { name: 'opencode', ok: false, detail: 'first: "bad-1" was not found\nsecond: "bad-2" was not found' },
  ]);
  expect(asked.map((line) => line.split(': ')[1])).toEqual(['/opt/good', 'bad-1', 'bad-2', 'opencode']);
});

test('what is wrong with one program speaks against no agent with another', async () => {
  await settle({ default_agent: 'opencode', agents: { broken: agent('bad-1') } });
  await health();
  const against = (name: string) => town.breakers.against({ backend: 'opencode', agent: name, rig: 'alpha' });
  expect(against('broken')?.reason).toContain('bad-1');
  expect(against('opencode')).toBeUndefined();
});

test("a rig's agent is looked at when the user has agreed to it, not before [holds 7]", async () => {
  await bring({ agents: { theirs: agent('/rig/theirs') }, agent: 'theirs' });
  await health();
  expect(asked).toEqual(['opencode: opencode']);
  const { hash } = await town.request('rig.review', { rig: 'alpha' });
  await town.request('rig.trust', { rig: 'alpha', hash });
  await health();
  expect(asked).toContain('theirs: /rig/theirs');
});

test("a backend that no agent is configured for is looked at by its own program's name", async () => {
  await settle({ default_agent: 'claude' });
  await health();
  expect(asked).toEqual(['opencode: opencode']);
});
