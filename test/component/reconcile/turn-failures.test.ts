import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { TurnFailure } from '../../../shared/domain/run.ts';
import type { ResolvedAgent } from '../../../shared/domain/agent.ts';
import { troublePolicy } from '../../../shared/config/provider-failure-settings.ts';
import { restartSession } from '../../../shared/orchestration/restart-session.ts';
import { slingUnit } from '../../../shared/orchestration/sling-unit.ts';
import { TurnFailureHandler } from '../../../shared/reconcile/turn-failures.ts';
import { fakeAgent } from '../../support/core.ts';
import { makeFakeTown } from '../../support/fake-town.ts';
import type { FakeTown } from '../../support/fake-town.ts';

let town: FakeTown;
let troubles: TurnFailureHandler;
let alternatives: ResolvedAgent[];
let failedOver: string[];
/** What the next attempts to go on with another agent do. */
let failOver: (agent: ResolvedAgent) => Promise<void>;
const policy = troublePolicy({ grace_seconds: 1, pause_seconds: 1000, max_redeliveries: 2 });
const id = 'alpha-toast';

const begin = (): TurnFailureHandler =>
  new TurnFailureHandler({
    town,
    policy: () => policy,
    alternatives: () => alternatives,
    failOver: (_session, agent) => {
      failedOver.push(agent.name);
      return failOver(agent);
    },
  });

beforeEach(async () => {
  town = await makeFakeTown({ stalled: 'leave' });
  alternatives = [];
  failedOver = [];
  failOver = async () => undefined;
  troubles = begin();
  await slingUnit(
    town,
    { work: 'issue-1', rig: 'alpha', name: 'toast', message: 'Do it' },
    'overseer',
    new AbortController().signal,
  );
  town.manager.delivered(run(), town.driver.started[0]!.firstPrompt!.id);
  town.busy(id);
});
afterEach(() => {
  troubles.dispose();
  town.breakers.dispose();
  town.close();
});

const run = (): string => town.registry.get(id).runId;
const activity = () => town.registry.get(id).activity;
const unit = () => town.work.get('issue-1');
/** The turn fails, and the program says that it is idle. */
function fail(failure: Partial<TurnFailure> = {}): void {
  town.manager.turnEnded(run(), { kind: 'provider', reason: 'HTTP 500', ...failure });
  town.idle(id);
}
/** The time that is waited for has come. */
async function wake(ms: number): Promise<void> {
  await town.pass(ms);
  troubles.takeUp();
  await town.settled();
}
const told = (): number =>
  town.store.messages.latest(50).filter(({ to, body }) => to === id && body.includes('go on where you were')).length;

