import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TownFixture } from '../../support/town-fixture.ts';

let town: TownFixture;
let left: unknown[] | undefined;

beforeAll(async () => {
  town = await TownFixture.make();
});
afterAll(async () => {
  left ??= await town.stop();
});

describe('TestMultiBackendWorkflow', () => {
  test('a Claude and an Opencode polecat get work, commit it on their branches and report', async () => {
    const { api } = town.host;
    await Promise.all([
      api.request('sling', { work: 'issue-1', rig: 'alpha', agent: 'opencode', name: 'one', message: 'Write notes' }),
      api.request('sling', { work: 'issue-2', rig: 'alpha', agent: 'claude', name: 'two', message: 'Write notes' }),
    ]);
    const done = await town.until('both units done', ({ work }) => work.filter((each) => each.state === 'done').length === 2, 90_000);
    expect(done.sessions.map(({ id, backend, state }) => [id, backend, state]).sort()).toEqual([
      ['alpha-one', 'opencode', 'running'],
      ['alpha-two', 'claude', 'running'],
    ]);
    expect(done.work.map(({ id, owner, branch, commits }) => ({ id, owner, branch, commits }))).toEqual([
      { id: 'issue-1', owner: 'alpha-one', branch: 'polecat/one/issue-1', commits: 1 },
      { id: 'issue-2', owner: 'alpha-two', branch: 'polecat/two/issue-2', commits: 1 },
    ]);
    const files = (branch: string) => execFileSync('git', ['ls-tree', '--name-only', branch], { cwd: town.rig, encoding: 'utf8' });
    expect(files('polecat/one/issue-1')).toContain('notes-issue-1.md');
    expect(files('polecat/two/issue-2')).toContain('notes-issue-2.md');
  });

  test('the role context has reached both models', () => {
    for (const id of ['alpha-one', 'alpha-two']) {
      const inSystem = town.model.requests.some(({ kind, system }) => kind === 'turn' && system.includes(`session:${id}`));
      expect(inSystem || town.model.seen(`session:${id}`).length > 0, id).toBe(true);
    }
  });
});

describe('TestCrossSessionMessaging', () => {
  test('a message from one backend reaches the model of the other, with receipts, in both directions', async () => {
    const { api } = town.host;
    await town.until('both idle', ({ sessions }) => sessions.every((each) => each.activity.kind === 'idle'));
    for (const session of ['alpha-one', 'alpha-two']) {
      const { id } = await api.request('message.send', { to: session, type: 'nudge', body: `Are you well, ${session}?` });
      await expect.poll(async () => (await api.request('message.list', {})).messages.find((each) => each.id === id)?.state, { timeout: 30_000 }).toBe('acted');
      expect(town.model.seen(`Are you well, ${session}?`)).toHaveLength(1);
    }
  });

  test('stopping leaves no process', async () => {
    left = await town.stop();
    expect(left).toEqual([]);
  });
});
