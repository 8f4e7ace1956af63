import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { entriesOf } from '../../../shared/domain/delivery.ts';
import { mayCall } from '../../../shared/reconcile/call-guard.ts';
import { Callings } from '../../../shared/reconcile/callings.ts';
import { Store } from '../../../shared/store/store.ts';
import { makeFakeTown } from '../../support/fake-town.ts';
import type { FakeTown } from '../../support/fake-town.ts';
import { atWork, toast, until } from './support.ts';

const witness = 'alpha-witness';

let town: FakeTown;
afterEach(() => town.close());

const heard = (id: string): string[] =>
  town.store.messages.latest(100, { session: id, from: 'host' }).map(({ body }) => body);

const askForHelp = (message: string) => town.request('work.escalate', { severity: 'high', message }, toast);

describe('a witness that runs', () => {
  test('is called once when a worker of its rig asks for help, with what it said', async () => {
    town = await makeFakeTown();
    await town.request('session.spawn', { role: 'witness', rig: 'alpha' });
    town.idle(witness);
    await atWork(town);
    await askForHelp('The key is missing');
    await askForHelp('The key is missing');
    expect(heard(witness)).toEqual([expect.stringMatching(/^alpha-toast asks for help\.[^\n]*\nThe key is missing$/)]);
    await until(() => town.driver.deliveries.some(({ delivery }) => delivery.text.includes('> The key is missing')));
    new Callings(town, town.breakers).catchUp();
    expect(heard(witness)).toHaveLength(1);
  });

  test('is not called for ever: what is more is escalated once', async () => {
    town = await makeFakeTown();
    await town.settings.update({ roles: { calls_per_hour: 2 } });
    await town.request('session.spawn', { role: 'witness', rig: 'alpha' });
    await atWork(town);
    for (let time = 0; time < 5; time += 1) await askForHelp(`number ${time}`);
    expect(heard(witness)).toHaveLength(2);
    const tooOften = (): string[] =>
      town.escalations.list().flatMap(({ key, message }) => (key.kind === 'calls' ? [message] : []));
    expect(tooOften()).toEqual([expect.stringContaining('alpha-witness was called 2 times within an hour')]);
    await town.pass(2 * 3_600_000);
    await askForHelp('an hour later');
    expect(heard(witness)).toHaveLength(3);
  });
});

test('nobody is called who does not run, unless the settings say so', async () => {
  town = await makeFakeTown();
  await atWork(town);
  await askForHelp('The key is missing');
  await town.settled();
  expect(heard(witness)).toEqual([]);
  expect(town.registry.find(witness)).toBeUndefined();
});

describe('a witness on demand', () => {
  test('is started for the call, stopped when it has been idle, and resumed for the next one', async () => {
    town = await makeFakeTown();
    await town.settings.update({ roles: { on_demand: ['witness'], sleep_after_minutes: 5 } });
    await atWork(town);
    await askForHelp('The key is missing');
    await until(() => town.registry.find(witness)?.state === 'running');
    town.idle(witness);
    await until(() => town.driver.deliveries.some(({ delivery }) => delivery.text.includes('> The key is missing')));
    const { runId } = town.registry.get(witness);
    town.manager.delivered(runId, town.driver.deliveries[0]!.delivery.id);
    town.idle(witness);
    town.manager.turnEnded(runId);
    await town.pass(4 * 60_000);
    expect(town.registry.get(witness).state).toBe('running');
    await town.pass(2 * 60_000);
    await until(() => town.registry.get(witness).state === 'stopped');
    await askForHelp('The key is still missing');
    await until(() => town.registry.get(witness).state === 'running');
    expect(town.registry.get(witness).runId).not.toBe(runId);
  });

  test('is started by the next host where the one that called it died before', async () => {
    town = await makeFakeTown();
    await atWork(town);
    await askForHelp('The key is missing');
    await town.settings.update({ roles: { on_demand: ['witness'] } });
    new Callings(town, town.breakers).catchUp();
    await until(() => town.registry.find(witness)?.state === 'running');
    expect(heard(witness)).toHaveLength(1);
  });
});