describe('a session whose turn failed', () => {
  test('rests with the reason, gets nothing meanwhile, and is then told once to go on', async () => {
    fail();
    expect(activity()).toMatchObject({ kind: 'rate-limited', reason: 'HTTP 500', failing: true });
    town.outbox.accept({ from: 'overseer', to: id, kind: 'nudge', body: 'hello' });
    await town.settled();
    expect(town.driver.deliveries).toEqual([]);
    await wake(1_000_001);
    expect(told()).toBe(1);
    expect(town.driver.deliveries.at(-1)?.delivery.text).toMatch(/hello|go on where you were/);
    await wake(1);
    expect(told()).toBe(1);
    expect(unit()).toMatchObject({ state: 'running', owner: id });
  });

  test('that went in circles is not told to go on: its work is stalled, and you are asked, with the reason', async () => {
    alternatives = [fakeAgent];
    const reason = 'its conversation was compacted 20 times in a row';
    fail({ kind: 'circles', reason });
    await wake(10_000_000);
    expect(told()).toBe(0);
    expect(failedOver).toEqual([]);
    expect(unit()).toMatchObject({ state: 'stalled', note: `it goes in circles: ${reason}` });
    expect(town.escalations.list()).toMatchObject([
      { severity: 'high', message: expect.stringContaining(reason) as string },
    ]);
    expect(town.breakers.open()).toEqual([]);
  });

  test('is no longer in trouble after a turn that went well', async () => {
    fail();
    await wake(1_000_001);
    town.busy(id);
    town.manager.turnEnded(run());
    town.idle(id);
    expect(activity().kind).toBe('idle');
    expect(town.store.troubles.get(id)).toBeUndefined();
    expect(town.breakers.lastFailures.get('opencode')).toBeUndefined();
  });

  test('shows what the person makes it do while it rests', () => {
    fail();
    town.busy(id);
    expect(activity().kind).toBe('busy');
  });

  test('is told a bounded number of times; then its work is stalled, and escalated once', async () => {
    for (let time = 0; time < 4; time += 1) {
      fail();
      await wake(10_000_000);
      town.busy(id);
    }
    expect(told()).toBe(2);
    expect(unit()).toMatchObject({
      state: 'stalled',
      owner: id,
      note: 'the provider fails: HTTP 500 (2 times in a row)',
    });
    expect(town.store.escalations.open()).toHaveLength(1);
  });

  test('goes on resting after a restart of the host, and is counted on', async () => {
    fail();
    const until = activity().kind === 'rate-limited' ? town.store.troubles.get(id)?.until : undefined;
    troubles.dispose();
    troubles = begin();
    troubles.showResting();
    troubles.takeUp();
    expect(activity()).toMatchObject({ kind: 'rate-limited', until });
    await wake(1_000_001);
    fail();
    await wake(10_000_000);
    fail();
    expect(unit().state).toBe('stalled');
    expect(told()).toBe(2);
  });

  test('that owes nothing only shows its limit', async () => {
    town.work.finish('issue-1', 'completed', { by: id });
    town.manager.turnEnded(run());
    fail({ kind: 'rate-limit', reason: '429', until: town.manager.now() + 5_000 });
    expect(activity()).toMatchObject({ kind: 'rate-limited', reason: '429' });
    await wake(6_000);
    expect(activity().kind).toBe('idle');
    expect(told()).toBe(0);
  });
});

describe('with another agent', () => {
  const claude: ResolvedAgent = { ...fakeAgent, name: 'claude', backend: 'claude' };

  test('the session goes on with the first that starts', async () => {
    alternatives = ['broken', 'other'].map((name) => ({ ...fakeAgent, name }));
    failOver = async (agent) => {
      if (agent.name === 'broken') throw new Error('it does not start');
      await restartSession(town, id, { agent, reason: 'the other one fails' });
    };
    fail();
    await expect.poll(() => town.registry.get(id)).toMatchObject({ state: 'running', agent: 'other' });
    expect(failedOver).toEqual(['broken', 'other']);
    expect(unit()).toMatchObject({ owner: id });
    expect(told()).toBe(0);
  });

  test('one that becomes free while the session rests takes over', async () => {
    fail({ kind: 'rate-limit', reason: '429', until: town.manager.now() + 1_000_000 });
    expect(failedOver).toEqual([]);
    alternatives = [claude];
    town.breakers.take({ backend: 'claude' }, { kind: 'failed', reason: 'x' });
    await town.settled();
    expect(failedOver).toEqual(['claude']);
  });

  test('a host that dies in between leaves the session to go on as it was', async () => {
    alternatives = [claude];
    failOver = () => new Promise(() => undefined);
    fail();
    await town.settled();
    troubles.dispose();
    alternatives = [];
    troubles = begin();
    troubles.takeUp();
    await town.settled();
    expect(told()).toBe(1);
  });

  test('new work is not given to what failed: a limit until its end, an account at once, a provider after some failures', () => {
    const against = () => town.breakers.against({ backend: 'opencode', agent: 'opencode', rig: 'alpha' });
    fail();
    expect(against()).toBeUndefined();
    town.busy(id);
    const until = town.manager.now() + 500_000;
    fail({ kind: 'rate-limit', reason: '429', until });
    expect(against()).toMatchObject({ state: 'open', limited: true, until });
    town.busy(id);
    town.manager.turnEnded(run());
    expect(against()).toBeUndefined();
    fail({ kind: 'account', reason: '401' });
    expect(against()).toMatchObject({ state: 'open', reason: '401' });
  });
});
