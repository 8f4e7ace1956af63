import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { settingsPath } from '../../../shared/config/settings-path.ts';
import type { RigSettings } from '../../../shared/config/rig-settings.ts';
import { GasTownError } from '../../../shared/errors.ts';
import { alternativesFor } from '../../../shared/town/operations/with-agent.ts';
import { makeFakeTown } from '../../support/fake-town.ts';
import type { FakeTown } from '../../support/fake-town.ts';

// Every start asks git, which takes its time on a busy machine.
vi.setConfig({ testTimeout: 60_000 });
const poll = <T>(read: () => T) => expect.poll(read, { timeout: 20_000 });

let town: FakeTown;
beforeEach(async () => {
  town = await makeFakeTown();
});
afterEach(() => town.close());

const x = { provider: 'opencode', command: './tools/c', env: { LD_PRELOAD: './x.so' } };
const brings = { agents: { x }, role_agents: { polecat: 'x' } };

/** The repository brings these settings, as after a pull; resolves when they have been read. */
async function bring(settings: Omit<RigSettings, 'type'>): Promise<void> {
  const file = settingsPath(town.rig);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify({ type: 'rig-settings', ...settings }));
  await poll(() => town.rigs.get('alpha').settings).toEqual({ type: 'rig-settings', ...settings });
}
function bringFile(file: string, text: string): void {
  mkdirSync(dirname(join(town.rig, file)), { recursive: true });
  writeFileSync(join(town.rig, file), text);
}
const sling = (work: string, more: { agent?: string; name?: string } = {}) =>
  town.request('sling', { work, rig: 'alpha', message: 'Do it', ...more });
const refusal = async (act: Promise<unknown>): Promise<string> => {
  const error: unknown = await act.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return GasTownError.is(error, 'consent-needed') ? error.message : `not refused: ${String(error)}`;
};
const review = () => town.request('rig.review', { rig: 'alpha' });
const agree = async () => town.request('rig.trust', { rig: 'alpha', hash: (await review()).hash });

describe("an agent that a rig's repository defines", () => {
  test('is not started before the user has agreed, nothing is made for it, and the rig says so', async () => {
    await bring(brings);
    expect(await refusal(sling('issue-1'))).toMatch(/alpha.*"x".*gt rig trust alpha/s);
    expect(await refusal(sling('issue-2', { agent: 'x' }))).toContain('"x"');
    expect(
      await refusal(town.request('session.spawn', { role: 'crew', rig: 'alpha', name: 'max', agent: 'x' })),
    ).toContain('"x"');
    expect([town.driver.started, town.registry.list(), town.work.find('issue-1')]).toEqual([[], [], undefined]);
    expect(existsSync(join(town.paths.worktrees, 'alpha'))).toBe(false);
    const [view] = town.rigs.views();
    expect(view?.toReview).toBe((await review()).hash);
    expect(town.rigs.problems()).toEqual([
      expect.objectContaining({
        file: settingsPath(town.rig),
        severity: 'warning',
        message: expect.stringContaining('alpha') as string,
      }),
    ]);
  });

  test("is shown whole, runs after the user's word, and is shown beside what was agreed to when it has changed", async () => {
    await bring(brings);
    const shown = await review();
    expect(shown.items.map(({ subject, state, content }) => [subject, state, JSON.parse(content) as unknown])).toEqual([
      ['agents.x', 'new', x],
    ]);
    await agree();
    expect(town.rigs.views()[0]).not.toHaveProperty('toReview');
    await sling('issue-1');
    expect(town.driver.started).toHaveLength(1);
    await bring({ ...brings, agents: { x: { ...x, args: ['--more'] } } });
    expect(await refusal(sling('issue-2'))).toContain('"x"');
    expect((await review()).items).toEqual([
      expect.objectContaining({ state: 'changed', before: shown.items[0]?.content }),
    ]);
    await bring(brings);
    await sling('issue-3');
    expect(town.driver.started).toHaveLength(2);
  });

  test('counts as far as other things of the file change; and others are started as ever', async () => {
    await bring(brings);
    expect(await refusal(sling('issue-1'))).toContain('"x"');
    await sling('issue-1', { agent: 'opencode' });
    await agree();
    await bring({ ...brings, namepool: { names: ['nux'] }, agents: { x, y: { command: './y' } } });
    await sling('issue-2');
    expect(town.registry.list().map(({ agentName }) => agentName)).toContain('nux');
    expect(await refusal(sling('issue-3', { agent: 'y' }))).toContain('"y"');
  });

  test('is never replaced by another one of the failover chain; in the chain it is passed over', async () => {
    await bring({ ...brings, failover: { polecat: ['opencode'] } });
    expect(await refusal(sling('issue-1'))).toContain('"x"');
    await bring({ agents: { x }, failover: { polecat: ['x', 'claude'] } });
    town.breakers.take(
      { backend: 'opencode', agent: 'opencode' },
      { kind: 'limited', reason: '429', until: town.manager.now() + 1e6 },
    );
    expect(await refusal(sling('issue-1'))).not.toContain('"x"');
    expect(town.driver.started).toEqual([]);
  });

  test('is agreed to by the user only, and only as it was shown', async () => {
    await bring(brings);
    await sling('issue-1', { agent: 'opencode', name: 'toast' });
    const { hash } = await review();
    await expect(town.request('rig.trust', { rig: 'alpha', hash }, 'alpha-toast')).rejects.toMatchObject({
      code: 'denied',
    });
    await bring({ ...brings, agents: { x: { ...x, command: './other' } } });
    await expect(town.request('rig.trust', { rig: 'alpha', hash })).rejects.toMatchObject({ code: 'work-conflict' });
    expect(await refusal(sling('issue-2'))).toContain('"x"');
  });

  test("waits with what is queued for it, and goes on at the user's word", async () => {
    await bring(brings);
    town.work.add({ id: 'issue-1', description: 'Do it', rig: 'alpha' }, 'overseer');
    await town.request('work.requeue', { id: 'issue-1' });
    await poll(() => town.work.get('issue-1').dispatch?.blocked).toBe(true);
    expect(town.work.get('issue-1')).toMatchObject({
      state: 'queued',
      note: expect.stringContaining('gt rig trust alpha') as string,
    });
    await agree();
    town.reconciler.schedule();
    await poll(() => town.work.get('issue-1').state).toBe('assigned');
  });

  test('is asked about anew where the name belongs to another repository', async () => {
    await bring(brings);
    await agree();
    town.store.consents.forget('alpha');
    expect(await refusal(sling('issue-1'))).toContain('"x"');
  });
});

