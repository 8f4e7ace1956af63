import { existsSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { GasTownError } from '../../../shared/platform/errors.ts';
import { settleAbandoned } from '../../../shared/orchestration/cleanup.ts';
import { makeFakeTown } from '../../support/fake-town.ts';
import type { FakeTown } from '../../support/fake-town.ts';
import { atWork, open, sling, takesWork, toast, unit, until } from './support.ts';

let town: FakeTown;
afterEach(() => town.close());

describe('a session that dies', () => {
  test('E9: is reported and restarted at once, with its unit its own all the time', async () => {
    town = await makeFakeTown();
    const run = await atWork(town);
    const owners: unknown[] = [];
    town.work.onDidChange((work) => owners.push(work.owner));
    town.die(toast);
    await until(() => town.registry.get(toast).runId !== run && town.registry.get(toast).state === 'running');
    takesWork(town, toast);
    expect(unit(town)).toMatchObject({ state: 'running', owner: toast, runId: town.registry.get(toast).runId });
    expect(new Set(owners)).toEqual(new Set([toast]));
    expect(town.deeds(toast)).toEqual(['dead-process: restart']);
    const told = town.store
      .events(toast)
      .map(({ type, detail }) => `${type} ${String(detail['state'] ?? detail['reason'] ?? '')}`);
    expect(told.slice(told.indexOf('session.status failed')).slice(0, 3)).toEqual([
      'session.status failed',
      'reconciler.dead-process it was killed',
      'session.restarted it was killed',
    ]);
  });

  test('again and again is quarantined after three restarts, visibly, until somebody resets it', async () => {
    town = await makeFakeTown();
    await atWork(town);
    for (let died = 1; died <= 4; died += 1) {
      const { runId } = town.registry.get(toast);
      town.die(toast);
      if (died <= 3)
        await until(() => town.registry.get(toast).runId !== runId && town.registry.get(toast).state === 'running');
    }
    await until(() => unit(town).state === 'stalled');
    expect(town.driver.started).toHaveLength(4);
    expect(town.views.session(town.registry.get(toast)).quarantined?.reason).toBe(
      'it was restarted 3 times in 300 s and ended again: it was killed',
    );
    expect(open(town)).toEqual([
      `high: ${toast} is quarantined: it was restarted 3 times in 300 s and ended again: it was killed. When the cause is dealt with: gt reset ${toast}; if it is not wanted any more: gt stop ${toast}`,
    ]);
    // Neither time nor another host starts it again.
    await town.pass(3_600_000);
    await settleAbandoned(town);
    expect(town.driver.started).toHaveLength(4);

    await expect(town.request('session.reset', { session: toast })).resolves.toMatchObject({ state: 'running' });
    expect(unit(town)).toMatchObject({ state: 'assigned', owner: toast });
    expect(open(town)).toEqual([]);
    expect(town.views.session(town.registry.get(toast)).quarantined).toBeUndefined();
    await expect(town.request('session.reset', { session: toast })).rejects.toThrow('has not ended');
    // What led to the quarantine is not held against it.
    town.die(toast);
    await until(() => town.driver.started.length === 6);
  });

  test('the window of restarts moves on', async () => {
    town = await makeFakeTown();
    await atWork(town);
    for (let died = 1; died <= 6; died += 1) {
      const { runId } = town.registry.get(toast);
      town.die(toast);
      await until(() => town.registry.get(toast).runId !== runId && town.registry.get(toast).state === 'running');
      await town.pass(120_000);
    }
    expect(town.driver.started).toHaveLength(7);
    expect(open(town)).toEqual([]);
  });

  test('E12: and does not get ready again is tried once more, then quarantined with the reason', async () => {
    town = await makeFakeTown();
    await atWork(town);
    town.driver.onStart = async () => {
      throw new GasTownError('spawn-failed', 'no word within 30 s');
    };
    town.die(toast);
    await until(() => unit(town).state === 'stalled');
    expect(town.driver.started).toHaveLength(3);
    expect(town.deeds(toast)).toEqual([
      'dead-process: restart',
      'dead-process: restart',
      'dead-process: quarantine',
      'dead-session-unit: stall',
    ]);
    expect(open(town)).toEqual([
      expect.stringContaining('it did not start 2 times in a row: it did not start again: no word within 30 s'),
    ]);
  });

  test('E8: with its unit closed meanwhile is not started again, and its worktree goes', async () => {
    town = await makeFakeTown();
    await atWork(town);
    await town.request('work.done', { message: 'fixed' }, toast);
    const { workDir } = town.registry.get(toast);
    expect(existsSync(workDir)).toBe(true);
    const { id } = town.outbox.accept({ from: 'overseer', to: toast, kind: 'nudge', body: 'well done' });
    town.die(toast);
    await until(() => !existsSync(workDir));
    expect(town.driver.started).toHaveLength(1);
    expect(town.store.messages.get(id)?.state).toBe('expired');
    expect(unit(town).state).toBe('done');
  });

  test('keeps what waited for it, for its next run', async () => {
    town = await makeFakeTown();
    const run = await atWork(town);
    const { id } = town.outbox.accept({ from: 'overseer', to: toast, kind: 'nudge', body: 'hurry' });
    town.die(toast);
    await until(() => town.registry.get(toast).runId !== run && town.registry.get(toast).state === 'running');
    expect(town.store.messages.get(id)?.state).toBe('accepted');
    town.idle(toast);
    takesWork(town, toast);
    town.idle(toast);
    await until(() => town.driver.deliveries.some(({ delivery }) => delivery.id === id));
  });

  test('E17: on purpose stays stopped, and its unit is free', async () => {
    town = await makeFakeTown();
    await atWork(town);
    await town.request('session.stop', { session: toast });
    await town.pass(3_600_000);
    expect(unit(town)).toMatchObject({ state: 'open' });
    expect(unit(town).owner).toBeUndefined();
    expect(town.driver.started).toHaveLength(1);
    expect(town.deeds()).toEqual([]);
  });

  test('where the policy forbids restarts, leaves its unit stalled and the person told', async () => {
    town = await makeFakeTown({ restarts: { max: 0 } });
    await atWork(town);
    town.die(toast);
    await until(() => open(town).length === 1);
    expect(unit(town)).toMatchObject({ state: 'stalled', owner: toast, note: `${toast} ended (it was killed)` });
    expect(open(town)).toEqual([
      `medium: issue-1 is stalled: ${toast} stopped working on it without a report: ${toast} ended (it was killed)`,
    ]);
    expect(town.driver.started).toHaveLength(1);
  });
});

test('a lost server: all its sessions are restarted, each with its own work', async () => {
  town = await makeFakeTown();
  for (const name of ['toast', 'nux']) {
    await sling(town, `issue-${name}`, name);
    takesWork(town, `alpha-${name}`);
  }
  const runs = ['toast', 'nux'].map((name) => town.registry.get(`alpha-${name}`).runId);
  for (const name of ['toast', 'nux']) town.die(`alpha-${name}`, 'The server (pid 7) ended', 'server-7');
  await until(() => town.registry.list().every(({ runId, state }) => state === 'running' && !runs.includes(runId)));
  expect(town.deeds().filter((deed) => deed === 'lost-server: restart')).toHaveLength(2);
  for (const name of ['toast', 'nux']) expect(unit(town, `issue-${name}`)).toMatchObject({ owner: `alpha-${name}` });
});

test('a hung turn is escalated once for each silence, and a word of the model puts it off', async () => {
  town = await makeFakeTown({ hung_minutes: 10 });
  const run = await atWork(town);
  town.busy(toast);
  await town.pass(9 * 60_000);
  town.manager.runs.progress(run);
  await town.pass(9 * 60_000);
  expect(open(town)).toEqual([]);
  await town.pass(2 * 60_000);
  expect(open(town)).toEqual([`high: ${toast}: busy without any progress for 11 minutes`]);
  await town.pass(60 * 60_000);
  expect(open(town)).toHaveLength(1);
  town.idle(toast);
  expect(open(town)).toEqual([]);
});

test('a hung turn is ended by a restart where the policy says so', async () => {
  town = await makeFakeTown({ hung_minutes: 10, hung: 'restart' });
  const run = await atWork(town);
  town.busy(toast);
  await town.pass(11 * 60_000);
  await until(() => town.registry.get(toast).runId !== run && town.registry.get(toast).state === 'running');
  expect(town.driver.stopped).toEqual([run]);
  expect(unit(town)).toMatchObject({ owner: toast, state: 'assigned' });
});

test('a polecat without work is stopped after the time, with nothing lost', async () => {
  town = await makeFakeTown({ idle_stop_minutes: 5 });
  await atWork(town);
  await town.request('work.done', { message: 'fixed' }, toast);
  town.idle(toast);
  await town.pass(4 * 60_000);
  expect(town.registry.get(toast).state).toBe('running');
  await town.pass(2 * 60_000);
  await until(() => town.registry.get(toast).state === 'stopped');
  expect(unit(town).state).toBe('done');
});

describe('a session that failed', () => {
  const quarantined = async (): Promise<void> => {
    town = await makeFakeTown({ restarts: { max: 1 } });
    await atWork(town);
    const { runId } = town.registry.get(toast);
    town.die(toast);
    await until(() => town.registry.get(toast).runId !== runId && town.registry.get(toast).state === 'running');
    takesWork(town, toast);
    town.die(toast);
    await until(() => unit(town).state === 'stalled');
  };

  test('is given up by a stop: its unit is open again, and what was escalated of it is closed', async () => {
    await quarantined();
    expect(open(town)).toEqual([expect.stringContaining('is quarantined')]);
    await expect(town.request('session.stop', { session: toast })).resolves.toMatchObject({
      state: 'stopped',
      cause: 'given up: it was killed',
    });
    expect(unit(town)).toMatchObject({ state: 'open' });
    expect(unit(town).owner).toBeUndefined();
    expect(open(town)).toEqual([]);
    expect(town.views.session(town.registry.get(toast)).quarantined).toBeUndefined();
    await town.pass(3_600_000);
    expect(town.registry.get(toast).state).toBe('stopped');
    await settleAbandoned(town);
    expect(town.registry.find(toast)).toBeUndefined();
  });

  test('and has no work any more is still there for the next host, until it is given up or started again', async () => {
    await quarantined();
    await town.request('work.cancel', { id: 'issue-1' });
    await settleAbandoned(town);
    expect(town.registry.get(toast)).toMatchObject({ state: 'failed' });
    await expect(town.request('session.reset', { session: toast })).resolves.toMatchObject({ state: 'running' });
  });

  test('and is settled is started again in a worktree like the one that went', async () => {
    town = await makeFakeTown();
    await town.request('session.spawn', { role: 'polecat', rig: 'alpha', name: 'toast' });
    const { workDir } = town.registry.get(toast);
    town.die(toast);
    await until(() => !existsSync(workDir));
    expect(town.deeds(toast)).toEqual(['dead-process: settle']);
    // Neither a change nor another host settles it again.
    await town.pass(1_000);
    expect(town.deeds(toast)).toHaveLength(1);
    await expect(town.request('session.reset', { session: toast })).resolves.toMatchObject({ state: 'running' });
    expect(existsSync(workDir)).toBe(true);
  });
});

test('E6: to stop a name that does not live stops nobody of another rig', async () => {
  town = await makeFakeTown();
  await town.request('session.spawn', { role: 'crew', rig: 'alpha', name: 'rust' });
  await expect(town.request('session.stop', { session: 'beta-crew-rust' })).rejects.toThrow(
    'There is no session "beta-crew-rust"',
  );
  expect(town.registry.get('alpha-crew-rust').state).toBe('running');
  expect(town.driver.stopped).toEqual([]);
});
