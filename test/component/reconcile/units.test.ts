import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { GasTownError } from '../../../shared/platform/errors.ts';
import { makeFakeTown } from '../../support/fake-town.ts';
import type { FakeTown } from '../../support/fake-town.ts';
import { atWork, history, lastStart, open, sling, toast, unit, until } from './support.ts';

let town: FakeTown;
afterEach(() => town.close());

describe('a unit whose session cannot be started', () => {
  test('E26: is queued again with a growing pause, and after the last try escalated until somebody queues it anew', async () => {
    town = await makeFakeTown({ retries: 4, backoff_seconds: 60 });
    town.driver.onStart = async () => {
      throw new GasTownError('spawn-failed', 'out of memory');
    };
    await expect(sling(town)).rejects.toThrow('out of memory');
    for (let attempt = 1; attempt <= 4; attempt += 1) {
      await until(() => unit(town).state === 'queued' && unit(town).attempts === attempt);
      const pause = 60_000 * 2 ** (attempt - 1);
      expect(unit(town).notBefore! - town.manager.now()).toBeLessThanOrEqual(pause);
      await town.pass(pause / 2);
      expect(town.driver.started).toHaveLength(attempt);
      await town.pass(pause / 2);
      await until(() => town.driver.started.length === attempt + 1);
    }
    await until(() => unit(town).state === 'escalated');
    expect(open(town)).toEqual(['medium: no session could be started for issue-1 5 times: out of memory']);
    await town.pass(24 * 3_600_000);
    expect(town.driver.started).toHaveLength(5);
    expect(existsSync(join(town.paths.worktrees, 'alpha', 'toast'))).toBe(false);

    town.driver.onStart = async () => undefined;
    await town.request('work.requeue', { id: 'issue-1' });
    await until(() => unit(town).state === 'assigned' && town.registry.list().some(({ state }) => state === 'running'));
    expect(unit(town).attempts).toBe(0);
    expect(lastStart(town).firstPrompt?.text).toContain('out of memory');
  });

  test('for a reason that does not pass fails at once', async () => {
    town = await makeFakeTown();
    town.driver.onStart = async () => {
      throw new GasTownError('agent-missing', 'opencode was not found.');
    };
    await expect(sling(town)).rejects.toThrow('not found');
    await town.settled();
    expect(unit(town)).toMatchObject({ state: 'failed', note: 'opencode was not found.' });
    expect(town.deeds()).toEqual([]);
  });

  test('asks again for the agent that was asked for', async () => {
    town = await makeFakeTown({ backoff_seconds: 0 });
    let tries = 0;
    town.driver.onStart = async () => {
      tries += 1;
      if (tries === 1) throw new GasTownError('spawn-failed', 'busy');
    };
    await expect(
      town.request('sling', { work: 'issue-1', rig: 'alpha', message: 'Do it', backend: 'opencode' }),
    ).rejects.toThrow('busy');
    await until(() => town.driver.started.length === 2);
    expect(town.driver.started.map(({ agent }) => agent.name)).toEqual(['opencode', 'opencode']);
    await until(() => town.registry.list().some(({ state }) => state === 'running'));
  });
});

describe('a unit that its session reports as failed', () => {
  test('stays so by default', async () => {
    town = await makeFakeTown();
    await atWork(town);
    await town.request('work.done', { status: 'failed', message: 'cannot build' }, toast);
    await town.pass(3_600_000);
    expect(unit(town)).toMatchObject({ state: 'failed', note: 'cannot build' });
    expect(open(town)).toEqual([]);
  });

  test('is tried again by the same session, then escalated', async () => {
    town = await makeFakeTown({ work_failure: 'retry', backoff_seconds: 10 });
    await atWork(town);
    town.idle(toast);
    await town.request('work.done', { status: 'failed', message: 'cannot build' }, toast);
    await until(() => unit(town).state === 'queued');
    await town.pass(10_000);
    await until(() => unit(town).state === 'assigned');
    expect(unit(town)).toMatchObject({ owner: toast, attempts: 1 });
    await until(() => town.driver.deliveries.some(({ delivery }) => delivery.text.includes('cannot build')));
    town.manager.delivered(town.registry.get(toast).runId, town.driver.deliveries.at(-1)!.delivery.id);
    await town.request('work.done', { status: 'failed', message: 'still not' }, toast);
    await until(() => open(town).length === 1);
    expect(unit(town).state).toBe('escalated');
    expect(open(town)).toEqual(['medium: issue-1 failed 2 times: still not']);
  });

  test('goes to another session', async () => {
    town = await makeFakeTown({ work_failure: 'reassign', backoff_seconds: 0 });
    await atWork(town);
    await town.request('work.done', { status: 'failed', message: 'cannot build' }, toast);
    await until(() => town.driver.started.length === 2);
    expect(unit(town).owner).not.toBe(toast);
    expect(lastStart(town).firstPrompt?.text).toContain(`${toast} had this before`);
    expect(history(town)).toEqual([
      'open',
      'assigned',
      'assigned',
      'running',
      'failed',
      'queued',
      'assigned',
      'assigned',
    ]);
  });
});

