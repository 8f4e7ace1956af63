import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { GasTownError } from '../../../shared/platform/errors.ts';
import { randomIds } from '../../../shared/platform/ids.ts';
import { silentLogger } from '../../../shared/platform/logger.ts';
import { Worktrees } from '../../../shared/orchestration/worktrees.ts';
import { slingWork } from '../../../shared/orchestration/sling.ts';
import type { Sling } from '../../../shared/orchestration/sling.ts';
import { fakeAgent, makeCore, makeRepository, plainWorktrees, temporaryFolder } from '../../support/core.ts';

let folder: ReturnType<typeof temporaryFolder>;
let core: ReturnType<typeof makeCore>;
let repository: string;
let worktrees: Worktrees;

beforeEach(() => {
  folder = temporaryFolder('sling');
  core = makeCore(join(folder.path, 'town.db'));
  repository = makeRepository(join(folder.path, 'alpha'));
  const nothing = { onChange: () => undefined, rebuildableIn: () => [], ownFilesIn: async () => [] };
  worktrees = new Worktrees({
    store: core.store,
    now: () => core.manager.now(),
    ids: randomIds,
    log: silentLogger,
    ...nothing,
    ...plainWorktrees,
  });
});
afterEach(() => {
  core.store.close();
  folder.remove();
});

type Order = Omit<Sling, 'name'> & { name: string };
const order = (patch: Partial<Order> = {}): Order => ({
  workId: 'issue-1',
  rig: { name: 'alpha', path: repository, subfolder: '' },
  name: 'toast',
  agent: fakeAgent,
  by: 'overseer',
  message: 'Fix the door',
  places: { worktrees: join(folder.path, 'worktrees'), formerWorktrees: join(folder.path, 'former') },
  isolate: (path, branch, session, signal) =>
    worktrees.create(repository, path, branch, { session, rig: 'alpha' }, signal),
  discard: ({ path, branch }, session) => worktrees.over({ repository, path, branch }, { session, rig: 'alpha' }),
  ...patch,
});
/** Under a name that is reserved for it, as every sling is. */
async function slingOrder(given: Order, signal = new AbortController().signal): ReturnType<typeof slingWork> {
  const name = core.manager.names.reserve({ role: 'polecat', rig: given.rig.name, name: given.name });
  try {
    return await slingWork(core, { ...given, name }, signal);
  } finally {
    name.dispose();
  }
}
const sling = (patch: Partial<Order> = {}, signal?: AbortSignal) => slingOrder(order(patch), signal);
const withoutMessage = (): Order => {
  const whole = order();
  delete whole.message;
  return whole;
};
const worktree = () => join(folder.path, 'worktrees', 'alpha', 'toast');
const branches = () =>
  execFileSync('git', ['branch', '--format=%(refname:short)'], { cwd: repository, encoding: 'utf8' })
    .trim()
    .split('\n');

