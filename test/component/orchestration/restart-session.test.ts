import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { GasTownError } from '../../../shared/platform/errors.ts';
import { restartSession } from '../../../shared/orchestration/restart-session.ts';
import { fakeAgent, makeCore, temporaryFolder } from '../../support/core.ts';

let folder: ReturnType<typeof temporaryFolder>;
let core: ReturnType<typeof makeCore>;

beforeEach(() => {
  folder = temporaryFolder('restart');
  core = makeCore(join(folder.path, 'town.db'));
});
afterEach(() => {
  core.store.close();
  folder.remove();
});

const id = 'alpha-toast';
const unit = () => core.work.get('issue-1');
const lastStart = () => core.driver.started.at(-1)!;

/** A session with work that its model has. */
async function atWork(): Promise<string> {
  core.work.add({ id: 'issue-1', description: 'Fix the door' }, 'overseer');
  const [orchestrator] = core.orchestrators.values();
  await orchestrator!.spawnSession({
    role: 'polecat',
    workDir: '/work',
    rig: 'alpha',
    agentName: 'toast',
    initialWork: { id: 'issue-1', type: 'issue', description: '', payload: {}, priority: 2 },
  });
  const run = core.registry.get(id).runId;
  core.manager.runs.saveReference(run, { session: 'ses_1' });
  core.manager.delivered(run, lastStart().firstPrompt!.id);
  return run;
}

const die = (runId: string): void =>
  core.manager.report(runId, 'program', { kind: 'ended', error: 'it was killed' }, 'killed');

describe('a restart', () => {
  test('of a dead session: a new run resumes the conversation, and has the same work before it again', async () => {
    const before = await atWork();
    expect(lastStart()).not.toHaveProperty('again');
    die(before);
    const session = await restartSession(core, id, { reason: 'it was killed' });
    expect(session).toMatchObject({ id, state: 'running', rig: 'alpha', workDir: '/work' });
    expect(session.runId).not.toBe(before);
    expect(lastStart()).toMatchObject({
      runId: session.runId,
      again: true,
      resume: { reference: { session: 'ses_1' }, unconfirmed: [] },
    });
    expect(lastStart().firstPrompt?.text).toMatch(/issue-1[\s\S]*This session was restarted \(it was killed\)/);
    expect(unit()).toMatchObject({ state: 'assigned', owner: id, runId: session.runId });
    core.manager.delivered(session.runId, lastStart().firstPrompt!.id);
    expect(unit().state).toBe('running');
    expect(core.store.sessions.restartsSince(id, 0)).toHaveLength(1);
  });

  test('E27: the end of the run that is replaced is no end of the session: the unit keeps its owner [holds 3]', async () => {
    const before = await atWork();
    const ends: string[] = [];
    core.manager.events.onDidEnd(({ runId }) => ends.push(runId));
    core.driver.onStart = async () => {
      expect(core.driver.stopped).toEqual([before]);
      // The evicted run's completion comes late, when its successor is there.
      die(before);
    };
    const { runId } = await restartSession(core, id, { reason: 'no progress' });
    expect(ends).toEqual([]);
    expect(unit()).toMatchObject({ owner: id, runId });
    expect(core.registry.get(id).state).toBe('running');
    expect(core.store.work.history('issue-1').map(({ state }) => state)).toEqual([
      'open',
      'assigned',
      'running',
      'assigned',
    ]);
    expect(core.store.sessions.run(before)?.state).toBe('stopped');
  });

  test('with an agent of another backend starts afresh, with the note', async () => {
    const run = await atWork();
    die(run);
    const agent = { name: 'claude', backend: 'claude' as const, command: 'claude', args: [], env: {} };
    core.driver.backend = 'claude';
    core.manager.drivers.add(core.driver);
    await restartSession(core, id, { reason: 'opencode is down', agent, note: 'It was on the hinges.' });
    expect(lastStart().resume).toBeUndefined();
    expect(lastStart().agent.name).toBe('claude');
    expect(lastStart().firstPrompt?.text).toContain('It was on the hinges.');
    expect(core.registry.get(id)).toMatchObject({ backend: 'claude', agent: 'claude' });
  });

  test('E8: of a session whose work is closed asks the model nothing', async () => {
    const run = await atWork();
    core.work.finish('issue-1', 'completed', { by: id, runId: run });
    die(run);
    await restartSession(core, id, { reason: 'it was killed' });
    expect(lastStart().firstPrompt).toBeUndefined();
    expect(unit().state).toBe('done');
  });

  test('tells the driver what the earlier run may have taken', async () => {
    const run = await atWork();
    const { id: waiting } = core.outbox.accept({ from: 'overseer', to: id, kind: 'nudge', body: 'Hurry' });
    core.outbox.accept({ from: 'overseer', to: id, kind: 'nudge', body: 'Not handed over yet' });
    core.store.messages.addAttempt(waiting);
    core.driver.onStart = async () => undefined;
    await core.manager.restart(id, { reason: 'test' });
    expect(lastStart().resume?.unconfirmed).toEqual([waiting]);
    expect(core.registry.get(id).runId).not.toBe(run);
  });

  test('that does not succeed leaves the session as failed with its work, and can be repeated', async () => {
    const run = await atWork();
    die(run);
    core.driver.onStart = async () => {
      throw new GasTownError('spawn-failed', 'no memory');
    };
    await expect(restartSession(core, id, { reason: 'it was killed' })).rejects.toThrow('no memory');
    expect(core.registry.get(id)).toMatchObject({ state: 'failed', cause: 'it did not start again: no memory' });
    expect(unit().owner).toBe(id);
    core.driver.onStart = async () => undefined;
    await restartSession(core, id, { reason: 'once more' });
    expect(core.registry.get(id).state).toBe('running');
    expect(lastStart().resume?.reference).toEqual({ session: 'ses_1' });
    const told = core.store.messages.latest(9).filter(({ kind }) => kind === 'work');
    expect(told.map(({ state }) => state)).toEqual(['accepted', expect.stringMatching(/refused|expired/), 'delivered']);
  });

  test('E17: a stop meanwhile counts more, whether the old run is ending or the new one starts', async () => {
    const first = await atWork();
    let stop: Promise<unknown> = Promise.resolve();
    core.driver.onStop = async () => {
      core.driver.onStop = async () => undefined;
      stop = core.manager.stop(id);
    };
    await expect(core.manager.restart(id, { reason: 'no progress' })).rejects.toThrow('was stopped while');
    await stop;
    expect(core.registry.get(id)).toMatchObject({ state: 'stopped', runId: first });
    expect(unit()).toMatchObject({ state: 'open' });

    core.driver.onStart = async (_spec, signal) => {
      stop = core.manager.stop(id);
      expect(signal.aborted).toBe(true);
      throw new GasTownError('cancelled', 'cancelled');
    };
    await expect(core.manager.restart(id, { reason: 'again' })).rejects.toThrow('cancelled');
    await stop;
    expect(core.registry.get(id).state).toBe('stopped');
    expect(core.driver.started).toHaveLength(2);
  });

  test('is one at a time, and leaves no room for another session of the name', async () => {
    await atWork();
    const restart = core.manager.restart(id, { reason: 'one' });
    await expect(core.manager.restart(id, { reason: 'two' })).rejects.toThrow('being restarted already');
    expect(() => core.manager.names.reserve({ role: 'polecat', rig: 'alpha', name: 'toast' })).toThrow(
      `There is a session named ${id} already (running)`,
    );
    await restart;
    await expect(core.manager.restart('alpha-nux', { reason: 'none' })).rejects.toThrow('no record');
  });
});

