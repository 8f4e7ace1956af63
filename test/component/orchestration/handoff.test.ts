import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CallerView, Params } from '../../../shared/channel/protocol.ts';
import { GasTownError } from '../../../shared/platform/errors.ts';
import { settleHandoffs } from '../../../shared/orchestration/handoff.ts';
import { handOffWork } from '../../../shared/api/handoff.ts';
import { slingUnit } from '../../../shared/orchestration/sling-unit.ts';
import { makeRepository } from '../../support/core.ts';
import { makeFakeTown } from '../../support/fake-town.ts';
import type { FakeTown } from '../../support/fake-town.ts';

const person: CallerView = { kind: 'person' };
const never = new AbortController().signal;
let town: FakeTown;

beforeEach(async () => {
  town = await makeFakeTown({ stalled: 'leave' });
});
afterEach(() => town.close());

const sling = (work: string, name: string) =>
  slingUnit(town, { work, rig: 'alpha', name, message: `Do ${work}` }, 'overseer', never);
const handOff = (change: Partial<Params<'work.handoff'>> = {}, by: CallerView = person) =>
  handOffWork(town, { from: 'alpha-toast', to: 'nux', context: 'Half of it is done.', ...change }, by, never);
const worktree = (name: string): string => join(town.paths.worktrees, 'alpha', name);
const notes = (id: string): string[] => town.store.work.history(id).map(({ note }) => note ?? '');
const caller = (session: string): CallerView => ({ kind: 'session', session, runId: town.registry.get(session).runId });

describe('a handoff to a new polecat', () => {
  test('moves the unit, its branch and its worktree, with what is to be known', async () => {
    await sling('issue-1', 'toast');
    writeFileSync(join(worktree('toast'), 'half.txt'), 'half');
    const { work, session } = await handOff();
    expect(work).toMatchObject({ owner: 'alpha-nux', state: 'assigned', branch: 'polecat/toast/issue-1' });
    expect(session).toMatchObject({
      id: 'alpha-nux',
      workDir: worktree('toast'),
      branch: 'polecat/toast/issue-1',
      state: 'running',
    });
    expect(town.registry.get('alpha-toast').state).toBe('stopped');
    const prompt = town.driver.started.at(-1)?.firstPrompt?.text;
    expect(prompt).toContain('Half of it is done.');
    expect(prompt).toContain('half.txt');
    expect(notes('issue-1')).toContain('handed over from alpha-toast to alpha-nux');
    await town.settled();
    expect(existsSync(join(worktree('toast'), 'half.txt'))).toBe(true);
    expect(town.store.handoffs.all()).toEqual([]);
  });

  test('takes every form of its name, also where the rig\'s name has a "-"', async () => {
    await town.rigs.add(makeRepository(join(town.root, '..', 'my-app')), 'my-app');
    for (const [at, to] of ['my-app.b0', 'my-app/b1', 'my-app/polecats/b2', 'my-app-b3', 'b4'].entries()) {
      await slingUnit(
        town,
        { work: `issue-${at}`, rig: 'my-app', name: `a${at}`, message: 'Do it' },
        'overseer',
        never,
      );
      const { session } = await handOff({ from: `my-app.a${at}`, to });
      expect(session.id).toBe(`my-app.b${at}`);
    }
  });

  test('never has two owners: the old session has ended before the new one starts [holds 2]', async () => {
    await sling('issue-1', 'toast');
    town.driver.onStart = async (spec) => {
      if (spec.sessionId !== 'alpha-nux') return;
      expect(town.registry.get('alpha-toast').state).toBe('stopped');
      expect(town.work.get('issue-1').owner).toBe('alpha-nux');
    };
    await handOff();
    expect(town.driver.started.at(-1)?.sessionId).toBe('alpha-nux');
  });

  test('goes on with the next agent of the failover chain, where the first one does not start', async () => {
    const beta = makeRepository(join(town.root, '..', 'beta'));
    mkdirSync(join(beta, 'settings'));
    const settings = {
      type: 'rig-settings',
      agents: { second: { provider: 'opencode' } },
      failover: { polecat: ['second'] },
    };
    writeFileSync(join(beta, 'settings', 'config.json'), JSON.stringify(settings));
    await town.rigs.add(beta, 'beta');
    await slingUnit(town, { work: 'issue-2', rig: 'beta', name: 'toast', message: 'Do it' }, 'overseer', never);
    town.driver.onStart = async ({ agent }) => {
      if (agent.name !== 'second') throw new GasTownError('spawn-failed', 'it fell over');
    };
    const { session } = await handOff({ from: 'beta-toast' });
    expect([session.id, session.agent]).toEqual(['beta-nux', 'second']);
    expect(town.work.get('issue-2')).toMatchObject({ owner: 'beta-nux', state: 'assigned' });
  });

  test('that does not start leaves the unit open, with the reason, and the worktree where it is', async () => {
    await sling('issue-1', 'toast');
    writeFileSync(join(worktree('toast'), 'half.txt'), 'half');
    town.driver.onStart = async () => {
      throw new GasTownError('spawn-failed', 'it fell over');
    };
    await expect(handOff()).rejects.toThrow('it fell over');
    expect(town.work.get('issue-1')).toMatchObject({
      state: 'open',
      note: 'handing over to alpha-nux failed: it fell over',
    });
    expect(town.work.get('issue-1').owner).toBeUndefined();
    expect(existsSync(join(worktree('toast'), 'half.txt'))).toBe(true);
    town.driver.onStart = async () => undefined;
    await slingUnit(town, { work: 'issue-1', rig: 'alpha', name: 'toast' }, 'overseer', never);
    expect(town.driver.started.at(-1)?.cwd).toBe(worktree('toast'));
  });

  test('where the old session cannot be ended, nobody starts, and the unit is open with the reason', async () => {
    await sling('issue-1', 'toast');
    town.driver.onStop = async () => {
      throw new GasTownError('internal', 'it does not end');
    };
    await expect(handOff()).rejects.toThrow('it does not end');
    expect(town.work.get('issue-1')).toMatchObject({
      state: 'open',
      note: 'handing over to alpha-nux failed: it does not end',
    });
    expect(town.driver.started.map(({ sessionId }) => sessionId)).toEqual(['alpha-toast']);
    expect(town.store.handoffs.all()).toEqual([]);
  });

  test('goes on where a session has died', async () => {
    const { session } = await sling('issue-1', 'toast');
    town.manager.report(session.runId, 'program', { kind: 'ended', error: 'killed' }, 'killed');
    const { work } = await handOff();
    expect(work.owner).toBe('alpha-nux');
    expect(town.driver.started.at(-1)?.cwd).toBe(worktree('toast'));
  });
});