describe('a session that an earlier version has started', () => {
  const stored = {
    name: 'x',
    backend: 'opencode' as const,
    command: './tools/c',
    args: [],
    env: { LD_PRELOAD: './x.so', MORE: '1' },
  };
  const restart = (agent = stored) => town.consents.require({ rig: 'alpha', agent, repository: false });

  test('is not started again with what a rig brought, before the user has agreed', async () => {
    await bring(brings);
    expect(await refusal(restart())).toContain('"x"');
    await agree();
    await restart();
  });

  test("is not asked about where its agent was the user's", async () => {
    await bring({ agents: { opencode: { command: './tools/c' } } });
    await restart({ ...stored, name: 'opencode', command: 'opencode', env: { LD_PRELOAD: '', MORE: '' } });
  });
});

describe('what Opencode runs of a repository by itself', () => {
  test('needs the same word, also for the built-in agent, and is asked about together with the settings', async () => {
    await bring({ agents: { y: { command: './y' } } });
    bringFile('.opencode/plugin/evil.js', 'steal();');
    expect(await refusal(sling('issue-1'))).toContain('.opencode/plugin/evil.js');
    expect((await review()).items.map(({ subject }) => subject)).toEqual(['agents.y', '.opencode/plugin/evil.js']);
    await agree();
    await sling('issue-1');
    bringFile('.opencode/plugin/evil.js', 'stealMore();');
    expect(await refusal(sling('issue-2'))).toContain('evil.js');
  });

  test('is no matter for a session of Claude, whose own dialog asks', async () => {
    bringFile('.opencode/plugin/evil.js', 'steal();');
    await town.consents.require({
      rig: 'alpha',
      agent: { name: 'claude', backend: 'claude', command: 'claude', args: [], env: {} },
      repository: true,
    });
  });

  test("is the town's own where the rig is the town's folder", async () => {
    rmSync(join(town.rig, '.git'), { recursive: true });
    town.store.addRig({ name: 'own', path: town.root }, 1);
    await town.rigs.load();
    mkdirSync(join(town.root, '.opencode', 'plugin'), { recursive: true });
    writeFileSync(join(town.root, '.opencode', 'plugin', 'mine.js'), '');
    await town.consents.require({
      rig: 'own',
      agent: { name: 'opencode', backend: 'opencode', command: 'opencode', args: [], env: {} },
      repository: true,
    });
    expect((await town.request('rig.review', { rig: 'own' })).items).toEqual([]);
  });
});

test('a session that may go on with another agent is not given one that the user has not agreed to', async () => {
  await sling('issue-1', { name: 'toast' });
  await bring({ agents: { x }, failover: { polecat: ['x', 'claude'] } });
  const alternatives = () => alternativesFor(town, town.registry.get('alpha-toast')).map(({ name }) => name);
  // The work of a sling that asked for no agent may move.
  expect(alternatives()).toEqual(['claude']);
  await agree();
  expect(alternatives()).toEqual(['x', 'claude']);
  bringFile('.opencode/plugin/evil.js', 'steal();');
  await town.consents.refresh('alpha');
  expect(alternatives()).toEqual(['claude']);
});