describe('a host that lets go while a session is being started', () => {
  const soon = () => new Promise((resolve) => setImmediate(resolve));
  const startAnew = async () => {
    const wanted = {
      id,
      backend: 'opencode',
      role: 'polecat',
      agentName: 'toast',
      rig: 'alpha',
      agent: fakeAgent,
      workDir: '/work',
    } as const;
    return core.manager.start(wanted, new AbortController().signal);
  };
  const startAgain = async () => {
    die(await atWork());
    return restartSession(core, id, { reason: 'it was killed' });
  };

  test.each([
    ['for the first time', startAnew, 0],
    ['again', startAgain, 1],
  ])(
    '%s: the next one finds it as after a crash, not as stopped, and does not hold it against it',
    async (_what, start, before) => {
      let giveUp = (_error: Error): void => undefined;
      const hangs = () => new Promise<void>((_resolve, reject) => (giveUp = reject));
      if (before === 0) core.driver.onStart = hangs;
      else core.manager.events.onDidEnd(() => (core.driver.onStart = hangs));
      const answered = vi.fn();
      start().then(answered, answered);
      while (core.driver.started.length <= before) await soon();
      core.manager.dispose();
      giveUp(new GasTownError('cancelled', 'the server was given up'));
      await soon();
      expect(answered).not.toHaveBeenCalled();
      core.store.close();

      core = makeCore(join(folder.path, 'town.db'));
      core.driver.adoptable = false;
      await core.manager.adoptAll();
      expect(core.registry.get(id)).toMatchObject({
        state: 'stopped',
        endedUnseen: true,
        cause: 'it ended while no host was there',
      });
      expect(core.store.sessions.failedStarts(id)).toBe(0);
    },
  );
});
