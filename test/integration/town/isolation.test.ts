import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeRepository } from '../../support/core.ts';
import { patience } from '../../support/patience.ts';
import { runs } from '../../support/scripted.ts';
import { TownFixture } from '../../support/town-fixture.ts';

/** What lies in the town's root is for those who work there. In each file a word that the model would be told. */
const words = { claude: 'IN-CLAUDE-MD', agents: 'IN-AGENTS-MD', instructions: 'IN-TOWN-MD', style: 'IN-OUTPUT-HOOK' };

let town: TownFixture;
let inner: string;
const hookRan = (): string => path.join(town.folder, 'hook-ran');

beforeAll(async () => {
  town = await TownFixture.make();
  const put = (name: string, text: string): void => {
    mkdirSync(path.dirname(path.join(town.root, name)), { recursive: true });
    writeFileSync(path.join(town.root, name), text);
  };
  put('CLAUDE.md', `You are the mayor, never edit code: ${words.claude}\n@AGENTS.md\n`);
  put('AGENTS.md', `Never edit code: ${words.agents}\n`);
  put('TOWN.md', `Never edit code: ${words.instructions}\n`);
  put('opencode.json', JSON.stringify({ instructions: ['TOWN.md'] }));
  put('.mcp.json', JSON.stringify({ mcpServers: { ofTheTown: { command: 'false' } } }));
  const hook = { type: 'command', command: `touch '${hookRan()}'; echo ${words.style}` };
  put('.claude/settings.json', JSON.stringify({ hooks: { SessionStart: [{ hooks: [hook] }] } }));
  // A rig that was cloned into the town, as one by URL is.
  inner = makeRepository(path.join(town.root, 'inner'));
  const trust = path.join(town.environment['HOME']!, '.claude.json');
  const config = JSON.parse(readFileSync(trust, 'utf8')) as { projects: Record<string, object> };
  config.projects[inner] = { hasTrustDialogAccepted: true };
  writeFileSync(trust, JSON.stringify(config));
  await town.host.api.request('rig.add', { source: inner, name: 'inner' });
});
afterAll(async () => {
  expect(await town.stop()).toEqual([]);
});

const told = (): string[] => Object.values(words).filter((word) => town.model.seen(word).length > 0);

test.each(['claude', 'opencode'])(
  'C5: nothing that lies in the town reaches a %s worker of a rig in it',
  async (agent) => {
    const id = `isolated-${agent}`;
    const message = runs('Look around.', 'git rev-parse --show-toplevel && gt done -m ok');
    const { session } = await town.host.api.request('sling', { work: id, rig: 'inner', agent, message });
    await town.until('done', ({ work }) => work.some((unit) => unit.id === id && unit.state === 'done'));
    expect(session.workDir.startsWith(`${town.environment['HOME']}/.local/share/gastown/worktrees/`)).toBe(true);
    expect(town.model.seen(session.workDir).length).toBeGreaterThan(0);
    expect(told()).toEqual([]);
    expect(existsSync(hookRan())).toBe(false);
  },
);

test('it does reach who works in the town', async () => {
  // Claude asks about it before it starts.
  rmSync(path.join(town.root, '.mcp.json'));
  for (const [role, agent] of [
    ['mayor', 'claude'],
    ['deacon', 'opencode'],
  ] as const) {
    await town.host.api.request('session.spawn', { role, agent });
    await town.host.api.request('message.send', { to: `hq-${role}`, type: 'nudge', body: runs('Look around.', 'pwd') });
  }
  await expect.poll(told, { timeout: patience(60_000) }).toEqual(Object.values(words));
  expect(existsSync(hookRan())).toBe(true);
});
