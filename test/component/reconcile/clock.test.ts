import { afterEach, beforeEach, expect, test } from 'vitest';
import { restartSession } from '../../../shared/orchestration/restart-session.ts';
import { Overdue } from '../../../shared/attention/escalate-waits.ts';
import { mayCall } from '../../../shared/reconcile/call-guard.ts';
import { troublePolicy } from '../../../shared/config/provider-failure-settings.ts';
import { TurnFailureHandler } from '../../../shared/reconcile/turn-failures.ts';
import { makeFakeTown } from '../../support/fake-town.ts';
import type { FakeTown } from '../../support/fake-town.ts';
import { atWork, open, sling, takesWork, toast, unit, until } from './support.ts';

const minute = 60_000;
const hour = 60 * minute;

let town: FakeTown;
let wall: number;
let awake: number;

/** Lets so much time pass while the machine is awake. */
async function pass(ms: number): Promise<void> {
  wall += ms;
  awake += ms;
  town.reconciler.schedule();
  await town.settled();
}

/** The machine sleeps, or somebody sets the clock; then something asks for the time. */
async function jump(ms: number): Promise<void> {
  wall += ms;
  town.manager.now();
  // What is noted at once is shown a moment later.
  await new Promise((resolve) => setTimeout(resolve, 5));
  await town.settled();
}

beforeEach(async () => {
  wall = 1_000 * hour;
  awake = 0;
  town = await makeFakeTown({ idle_stop_minutes: 60 }, undefined, { wall: () => wall, awake: () => awake });
});
afterEach(() => town.close());

test('a machine that sleeps while a session is busy escalates nothing; what is busy for too long afterwards is', async () => {
  await atWork(town);
  town.busy(toast);
  await pass(20 * minute);
  await jump(8 * hour);
  expect(open(town)).toEqual([]);
  await pass(29 * minute);
  expect(open(town)).toEqual([]);
  await pass(2 * minute);
  expect(open(town)).toEqual([`high: ${toast}: busy without any progress for 31 minutes`]);
});

test('a session that is idle when the machine falls asleep is not stopped for it', async () => {
  await atWork(town);
  await town.request('work.done', {}, toast);
  town.idle(toast);
  await jump(8 * hour);
  expect(town.registry.get(toast).state).toBe('running');
  await pass(61 * minute);
  expect(town.registry.get(toast).state).toBe('stopped');
});

test('a wait is not escalated because the machine slept', async () => {
  const { asks, escalations, store, manager } = town;
  const overdue = new Overdue({ asks, escalations, store, minutes: () => 30, clock: manager.clock });
  const runId = await atWork(town);
  const ask = {
    id: 'ask-1',
    kind: 'permission' as const,
    title: 'bash: ls',
    detail: '',
    options: [],
    resolvable: true,
  };
  manager.report(runId, 'program', { kind: 'asked', ask: { ...ask, since: wall } }, 'asked');
  await jump(8 * hour);
  overdue.review();
  expect(open(town)).toEqual([]);
  await pass(30 * minute);
  overdue.review();
  expect(open(town)).toEqual([expect.stringContaining('bash: ls')]);
  overdue.dispose();
});

test('a session that hangs while the clock is set back is escalated in time, not an hour later', async () => {
  await atWork(town);
  town.busy(toast);
  await pass(5 * minute);
  await jump(-hour);
  await pass(31 * minute);
  expect(open(town)).toEqual([`high: ${toast}: busy without any progress for 31 minutes`]);
});

test('what a session says after the clock was set back is newer than what it said before', async () => {
  const runId = await atWork(town);
  town.manager.report(runId, 'inside', { kind: 'busy' }, 'hook');
  await pass(minute);
  await jump(-hour);
  town.idle(toast);
  expect(town.registry.get(toast)).toMatchObject({ activity: { kind: 'idle' }, since: wall });
  await pass(minute);
  town.manager.report(runId, 'inside', { kind: 'busy' }, 'hook');
  expect(town.registry.get(toast).activity.kind).toBe('busy');
});

test('what was so before the clock was set back is shown as old as it is', async () => {
  await atWork(town);
  town.busy(toast);
  await pass(10 * minute);
  await jump(-hour);
  expect(wall - town.registry.get(toast).since).toBe(10 * minute);
});