describe('a message to a role on demand', () => {
  const refinery = 'alpha-refinery';
  const runs = (id: string): boolean => town.registry.find(id)?.state === 'running';
  const stop = async (id: string) => {
    await town.request('session.stop', { session: id });
    expect(runs(id)).toBe(false);
  };
  const called = async (id: string): Promise<string[]> => {
    const { entries } = await town.request('session.log', { session: id });
    return entries.flatMap(({ text }) => (text.startsWith('called because of') ? [text] : []));
  };

  beforeEach(async () => {
    town = await makeFakeTown();
    await town.settings.update({ roles: { on_demand: ['refinery', 'witness', 'deacon'] } });
  });

  test.each([
    ['alpha/refinery', refinery, 'mail'],
    ['alpha/witness', witness, 'nudge'],
    ['deacon/', 'hq-deacon', 'mail'],
  ] as const)('to %s starts it, and it has it', async (to, id, type) => {
    const { id: message } = await town.request('message.send', { to, type, body: 'Look at this' });
    await until(() => runs(id));
    town.idle(id);
    await until(() => town.driver.deliveries.some(({ delivery }) => entriesOf(delivery).includes(message)));
    expect(await called(id)).toEqual([`called because of ${message}, of overseer`]);
  });

  test('starts it once, however many there are, and again when it sleeps', async () => {
    for (const body of ['one', 'two']) await town.request('message.send', { to: 'alpha/refinery', type: 'mail', body });
    await until(() => runs(refinery));
    await stop(refinery);
    await town.request('message.send', { to: 'alpha/refinery', type: 'mail', body: 'three' });
    await until(() => runs(refinery));
    expect(await called(refinery)).toHaveLength(2);
  });

  test('starts nobody who is not on demand, and nobody who is quarantined', async () => {
    await town.settings.update({ roles: { on_demand: ['witness'] } });
    await town.request('message.send', { to: 'alpha/refinery', type: 'mail', body: 'Look at this' });
    await town.request('session.spawn', { role: 'witness', rig: 'alpha' });
    await stop(witness);
    town.store.sessions.quarantine(witness, { at: 1, reason: 'it died again and again' });
    await town.request('message.send', { to: 'alpha/witness', type: 'nudge', body: 'Look at this' });
    await town.settled();
    expect([town.registry.find(refinery), runs(witness)]).toEqual([undefined, false]);
  });

  test('is bound by the same number an hour as calls, which the next host has not forgotten', async () => {
    await town.settings.update({ roles: { on_demand: ['refinery'], calls_per_hour: 2 } });
    const write = (body: string) => town.request('message.send', { to: 'alpha/refinery', type: 'mail', body });
    for (const body of ['one', 'two']) {
      await write(body);
      await until(() => runs(refinery));
      await stop(refinery);
    }
    // As the next host sees it.
    const store = new Store(town.paths.database);
    expect(mayCall({ ...town, store }, refinery, 'another one')).toBe(false);
    store.close();
    await write('three');
    await town.settled();
    expect(runs(refinery)).toBe(false);
    expect(town.escalations.list()).toMatchObject([{ key: { kind: 'calls', subject: refinery } }]);
    await town.pass(2 * 3_600_000);
    await write('four');
    await until(() => runs(refinery));
  });
});

test('a deacon that runs is called once when nothing can be started with a backend', async () => {
  town = await makeFakeTown();
  await town.request('session.spawn', { role: 'deacon' });
  const fail = () =>
    town.breakers.take({ backend: 'opencode' }, { kind: 'failed', reason: 'opencode was not found', final: true });
  fail();
  await town.pass(60_000);
  fail();
  expect(heard('hq-deacon')).toEqual([expect.stringContaining('Nothing is started with opencode now.')]);
  town.breakers.take({ backend: 'opencode' }, { kind: 'started' });
  fail();
  expect(heard('hq-deacon')).toHaveLength(2);
});

test('a refinery that runs is called for a conflict that the queue leaves to it', async () => {
  town = await makeFakeTown();
  await town.request('session.spawn', { role: 'refinery', rig: 'alpha' });
  const { id } = town.work.add({ id: 'task-1', description: 'Fix it', rig: 'alpha' }, 'overseer');
  const place = { rig: 'alpha', branch: 'polecat/toast/task-1', target: 'main', base: 'a', head: 'b' };
  const review = town.merges.begin({ workId: id, ...place }, 'host');
  const queued = town.merges.move(review, 'queued', { by: 'overseer' });
  const detail = { conflicts: [{ work: 'task-2', files: ['a.ts'] }] };
  town.store.transaction(() => {
    const conflict = town.merges.move(queued, 'conflict', { by: 'queue' }, { detail });
    town.merges.move(conflict, 'sent-back', { by: 'queue' });
  });
  expect(heard('alpha-refinery')).toEqual([]);
  const again = town.merges.move(town.merges.get(id), 'queued', { by: 'overseer' });
  town.merges.move(again, 'conflict', { by: 'queue' }, { detail });
  expect(heard('alpha-refinery')).toEqual([expect.stringContaining('it conflicts with task-2 in a.ts')]);
});
