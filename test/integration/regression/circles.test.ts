import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { settingsPath } from '../../../shared/config/settings-path.ts';
import { TownFixture } from '../../support/town-fixture.ts';

/** The context of the scripted model is 200,000 tokens: whatever is asked, this says that it is full. */
const full = { usage: { input: 199_500, output: 10 } } as const;
/** The same, again and again. */
const same = Array.from({ length: 60 }, () => ({ tool: 'bash', args: { command: 'echo same' } }));
let town: TownFixture;

beforeAll(async () => {
  town = await TownFixture.make((options) => {
    options.rules = [];
    const file = settingsPath(path.join(options.folder, 'town'));
    mkdirSync(path.dirname(file), { recursive: true });
    const backend_trouble = { max_repeats: 4 };
    const settings = { type: 'town-settings', version: 1, default_agent: 'opencode', backend_trouble };
    writeFileSync(file, JSON.stringify(settings));
  });
});
afterAll(async () => {
  expect(await town.stop()).toEqual([]);
});

test('D9: a conversation that never gets short enough is not compacted for ever: its work stalls, and you are asked', async () => {
  town.model.on({ name: 'full', match: /./, steps: [full, { text: 'I go on.' }] });
  await town.host.api.request('sling', { work: 'issue-1', rig: 'alpha', name: 'full', message: 'Do it.' });
  const { escalations } = await town.until(
    'it is escalated',
    (seen) => seen.escalations.some(({ session }) => session === 'alpha-full'),
    120_000,
  );
  expect(escalations).toMatchObject([
    { severity: 'high', message: expect.stringContaining('compacted 4 times in a row') as string },
  ]);
  const { work, sessions } = await town.until('it is idle', (seen) =>
    seen.sessions.some(({ id, activity }) => id === 'alpha-full' && activity.kind === 'idle'),
  );
  expect(work).toMatchObject([{ id: 'issue-1', state: 'stalled' }]);
  expect(sessions).toMatchObject([{ id: 'alpha-full', state: 'running' }]);
});

test.each([
  ['of Claude Code', 'claude', same],
  ['of Opencode', 'opencode', same],
  [
    'of a sub-agent of Claude Code',
    'claude',
    [{ tool: 'task', args: { prompt: 'Sub-agent: go on.' } }, { text: 'It is at work.' }],
  ],
])(
  'D9: a turn %s that calls the same again and again is broken off: its work stalls, and you are asked',
  async (...of) => {
    const [, agent, steps] = of;
    const before = town.host.snapshot;
    const name = `again-${before.work.length}`;
    town.model.on({ name: 'full', match: /^Sub-agent:/, steps: same });
    town.model.on({ name: 'again', match: /./, steps });
    await town.host.api.request('sling', { work: name, rig: 'alpha', agent, name, message: 'Do it.' });
    const { escalations } = await town.until(
      'it is escalated',
      (seen) => seen.escalations.some(({ session }) => session === `alpha-${name}`),
      120_000,
    );
    expect(escalations.filter(({ session }) => session === `alpha-${name}`)).toMatchObject([
      {
        severity: 'high',
        message: expect.stringMatching(/it goes in circles: it called bash 4 times in a row/i) as string,
      },
    ]);
    const { work, sessions } = await town.until('it is idle', (seen) =>
      seen.sessions.some(({ id, activity }) => id === `alpha-${name}` && activity.kind === 'idle'),
    );
    expect(work.find(({ id }) => id === name)).toMatchObject({ state: 'stalled' });
    expect(sessions.find(({ id }) => id === `alpha-${name}`)).toMatchObject({ state: 'running' });
  },
);