describe('a stalled unit', () => {
  test('whose session dies over what the user has told it: the session comes back, is told it again, and the unit waits', async () => {
    town = await makeFakeTown();
    const runId = await atWork(town);
    town.work.move(unit(town), 'stalled', { by: 'host', note: 'its turn ended twice without a report' });
    town.idle(toast);
    await town.request('message.send', { to: toast, type: 'nudge', body: 'Try the other door' });
    await until(() => town.driver.deliveries.length === 1);
    town.manager.delivered(runId, town.driver.deliveries[0]!.delivery.id);
    town.die(toast);
    await until(() => town.registry.get(toast).runId !== runId && town.registry.get(toast).state === 'running');
    expect(lastStart(town).firstPrompt).toBeUndefined();
    town.idle(toast);
    await until(() => town.driver.deliveries.length === 2);
    expect(town.driver.deliveries[1]!.delivery.text).toContain('Try the other door');
    expect(unit(town)).toMatchObject({ state: 'stalled', owner: toast });
    expect(open(town)).toHaveLength(1);
  });

  const stall = async (): Promise<void> => {
    const run = await atWork(town);
    town.manager.turnEnded(run);
    town.idle(toast);
    await until(() => town.driver.deliveries.length === 1);
    town.manager.delivered(run, town.driver.deliveries[0]!.delivery.id);
    town.idle(toast);
    town.manager.turnEnded(run);
  };

  test('is escalated once', async () => {
    town = await makeFakeTown();
    await stall();
    await until(() => open(town).length === 1);
    expect(open(town)).toEqual([
      `medium: issue-1 is stalled: ${toast} stopped working on it without a report: its turn ended twice without a report`,
    ]);
    await town.pass(3_600_000);
    expect(open(town)).toHaveLength(1);
    expect(unit(town)).toMatchObject({ state: 'stalled', owner: toast });
    // It may still be finished; then nobody need care any more.
    await town.request('work.done', { message: 'done after all' }, toast);
    expect(unit(town).state).toBe('done');
    expect(open(town)).toEqual([]);
  });

  test('goes to another session, which takes the place of the one that had it', async () => {
    town = await makeFakeTown({ stalled: 'reassign' });
    await stall();
    await until(() => unit(town).state === 'assigned');
    const { owner = '' } = unit(town);
    expect(owner).not.toBe(toast);
    await until(() => town.registry.find(owner)?.state === 'running');
    expect(town.registry.get(toast).state).toBe('stopped');
    expect(lastStart(town).firstPrompt?.text).toContain(`${toast} had this before`);
    // It is not told what it will not read.
    expect(town.driver.deliveries).toHaveLength(1);
  });

  test('goes to another session, and a crew member who had it stays and is told once', async () => {
    town = await makeFakeTown({ stalled: 'reassign' });
    const dag = 'alpha-crew-dag';
    await town.request('session.spawn', { role: 'crew', rig: 'alpha', name: 'dag' });
    town.idle(dag);
    await town.request('work.add', { id: 'issue-1', description: 'Paint it', rig: 'alpha' });
    await town.request('work.assign', { id: 'issue-1', session: dag });
    const { runId } = town.registry.get(dag);
    for (const times of [1, 2]) {
      await until(() => town.driver.deliveries.length === times);
      town.manager.delivered(runId, town.driver.deliveries.at(-1)!.delivery.id);
      town.idle(dag);
      town.manager.turnEnded(runId);
    }
    const owners: (string | undefined)[] = [];
    town.work.onDidChange(({ owner }) => owners.push(owner));
    await until(() => unit(town).state === 'assigned' && unit(town).owner !== dag);
    expect(owners.filter((owner) => owner === dag)).toEqual([]);
    await until(() => town.driver.deliveries.length === 3);
    expect(town.driver.deliveries[2]?.delivery.text).toMatch(/issue-1 is no longer yours/);
    await expect(town.request('work.done', { id: 'issue-1', message: 'late' }, dag)).rejects.toThrow('is not yours');
    expect(town.registry.get(dag).state).toBe('running');
  });
});