test('a turn whose end nobody reported is noticed although its unit began in what is the future now', async () => {
  await atWork(town);
  town.busy(toast);
  await jump(-hour);
  town.idle(toast);
  await pass(minute);
  expect(town.deeds(toast)).toContainEqual(expect.stringContaining('missed-event'));
});

test('a unit whose receipt nobody heard of runs, although its model had it only after the clock was set back', async () => {
  await sling(town);
  await jump(-hour);
  const { runId } = town.registry.get(toast);
  town.store.messages.setDelivered(town.driver.started.at(-1)!.firstPrompt!.id, runId, wall);
  expect(unit(town).state).toBe('assigned');
  await pass(minute);
  expect(unit(town)).toMatchObject({ state: 'running', owner: toast });
});

test('who has been called as often as may be within an hour may be called again when the clock is set back by a day', async () => {
  await town.settings.update({ roles: { calls_per_hour: 1 } });
  await atWork(town);
  expect([mayCall(town, toast, 'one'), mayCall(town, toast, 'two')]).toEqual([true, false]);
  await jump(-24 * hour);
  expect([mayCall(town, toast, 'three'), mayCall(town, toast, 'four')]).toEqual([true, false]);
});

test('the newest conversation is resumed, and starts in vain are counted, whatever the clock said', async () => {
  const first = await atWork(town);
  town.manager.runs.saveReference(first, { conversation: 'old' });
  await jump(-hour);
  await restartSession(town, toast, { reason: 'wanted' });
  const second = town.registry.get(toast).runId;
  town.manager.runs.saveReference(second, { conversation: 'new' });
  expect(town.store.sessions.lastReference(toast)).toEqual({ conversation: 'new' });
  town.die(toast);
  expect(town.store.sessions.failedStarts(toast)).toBe(0);
});

test('messages and units keep the order in which they came', async () => {
  await sling(town);
  takesWork(town, toast);
  town.busy(toast);
  const tell = (body: string) => town.outbox.accept({ from: 'host', to: toast, kind: 'nudge', body });
  tell('one');
  await jump(-hour);
  tell('two');
  expect(town.store.messages.pending(toast).map(({ body }) => body)).toEqual(['one', 'two']);
  expect(unit(town).owner).toBe(toast);
});

test('a message that waits while the machine sleeps has as long to be delivered as it had', async () => {
  await atWork(town);
  town.busy(toast);
  const { id } = town.outbox.accept({ from: 'host', to: toast, kind: 'nudge', body: 'look' });
  await pass(10 * minute);
  await jump(8 * hour);
  town.idle(toast);
  await town.settled();
  expect(town.driver.deliveries.at(-1)?.delivery.text).toContain('look');
  expect(town.store.messages.get(id)?.state).toBe('accepted');
});

test('what is paused after a failure is tried in time although the clock was set back, a limit is not', async () => {
  town.breakers.take({ backend: 'opencode' }, { kind: 'failed', reason: 'HTTP 500', final: true });
  town.breakers.take({ backend: 'claude' }, { kind: 'limited', until: wall + 10 * minute, reason: 'limit' });
  await jump(-hour);
  expect(town.breakers.ofBackend('opencode')?.state).toBe('half-open');
  expect(town.breakers.ofBackend('claude')?.state).toBe('open');
});

test('a unit that is to be tried again is tried in time although the clock was set back', async () => {
  town.driver.onStart = async () => {
    throw new Error('no luck');
  };
  await expect(sling(town)).rejects.toThrow('no luck');
  await town.settled();
  expect(unit(town)).toMatchObject({ state: 'queued', attempts: 1 });
  await jump(-hour);
  town.driver.onStart = async () => undefined;
  await pass(minute);
  await until(() => unit(town).state === 'assigned');
});

test('a session that rests after a failed turn goes on in time although the clock was set back', async () => {
  const policy = troublePolicy({ pause_seconds: 30 });
  const alternatives = () => [];
  const failOver = async () => undefined;
  const troubles = new TurnFailureHandler({ town, policy: () => policy, alternatives, failOver });
  troubles.takeUp();
  const runId = await atWork(town);
  town.manager.turnEnded(runId, { kind: 'provider', reason: 'HTTP 500' });
  town.idle(toast);
  expect(town.registry.get(toast).activity.kind).toBe('rate-limited');
  await jump(-hour);
  expect(town.registry.get(toast).activity.kind).not.toBe('rate-limited');
  troubles.dispose();
});
