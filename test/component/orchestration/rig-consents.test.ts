import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { settingsPath } from '../../../shared/config/settings-path.ts';
import type { RigSettings } from '../../../shared/config/rig-settings.ts';
import { GasTownError } from '../../../shared/platform/errors.ts';
import { restartSession } from '../../../shared/orchestration/restart-session.ts';
import { makeRepository } from '../../support/core.ts';
import { makeFakeTown } from '../../support/fake-town.ts';
import type { FakeTown } from '../../support/fake-town.ts';

const poll = <T>(read: () => T) => expect.poll(read);

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
  test('is not started before the user has agreed, nothing is made for it, and the rig says so [holds 7]', async () => {
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

  test('counts no more when the user takes their word back, and nothing that it once was; only they can', async () => {
    await bring(brings);
    await agree();
    await sling('issue-1', { name: 'toast' });
    await expect(town.request('rig.untrust', { rig: 'alpha' }, 'alpha-toast')).rejects.toMatchObject({
      code: 'denied',
    });
    await expect(town.request('rig.untrust', { rig: 'beta' })).rejects.toMatchObject({ code: 'unknown-rig' });
    expect((await town.request('rig.untrust', { rig: 'alpha' })).items).toEqual([
      expect.objectContaining({ state: 'new' }),
    ]);
    expect(town.rigs.views()[0]?.toReview).toBe((await review()).hash);
    // What runs goes on; to start it again would be to run what the rig brings.
    expect(town.registry.get('alpha-toast').state).toBe('running');
    const agent = { name: 'x', backend: 'opencode' as const, command: './tools/c', args: [], env: x.env };
    expect(await refusal(town.consents.mayStart({ rig: 'alpha', agent, role: 'crew', cwd: town.rig }))).toContain(
      '"x"',
    );
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

  test('holds up nothing that is queued any more when the town names another agent', async () => {
    await bring({ agents: { x }, agent: 'x' });
    town.work.add({ id: 'issue-1', description: 'Do it', rig: 'alpha' }, 'overseer');
    await town.request('work.requeue', { id: 'issue-1' });
    await poll(() => town.work.get('issue-1').dispatch?.blocked).toBe(true);
    const settings = { type: 'town-settings', version: 1, role_agents: { polecat: 'opencode' } };
    writeFileSync(settingsPath(town.root), JSON.stringify(settings));
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

describe("what a worker's worktree has", () => {
  const evil = '.opencode/plugin/evil.js';
  const git = (...args: string[]) => execFileSync('git', args, { cwd: town.rig, stdio: 'pipe' });
  /** It is in the last commit, and not in the rig's folder any more. */
  function commitAndDelete(): void {
    bringFile(evil, 'steal();');
    git('add', '.');
    git('commit', '-q', '-m', 'Bring it');
    rmSync(join(town.rig, '.opencode'), { recursive: true });
  }

  test("is judged, not what the rig's folder shows; the user is shown it whole, and can agree to it", async () => {
    commitAndDelete();
    expect(await refusal(sling('issue-1', { name: 'toast' }))).toMatch(/branch.*evil\.js.*gt rig trust alpha/s);
    expect([town.driver.started, existsSync(join(town.paths.worktrees, 'alpha', 'toast'))]).toEqual([[], false]);
    expect((await review()).items).toEqual([{ subject: evil, content: 'steal();', state: 'new', inWorktree: true }]);
    expect(town.rigs.views()[0]?.toReview).toBe((await review()).hash);
    await agree();
    expect(town.rigs.views()[0]).not.toHaveProperty('toReview');
    await sling('issue-1', { name: 'toast' });
    expect(town.driver.started).toHaveLength(1);
  });

  test('is nothing to review any more when a later worktree does not have it', async () => {
    commitAndDelete();
    expect(await refusal(sling('issue-1', { name: 'toast' }))).toContain('evil.js');
    git('commit', '-q', '-a', '-m', 'Remove it');
    await sling('issue-2', { name: 'nux' });
    expect((await review()).items).toEqual([]);
  });

  test("lets a queued unit wait for the user's word, which lets it go on", async () => {
    commitAndDelete();
    town.work.add({ id: 'issue-1', description: 'Do it', rig: 'alpha' }, 'overseer');
    await town.request('work.requeue', { id: 'issue-1' });
    await poll(() => town.work.get('issue-1').dispatch?.blocked).toBe(true);
    expect(town.work.get('issue-1')).toMatchObject({
      state: 'queued',
      note: expect.stringContaining('evil.js') as string,
      // Whoever gets it then is told what was before, all the same.
      dispatch: { note: expect.stringContaining('This was tried before') as string },
    });
    await agree();
    town.reconciler.schedule();
    await poll(() => town.work.get('issue-1').state).toBe('assigned');
  });

  test('does not run again where a worker goes on after the user has taken their word back', async () => {
    bringFile(evil, 'steal();');
    git('add', '.');
    git('commit', '-q', '-m', 'Bring it');
    await agree();
    await sling('issue-1', { name: 'toast' });
    await town.request('rig.untrust', { rig: 'alpha' });
    expect(await refusal(restartSession(town, 'alpha-toast', { reason: 'test' }))).toContain('evil.js');
    expect(town.driver.started).toHaveLength(1);
  });

  test('is judged again where a worker goes on', async () => {
    await sling('issue-1', { name: 'toast' });
    const { workDir } = town.registry.get('alpha-toast');
    mkdirSync(join(workDir, '.opencode', 'plugin'), { recursive: true });
    writeFileSync(join(workDir, evil), 'steal();');
    const starts = town.driver.started.length;
    expect(await refusal(restartSession(town, 'alpha-toast', { reason: 'test' }))).toContain('evil.js');
    expect(town.driver.started).toHaveLength(starts);
    await agree();
    // The host may be at it already, by itself.
    await restartSession(town, 'alpha-toast', { reason: 'test' }).catch((error: unknown) =>
      expect(String(error)).toContain('is being restarted already'),
    );
    await expect.poll(() => town.driver.started.length).toBeGreaterThan(starts);
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

  describe('of a rig that is a folder of a repository', () => {
    beforeEach(async () => {
      bringFile('packages/web/README.md', '');
      execFileSync('git', ['add', '.'], { cwd: town.rig });
      execFileSync('git', ['commit', '-q', '-m', 'Web'], { cwd: town.rig });
      await town.rigs.add(join(town.rig, 'packages', 'web'), 'web', 'folder');
    });
    const slingWeb = () => town.request('sling', { work: 'issue-1', rig: 'web', message: 'Do it' });
    const subjects = async () => (await town.request('rig.review', { rig: 'web' })).items.map(({ subject }) => subject);

    test.each([
      ['packages/web/.opencode/plugin/evil.ts', 'steal();'],
      ['packages/web/opencode.json', '{"mcp":{"x":{"type":"local","command":["./x"]}}}'],
      ['packages/.opencode/tool/evil.ts', 'steal();'],
      ['.opencode/plugin/evil.ts', 'steal();'],
    ])('needs it in %s', async (file, content) => {
      bringFile(file, content);
      expect(await refusal(slingWeb())).toContain(file);
      expect(await subjects()).toEqual([file]);
      const { hash, path } = await town.request('rig.review', { rig: 'web' });
      expect(path).toBe(join(town.rig, 'packages', 'web'));
      await town.request('rig.trust', { rig: 'web', hash });
      await slingWeb();
    });

    test('needs it also where the town is the top of that repository', async () => {
      rmSync(join(town.rig, '.git'), { recursive: true });
      makeRepository(town.root);
      const folder = join(town.root, 'packages', 'app');
      mkdirSync(join(folder, '.opencode', 'plugin'), { recursive: true });
      writeFileSync(join(folder, '.opencode', 'plugin', 'evil.ts'), 'steal();');
      execFileSync('git', ['add', 'packages'], { cwd: town.root });
      execFileSync('git', ['commit', '-q', '-m', 'App'], { cwd: town.root });
      await town.rigs.add(folder, 'app', 'folder');
      expect(await refusal(town.request('sling', { work: 'issue-1', rig: 'app', message: 'Do it' }))).toContain(
        'packages/app/.opencode/plugin/evil.ts',
      );
    });
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
  const alternatives = () => town.agents.alternativesFor(town.registry.get('alpha-toast')).map(({ name }) => name);
  // The work of a sling that asked for no agent may move.
  expect(alternatives()).toEqual(['claude']);
  await agree();
  expect(alternatives()).toEqual(['x', 'claude']);
  bringFile('.opencode/plugin/evil.js', 'steal();');
  await town.consents.refresh('alpha');
  expect(alternatives()).toEqual(['claude']);
});
