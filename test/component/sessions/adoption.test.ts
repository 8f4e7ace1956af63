import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { silentLogger } from '../../../shared/platform/logger.ts';
import { SessionContexts } from '../../../shared/sessions/role-context.ts';
import { townPaths } from '../../../shared/config/town-paths.ts';
import { RunSpecs } from '../../../shared/sessions/run-spec.ts';
import { makeCore, temporaryFolder } from '../../support/core.ts';

let folder: ReturnType<typeof temporaryFolder>;
let core: ReturnType<typeof makeCore>;
let id: string;
const ended = vi.fn();

/** The host has been replaced by another one, while the session went on. */
beforeEach(async () => {
  folder = temporaryFolder('adoption');
  const file = join(folder.path, 'town.db');
  core = makeCore(file);
  id = await core.orchestrators
    .get('opencode')!
    .spawnSession({ role: 'polecat', rig: 'alpha', agentName: 'toast', workDir: '/nowhere' });
  core.store.close();
  core = makeCore(file);
  ended.mockReset();
  core.manager.events.onDidEnd(ended);
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
  core.manager.dispose();
  core.store.close();
  folder.remove();
});

/** `adopt` fails so often. */
function failing(times: number): void {
  let left = times;
  core.driver.onAdopt = async () => {
    if (left === 0) return;
    left -= 1;
    throw new Error('ENOSPC: no space left on device');
  };
}
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const state = (): string => core.registry.get(id).state;

describe('a session that could not be looked at [holds 5]', () => {
  test('is not taken for dead: it is tried again, and goes on', async () => {
    failing(3);
    const adopted = core.manager.adoptAll();
    await pass(100);
    expect(state()).toBe('starting');
    await pass(5_000);
    await adopted;
    expect([state(), core.driver.stopped, ended.mock.calls]).toEqual(['running', [], []]);
  });

  test('is ended before it is called failed, when it cannot be taken up at all', async () => {
    failing(Number.POSITIVE_INFINITY);
    const { runId } = core.registry.find(id) ?? core.store.sessions.session(id)!;
    core.driver.onStop = async () => expect(state()).toBe('starting');
    const adopted = core.manager.adoptAll();
    await pass(60_000);
    await adopted;
    expect(core.driver.stopped).toEqual([runId]);
    expect(core.registry.get(id)).toMatchObject({
      state: 'failed',
      cause: expect.stringContaining('ENOSPC') as string,
    });
  });

  test('is not called failed while what is left of it cannot be ended', async () => {
    failing(Number.POSITIVE_INFINITY);
    core.driver.onStop = async () => {
      throw new Error('Processes 7 could not be ended.');
    };
    const adopted = core.manager.adoptAll();
    await pass(60_000);
    expect([state(), ended.mock.calls]).toEqual(['starting', []]);
    failing(0);
    await pass(10_000);
    await adopted;
    expect(state()).toBe('running');
  });

  test("is stopped without more attempts at the user's word", async () => {
    failing(Number.POSITIVE_INFINITY);
    const adopted = core.manager.adoptAll();
    await pass(100);
    const stopped = core.manager.stop(id);
    await pass(1_000);
    await Promise.all([adopted, stopped]);
    expect(core.registry.get(id)).toMatchObject({ state: 'stopped', cause: 'stopped on request' });
  });

  test('goes on where it is not known how its last turn ended', async () => {
    core.outbox.accept({ from: 'overseer', to: id, kind: 'nudge', body: 'Go on' });
    core.driver.lastFailure = () => Promise.reject(new Error('the transcript cannot be read'));
    core.store.messages.isTurnOpen = () => true;
    await core.manager.adoptAll();
    expect(state()).toBe('running');
  });
});

test('a turn that failed while no host was there has failed once, also where its driver finds that later', async () => {
  vi.useRealTimers();
  const failure = { kind: 'provider', reason: 'API Error: 500' } as const;
  const ends: unknown[] = [];
  core.manager.events.onDidEndTurn(({ failure: why }) => void ends.push(why?.reason));
  core.driver.lastFailure = () => Promise.resolve(failure);
  core.store.messages.isTurnOpen = () => true;
  await core.manager.adoptAll();
  const { runId } = core.registry.get(id);
  core.manager.turnEnded(runId, failure);
  expect(ends).toEqual(['API Error: 500']);
  core.manager.report(runId, 'program', { kind: 'busy' }, 'prompt submitted');
  core.manager.turnEnded(runId, failure);
  expect(ends).toEqual(['API Error: 500', 'API Error: 500']);
});

test('the order of a run that lives is made also where its folders cannot be written', async () => {
  const root = join(folder.path, 'town');
  writeFileSync(root, 'not a folder');
  const paths = { ...townPaths(root), worktrees: join(root, 'worktrees') };
  const contexts = new SessionContexts({ paths, promptsDir: root, store: core.store });
  const specs = new RunSpecs({
    root,
    paths,
    contexts,
    environment: {},
    asksForIdentity: (backend) => backend === 'opencode',
    portOf: () => undefined,
    log: silentLogger,
  });
  const session = core.store.sessions.session(id)!;
  const run = core.store.sessions.run(session.runId)!;
  expect(await specs.specOfLeft(session, run)).toMatchObject({ runId: run.id, contextFile: contexts.file(id) });
  await expect(specs.specOf(session, run)).rejects.toThrow();
});