describe('a handoff to a session that lives', () => {
  test('gives it the unit, with the place, after the old one has ended', async () => {
    await sling('issue-1', 'toast');
    await sling('issue-2', 'nux');
    const { work, session } = await handOff();
    expect(session.id).toBe('alpha-nux');
    expect(work).toMatchObject({ owner: 'alpha-nux', branch: 'polecat/toast/issue-1' });
    const told = town.store.messages
      .pending('alpha-nux')
      .find(({ kind, workId }) => kind === 'work' && workId === 'issue-1');
    expect(told?.body).toContain('Half of it is done.');
    expect(told?.body).toContain(worktree('toast'));
    expect(town.registry.get('alpha-toast').state).toBe('stopped');
    expect(town.driver.started).toHaveLength(2);
  });

  test('of two at once one wins [holds 2]', async () => {
    await sling('issue-1', 'toast');
    const both = await Promise.allSettled([handOff({ to: 'nux' }), handOff({ to: 'ace' })]);
    expect(both.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(town.registry.list().filter(({ state }) => state === 'running')).toHaveLength(1);
  });
});

describe('who may hand off what', () => {
  test('a session its own unit, and ends with it', async () => {
    await sling('issue-1', 'toast');
    const { work } = await handOff({}, caller('alpha-toast'));
    expect(work.owner).toBe('alpha-nux');
  });

  test.each<[string, Partial<Params<'work.handoff'>>, string]>([
    ['a polecat not the unit of another one', { from: 'alpha-toast' }, 'denied'],
  ])('%s', async (_what, change, code) => {
    await sling('issue-1', 'toast');
    await sling('issue-2', 'nux');
    await expect(handOff(change, caller('alpha-nux'))).rejects.toMatchObject({ code });
    expect(town.work.get('issue-1').owner).toBe('alpha-toast');
  });

  test.each<[Partial<Params<'work.handoff'>>, string, RegExp]>([
    [{ to: 'toast' }, 'refused', /alpha-toast has issue-1 already/],
    [{ from: 'alpha-nobody' }, 'unknown-session', /alpha-toast/],
    [{ work: 'issue-9' }, 'unknown-work', /issue-1/],
    [{ context: '  ' }, 'bad-input', /-m/],
    [{ to: 'no/such/name' }, 'bad-input', /./],
    [{ agent: 'opencod' }, 'unknown-agent', /opencode/],
  ])('%j is refused, and nothing is changed', async (change, code, message) => {
    await sling('issue-1', 'toast');
    await expect(handOff(change)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    expect(town.work.get('issue-1')).toMatchObject({ owner: 'alpha-toast' });
    expect(town.registry.get('alpha-toast').state).toBe('running');
  });
});

describe('a host that died in the middle of a handoff', () => {
  const intent = { workId: 'issue-1', from: 'alpha-toast', to: 'alpha-nux', note: 'Half.' };
  const claim = () => town.work.move(town.work.get('issue-1'), 'assigned', { by: 'overseer' }, { owner: 'alpha-nux' });

  test('leaves the unit with the old session, where that lives', async () => {
    await sling('issue-1', 'toast');
    town.store.handoffs.begin(intent);
    claim();
    settleHandoffs(town);
    expect(town.work.get('issue-1')).toMatchObject({
      owner: 'alpha-toast',
      note: expect.stringContaining('it stays with alpha-toast'),
    });
    expect(town.store.messages.pending('alpha-toast').some(({ workId }) => workId === 'issue-1')).toBe(true);
    expect(town.store.handoffs.all()).toEqual([]);
  });

  test('leaves it open, where that has ended', async () => {
    await sling('issue-1', 'toast');
    town.store.handoffs.begin(intent);
    claim();
    await town.manager.stop('alpha-toast');
    settleHandoffs(town);
    expect(town.work.get('issue-1')).toMatchObject({
      state: 'open',
      note: expect.stringContaining('the host ended in the middle of it'),
    });
  });

  test('tells a new owner that lives, once', async () => {
    await sling('issue-1', 'toast');
    await sling('issue-2', 'nux');
    town.store.handoffs.begin(intent);
    claim();
    settleHandoffs(town);
    settleHandoffs(town);
    expect(town.store.messages.pending('alpha-nux').filter(({ workId }) => workId === 'issue-1')).toHaveLength(1);
  });
});