test('a unit that is cancelled: its session is told once, and never primed with it again', async () => {
  town = await makeFakeTown();
  await atWork(town);
  town.idle(toast);
  await town.request('work.cancel', { id: 'issue-1', message: 'not needed' });
  await until(() => town.driver.deliveries.length === 1);
  expect(town.driver.deliveries[0]?.delivery.text).toMatch(/issue-1 is cancelled \(not needed\). Stop working on it/);
  town.manager.delivered(town.registry.get(toast).runId, town.driver.deliveries[0]!.delivery.id);
  town.idle(toast);
  await town.pass(600_000);
  expect(town.driver.deliveries).toHaveLength(1);
  expect(unit(town)).toMatchObject({ state: 'cancelled', note: 'not needed' });
  await town.request('work.requeue', { id: 'issue-1' });
  await until(() => unit(town).state === 'assigned');
});

test('what waits to be told of a cancelled unit is not told any more', async () => {
  town = await makeFakeTown();
  await town.request('session.spawn', { role: 'crew', rig: 'alpha', name: 'dag' });
  town.busy('alpha-crew-dag');
  await town.request('work.add', { id: 'issue-2', description: 'Paint it', rig: 'alpha' });
  await town.request('work.assign', { id: 'issue-2', session: 'alpha-crew-dag' });
  await town.request('work.cancel', { id: 'issue-2' });
  town.idle('alpha-crew-dag');
  await town.settled();
  expect(town.driver.deliveries.filter(({ delivery }) => delivery.text.includes('Paint it'))).toEqual([]);
});

test('missed events are made up for: a receipt, and the end of a turn', async () => {
  town = await makeFakeTown();
  await sling(town);
  const { runId } = town.registry.get(toast);
  // The store has the receipt, but the host died before the unit was moved.
  town.store.messages.setDelivered(lastStart(town).firstPrompt!.id, runId, town.manager.now());
  town.idle(toast);
  await town.settled();
  expect(unit(town)).toMatchObject({ state: 'running', runId });
  // Idle since, and nobody ever said that the turn was over.
  town.busy(toast);
  town.idle(toast);
  await town.pass(31_000);
  expect(town.deeds('issue-1')).toEqual(['missed-event: running', 'missed-event: remind']);
  expect(town.store.messages.pending(toast).map(({ kind, workId }) => [kind, workId])).toEqual([
    ['reminder', 'issue-1'],
  ]);
});

test('a report on a unit that was cancelled changes nothing', async () => {
  town = await makeFakeTown();
  await atWork(town);
  await town.request('work.cancel', { id: 'issue-1' });
  await expect(town.request('work.done', { id: 'issue-1', message: 'done' }, toast)).rejects.toThrow(
    'cancelled already',
  );
  expect(unit(town).state).toBe('cancelled');
});

test('a unit that is done is not queued again, one that was cancelled is', async () => {
  town = await makeFakeTown();
  await atWork(town);
  await town.request('work.done', { id: 'issue-1', message: 'made it' }, toast);
  await expect(town.request('work.requeue', { id: 'issue-1' })).rejects.toThrow(/done/);
  expect(unit(town)).toMatchObject({ state: 'done', note: 'made it' });
  await town.request('work.add', { id: 'issue-2', description: 'Do it', rig: 'alpha' });
  await town.request('work.cancel', { id: 'issue-2' });
  expect(await town.request('work.requeue', { id: 'issue-2' })).toMatchObject({ state: 'queued' });
});

test('a unit that its session cannot finish is told to the person', async () => {
  town = await makeFakeTown();
  await atWork(town);
  await town.request('work.done', { status: 'escalated', message: 'needs a decision' }, toast);
  await until(() => open(town).length === 1);
  expect(open(town)).toEqual([`medium: ${toast} cannot finish issue-1: needs a decision`]);
});

test('a queued unit waits while nothing can be started, and goes on when the backend works again', async () => {
  town = await makeFakeTown({ backoff_seconds: 0, retries: 1 });
  await town.request('work.add', { id: 'issue-1', description: 'Do it', rig: 'alpha' });
  for (let failures = 0; failures < 10; failures += 1)
    town.breakers.take({ backend: 'opencode' }, { kind: 'failed', reason: 'no server' });
  await town.request('work.requeue', { id: 'issue-1' });
  await until(() => unit(town).dispatch?.blocked);
  expect(unit(town)).toMatchObject({ state: 'queued', attempts: 0, note: expect.stringContaining('no server') });
  expect(unit(town).notBefore).toBeGreaterThan(town.manager.now());
  expect(town.deeds('issue-1')).toEqual(['due-unit: dispatch']);
  town.breakers.take({ backend: 'opencode' }, { kind: 'succeeded' });
  await until(() => town.driver.started.length === 1);
  expect(unit(town)).toMatchObject({ state: 'assigned', attempts: 0 });
  await until(() => town.registry.list().some(({ state }) => state === 'running'));
});