describe('sling', () => {
  test('E7: the unit is bound, the worktree made and the prompt ready before the agent starts', async () => {
    core.driver.onStart = async (spec) => {
      expect(core.work.get('issue-1')).toMatchObject({
        state: 'assigned',
        owner: 'alpha-toast',
        branch: 'polecat/toast/issue-1',
      });
      expect(existsSync(join(spec.cwd, 'README.md'))).toBe(true);
      expect(spec.firstPrompt?.text).toContain('Fix the door');
    };
    const { session, work } = await sling();
    expect(session).toMatchObject({ id: 'alpha-toast', state: 'running', role: 'polecat' });
    expect(work.owner).toBe('alpha-toast');
    expect(branches()).toContain('polecat/toast/issue-1');
  });

  test('names that run into each other are those of two sessions, each with its work and its place', async () => {
    const second = makeRepository(join(folder.path, 'my-app'));
    await sling({ rig: { name: 'my', path: repository, subfolder: '' }, name: 'app-one' });
    await sling({ rig: { name: 'my-app', path: second, subfolder: '' }, name: 'one', workId: 'issue-2' });
    await sling({ rig: { name: 'my', path: repository, subfolder: '' }, name: 'app-witness', workId: 'issue-3' });
    const places = core.registry
      .list()
      .map(({ id, rig, agentName, workDir }) => [id, rig, agentName, workDir.endsWith(join(rig, agentName))]);
    expect(places).toEqual([
      ['my-app-one', 'my', 'app-one', true],
      ['my-app.one', 'my-app', 'one', true],
      ['my-app-witness', 'my', 'app-witness', true],
    ]);
    expect(['issue-1', 'issue-2', 'issue-3'].map((id) => core.work.get(id).owner)).toEqual([
      'my-app-one',
      'my-app.one',
      'my-app-witness',
    ]);
    await expect(
      core.orchestrators
        .get('opencode')!
        .spawnSession({ role: 'witness', rig: 'my-app', agentName: '', agent: 'opencode', workDir: second }),
    ).resolves.toBe('my-app.witness');
  });

  test('an id that no branch may have is refused before anything is made', async () => {
    for (const workId of ['a..b', 'x.lock', 'end.'])
      await expect(sling({ workId })).rejects.toMatchObject({
        code: 'bad-input',
        message: expect.stringContaining(workId),
      });
    expect(core.work.find('a..b')).toBeUndefined();
    expect(existsSync(worktree())).toBe(false);
    await expect(sling()).resolves.toBeDefined();
  });

  test('what is in the way of the branch is the reason for which the unit failed', async () => {
    execFileSync('git', ['branch', 'polecat'], { cwd: repository });
    await expect(sling()).rejects.toThrow('the branch "polecat" of');
    expect(core.work.get('issue-1')).toMatchObject({
      state: 'failed',
      note: expect.stringContaining('git branch -m polecat'),
    });
  });

  test('ids that differ in case only are one', async () => {
    core.work.add({ id: 'Issue-1', description: 'x' }, 'overseer');
    await expect(sling()).rejects.toThrow('There is a work unit Issue-1 already (case does not count)');
    core.work.add({ id: 'Task-3', description: 'x' }, 'overseer');
    expect(core.work.add({ description: 'numbered by the town' }, 'overseer').id).toBe('task-4');
  });

  test('a name that differs in case only is taken', async () => {
    await sling();
    await expect(sling({ name: 'Toast', workId: 'issue-2' })).rejects.toThrow(
      'There is a session named alpha-toast already',
    );
    expect(core.work.find('issue-2')).toBeUndefined();
  });

  test('the unit runs from the moment the model has it', async () => {
    const { session } = await sling();
    const [spec] = core.driver.started;
    core.manager.delivered(session.runId, spec!.firstPrompt!.id);
    expect(core.work.get('issue-1').state).toBe('running');
    expect(core.store.messages.get(spec!.firstPrompt!.id)).toMatchObject({ state: 'delivered', runId: session.runId });
  });

  test('a receipt that is told late changes nothing of a unit that is on its way to somebody else', async () => {
    const { session } = await sling();
    const [spec] = core.driver.started;
    core.manager.delivered(session.runId, spec!.firstPrompt!.id);
    core.work.move(core.work.get('issue-1'), 'assigned', { by: 'overseer' }, { owner: 'alpha-nux' });
    core.manager.delivered(session.runId, spec!.firstPrompt!.id);
    expect(core.work.get('issue-1')).toMatchObject({ state: 'assigned', owner: 'alpha-nux' });
  });

  test('a start that fails leaves nothing but the failed unit with the reason', async () => {
    core.driver.onStart = async () => {
      throw new GasTownError('agent-missing', 'opencode was not found.');
    };
    await expect(sling()).rejects.toThrow('opencode was not found');
    expect(core.work.get('issue-1')).toMatchObject({ state: 'failed', note: 'opencode was not found.' });
    expect(core.work.get('issue-1').owner).toBeUndefined();
    expect(core.registry.list()).toEqual([]);
    expect(core.store.sessions.all()).toEqual([]);
    expect(existsSync(worktree())).toBe(false);
    expect(branches()).toEqual(['main']);
    expect(core.store.messages.latest(9).map(({ state }) => state)).toEqual(['refused']);
  });

  test('a failed unit can be slung again', async () => {
    core.driver.onStart = async () => {
      throw new Error('once');
    };
    await expect(sling()).rejects.toThrow('once');
    core.driver.onStart = async () => undefined;
    const { session } = await slingOrder(withoutMessage());
    expect(session.state).toBe('running');
  });

  test('a worktree in which the failing agent left something is kept, and the unit says so [holds 6]', async () => {
    core.driver.onStart = async (spec) => {
      writeFileSync(join(spec.cwd, 'precious.txt'), 'work');
      throw new Error('died late');
    };
    await expect(sling()).rejects.toThrow('died late');
    expect(existsSync(join(worktree(), 'precious.txt'))).toBe(true);
    expect(core.work.get('issue-1').note).toBe(
      `alpha-toast could not be started: died late (its worktree ${worktree()} was kept: uncommitted: precious.txt)`,
    );
  });

  test('cancelling undoes it as a failure does', async () => {
    const controller = new AbortController();
    core.driver.onStart = async (_spec, signal) => {
      controller.abort();
      signal.throwIfAborted();
    };
    await expect(sling({}, controller.signal)).rejects.toThrow();
    expect(core.work.get('issue-1').state).toBe('failed');
    expect(existsSync(worktree())).toBe(false);
  });

  test('E21: two slings of one unit: one wins, the other is told who has it [holds 2]', async () => {
    const results = await Promise.allSettled([sling({ name: 'one' }), sling({ name: 'two' })]);
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const lost = results.find((result) => result.status === 'rejected');
    expect(String(lost?.reason)).toMatch(/alpha-(one|two) has it|already/);
    expect(core.driver.started).toHaveLength(1);
  });

  test('two slings of one unit to one name: the second leaves the first alone', async () => {
    const results = await Promise.allSettled([sling(), sling()]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect(core.work.get('issue-1')).toMatchObject({ state: 'assigned', owner: 'alpha-toast' });
  });

  test('two slings to one name: the second is told so before anything is made', async () => {
    const results = await Promise.allSettled([sling(), sling({ workId: 'issue-2' })]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect(core.work.find('issue-2')).toBeUndefined();
  });

  test('E20: a unit whose session died goes to another one, and back into the worktree that was kept', async () => {
    const { session } = await sling();
    writeFileSync(join(worktree(), 'half.txt'), 'half done');
    core.manager.report(session.runId, 'program', { kind: 'ended', error: 'killed' }, 'killed');
    expect(core.work.get('issue-1').state).toBe('assigned');
    const other = await sling({ name: 'nux' });
    expect(other.work).toMatchObject({ state: 'assigned', owner: 'alpha-nux' });
    core.manager.report(other.session.runId, 'program', { kind: 'ended', error: 'killed' }, 'killed');
    await sling();
    expect(core.driver.started.at(-1)).toMatchObject({ cwd: worktree(), sessionId: 'alpha-toast' });
    expect(existsSync(join(worktree(), 'half.txt'))).toBe(true);
  });

  test('E20: what cannot be slung, such as a unit of a live session, is refused before anything is made', async () => {
    await expect(slingOrder(withoutMessage())).rejects.toThrow(/does not know issue-1.*-m/);
    await sling();
    await expect(sling({ workId: 'issue-2' })).rejects.toThrow(/alpha-toast already/);
    await expect(sling({ name: 'nux' })).rejects.toThrow(/alpha-toast has it/);
  });
});
