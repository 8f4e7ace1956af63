import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { carryOut } from '../../../shared/town/api.ts';
import type { MethodName, Params, Results } from '../../../shared/channel/protocol.ts';
import { GasTownError } from '../../../shared/errors.ts';
import { settleAbandoned } from '../../../shared/town/cleanup.ts';
import { EscalationNotices } from '../../../shared/town/escalation-notices.ts';
import { makeFakeTown } from '../../support/fake-town.ts';
import type { FakeTown } from '../../support/fake-town.ts';

let town: FakeTown;
// Worktrees are made by the real git, several in one test.
vi.setConfig({ testTimeout: 30_000 });
afterEach(() => town.close());

const toast = 'alpha-toast';
const request = <M extends MethodName>(method: M, params: Params<M>, by?: string): Promise<Results[M]> => {
  const caller = by === undefined ? { kind: 'person' as const } : { kind: 'session' as const, session: by, runId: town.registry.get(by).runId };
  return carryOut(town, caller, method, params, new AbortController().signal) as Promise<Results[M]>;
};
const sling = (work = 'issue-1', name = 'toast') => request('sling', { work, rig: 'alpha', name, message: `Do ${work}` });
const unit = (id = 'issue-1') => town.work.get(id);
const history = (id = 'issue-1') => town.store.work.history(id).map(({ state }) => state);
const open = () => town.escalations.list().map(({ severity, message }) => `${severity}: ${message}`);
const lastStart = () => town.driver.started.at(-1)!;
/** The model of the session's run takes its first prompt. */
const takesWork = (id: string): void => {
  const { runId } = town.registry.get(id);
  town.manager.delivered(runId, town.driver.started.find((spec) => spec.runId === runId)!.firstPrompt!.id);
};
const until = (check: () => unknown): Promise<unknown> => vi.waitFor(() => expect(check()).toBeTruthy(), { timeout: 25_000, interval: 5 });
const atWork = async (): Promise<string> => {
  await sling();
  takesWork(toast);
  return town.registry.get(toast).runId;
};

describe('a session that dies', () => {
  test('E9: is reported and restarted at once, with its unit its own all the time', async () => {
    town = await makeFakeTown();
    const run = await atWork();
    const owners: unknown[] = [];
    town.work.onDidChange((work) => owners.push(work.owner));
    town.die(toast);
    await until(() => town.registry.get(toast).runId !== run && town.registry.get(toast).state === 'running');
    takesWork(toast);
    expect(unit()).toMatchObject({ state: 'running', owner: toast, runId: town.registry.get(toast).runId });
    expect(new Set(owners)).toEqual(new Set([toast]));
    expect(town.deeds(toast)).toEqual(['dead-process: restart']);
    const told = town.store.events(toast).map(({ type, detail }) => `${type} ${String(detail['state'] ?? detail['reason'] ?? '')}`);
    expect(told.slice(told.indexOf('session.status failed')).slice(0, 3)).toEqual([
      'session.status failed',
      'reconciler.dead-process it was killed',
      'session.restarted it was killed',
    ]);
  });

  test('again and again is quarantined after three restarts, visibly, until somebody resets it', async () => {
    town = await makeFakeTown();
    await atWork();
    for (let died = 1; died <= 4; died += 1) {
      const { runId } = town.registry.get(toast);
      town.die(toast);
      if (died <= 3) await until(() => town.registry.get(toast).runId !== runId && town.registry.get(toast).state === 'running');
    }
    await until(() => unit().state === 'stalled');
    expect(town.driver.started).toHaveLength(4);
    expect(town.builder.session(town.registry.get(toast)).quarantined?.reason).toBe('it was restarted 3 times in 300 s and ended again: it was killed');
    expect(open()).toEqual([`high: ${toast} is quarantined: it was restarted 3 times in 300 s and ended again: it was killed. When the cause is dealt with: gt reset ${toast}`]);
    // Neither time nor another host starts it again.
    await town.pass(3_600_000);
    await settleAbandoned(town);
    expect(town.driver.started).toHaveLength(4);

    await expect(request('session.reset', { session: toast })).resolves.toMatchObject({ state: 'running' });
    expect(unit()).toMatchObject({ state: 'assigned', owner: toast });
    expect(open()).toEqual([]);
    expect(town.builder.session(town.registry.get(toast)).quarantined).toBeUndefined();
    await expect(request('session.reset', { session: toast })).rejects.toThrow('has not failed');
    // What led to the quarantine is not held against it.
    town.die(toast);
    await until(() => town.driver.started.length === 6);
  });

  test('the window of restarts moves on', async () => {
    town = await makeFakeTown();
    await atWork();
    for (let died = 1; died <= 6; died += 1) {
      const { runId } = town.registry.get(toast);
      town.die(toast);
      await until(() => town.registry.get(toast).runId !== runId && town.registry.get(toast).state === 'running');
      await town.pass(120_000);
    }
    expect(town.driver.started).toHaveLength(7);
    expect(open()).toEqual([]);
  });

  test('E12: and does not get ready again is tried once more, then quarantined with the reason', async () => {
    town = await makeFakeTown();
    await atWork();
    town.driver.onStart = async () => {
      throw new GasTownError('spawn-failed', 'no word within 30 s');
    };
    town.die(toast);
    await until(() => unit().state === 'stalled');
    expect(town.driver.started).toHaveLength(3);
    expect(town.deeds(toast)).toEqual(['dead-process: restart', 'dead-process: restart', 'dead-process: quarantine', 'dead-session-unit: stall']);
    expect(open()).toEqual([expect.stringContaining('it did not start 2 times in a row: it did not start again: no word within 30 s')]);
  });

  test('E8: with its unit closed meanwhile is not started again, and its worktree goes', async () => {
    town = await makeFakeTown();
    await atWork();
    await request('work.done', { message: 'fixed' }, toast);
    const { workDir } = town.registry.get(toast);
    expect(existsSync(workDir)).toBe(true);
    const { id } = town.outbox.accept({ from: 'overseer', to: toast, kind: 'nudge', body: 'well done' });
    town.die(toast);
    await until(() => !existsSync(workDir));
    expect(town.driver.started).toHaveLength(1);
    expect(town.store.messages.get(id)?.state).toBe('expired');
    expect(unit().state).toBe('done');
  });

  test('keeps what waited for it, for its next run', async () => {
    town = await makeFakeTown();
    const run = await atWork();
    const { id } = town.outbox.accept({ from: 'overseer', to: toast, kind: 'nudge', body: 'hurry' });
    town.die(toast);
    await until(() => town.registry.get(toast).runId !== run && town.registry.get(toast).state === 'running');
    expect(town.store.messages.get(id)?.state).toBe('accepted');
    town.idle(toast);
    takesWork(toast);
    town.idle(toast);
    await until(() => town.driver.deliveries.some(({ delivery }) => delivery.id === id));
  });

  test('E17: on purpose stays stopped, and its unit is free', async () => {
    town = await makeFakeTown();
    await atWork();
    await request('session.stop', { session: toast });
    await town.pass(3_600_000);
    expect(unit()).toMatchObject({ state: 'open' });
    expect(unit().owner).toBeUndefined();
    expect(town.driver.started).toHaveLength(1);
    expect(town.deeds()).toEqual([]);
  });

  test('where the policy forbids restarts, leaves its unit stalled and the person told', async () => {
    town = await makeFakeTown({ restarts: { max: 0 } });
    await atWork();
    town.die(toast);
    await until(() => open().length === 1);
    expect(unit()).toMatchObject({ state: 'stalled', owner: toast, note: `${toast} ended (it was killed)` });
    expect(open()).toEqual([`medium: issue-1 is stalled: ${toast} stopped working on it without a report: ${toast} ended (it was killed)`]);
    expect(town.driver.started).toHaveLength(1);
  });
});

test('a lost server: all its sessions are restarted, each with its own work', async () => {
  town = await makeFakeTown();
  for (const name of ['toast', 'nux']) {
    await sling(`issue-${name}`, name);
    takesWork(`alpha-${name}`);
  }
  const runs = ['toast', 'nux'].map((name) => town.registry.get(`alpha-${name}`).runId);
  for (const name of ['toast', 'nux']) town.die(`alpha-${name}`, 'The server (pid 7) ended');
  await until(() => town.registry.list().every(({ runId, state }) => state === 'running' && !runs.includes(runId)));
  expect(town.deeds().filter((deed) => deed === 'lost-server: restart')).toHaveLength(2);
  for (const name of ['toast', 'nux']) expect(unit(`issue-${name}`)).toMatchObject({ owner: `alpha-${name}` });
});

describe('a unit whose session cannot be started', () => {
  test('E26: is queued again with a growing pause, and after the last try escalated until somebody queues it anew', async () => {
    town = await makeFakeTown({ retries: 4, backoff_seconds: 60 });
    town.driver.onStart = async () => {
      throw new GasTownError('spawn-failed', 'out of memory');
    };
    await expect(sling()).rejects.toThrow('out of memory');
    for (let attempt = 1; attempt <= 4; attempt += 1) {
      await until(() => unit().state === 'queued' && unit().attempts === attempt);
      const pause = 60_000 * 2 ** (attempt - 1);
      expect(unit().notBefore! - town.manager.now()).toBeLessThanOrEqual(pause);
      await town.pass(pause / 2);
      expect(town.driver.started).toHaveLength(attempt);
      await town.pass(pause / 2);
      await until(() => town.driver.started.length === attempt + 1);
    }
    await until(() => unit().state === 'escalated');
    expect(open()).toEqual(['medium: no session could be started for issue-1 5 times: out of memory']);
    await town.pass(24 * 3_600_000);
    expect(town.driver.started).toHaveLength(5);
    expect(existsSync(join(town.paths.worktrees, 'alpha', 'toast'))).toBe(false);

    town.driver.onStart = async () => undefined;
    await request('work.requeue', { id: 'issue-1' });
    await until(() => unit().state === 'assigned' && town.registry.list().some(({ state }) => state === 'running'));
    expect(unit().attempts).toBe(0);
    expect(lastStart().firstPrompt?.text).toContain('out of memory');
  });

  test('for a reason that does not pass fails at once', async () => {
    town = await makeFakeTown();
    town.driver.onStart = async () => {
      throw new GasTownError('agent-missing', 'opencode was not found.');
    };
    await expect(sling()).rejects.toThrow('not found');
    await town.settled();
    expect(unit()).toMatchObject({ state: 'failed', note: 'opencode was not found.' });
    expect(town.deeds()).toEqual([]);
  });

  test('asks again for the agent that was asked for', async () => {
    town = await makeFakeTown({ backoff_seconds: 0 });
    let tries = 0;
    town.driver.onStart = async () => {
      tries += 1;
      if (tries === 1) throw new GasTownError('spawn-failed', 'busy');
    };
    await expect(request('sling', { work: 'issue-1', rig: 'alpha', message: 'Do it', backend: 'opencode' })).rejects.toThrow('busy');
    await until(() => town.driver.started.length === 2);
    expect(town.driver.started.map(({ agent }) => agent.name)).toEqual(['opencode', 'opencode']);
    await until(() => town.registry.list().some(({ state }) => state === 'running'));
  });
});

describe('a unit that its session reports as failed', () => {
  test('stays so by default', async () => {
    town = await makeFakeTown();
    await atWork();
    await request('work.done', { status: 'failed', message: 'cannot build' }, toast);
    await town.pass(3_600_000);
    expect(unit()).toMatchObject({ state: 'failed', note: 'cannot build' });
    expect(open()).toEqual([]);
  });

  test('is tried again by the same session, then escalated', async () => {
    town = await makeFakeTown({ work_failure: 'retry', backoff_seconds: 10 });
    await atWork();
    town.idle(toast);
    await request('work.done', { status: 'failed', message: 'cannot build' }, toast);
    await until(() => unit().state === 'queued');
    await town.pass(10_000);
    await until(() => unit().state === 'assigned');
    expect(unit()).toMatchObject({ owner: toast, attempts: 1 });
    await until(() => town.driver.deliveries.some(({ delivery }) => delivery.text.includes('cannot build')));
    town.manager.delivered(town.registry.get(toast).runId, town.driver.deliveries.at(-1)!.delivery.id);
    await request('work.done', { status: 'failed', message: 'still not' }, toast);
    await until(() => open().length === 1);
    expect(unit().state).toBe('escalated');
    expect(open()).toEqual(['medium: issue-1 failed 2 times: still not']);
  });

  test('goes to another session', async () => {
    town = await makeFakeTown({ work_failure: 'reassign', backoff_seconds: 0 });
    await atWork();
    await request('work.done', { status: 'failed', message: 'cannot build' }, toast);
    await until(() => town.driver.started.length === 2);
    expect(unit().owner).not.toBe(toast);
    expect(lastStart().firstPrompt?.text).toContain(`${toast} had this before`);
    expect(history()).toEqual(['open', 'assigned', 'assigned', 'running', 'failed', 'queued', 'assigned', 'assigned']);
  });
});

describe('a stalled unit', () => {
  const stall = async (): Promise<void> => {
    const run = await atWork();
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
    await until(() => open().length === 1);
    expect(open()).toEqual([`medium: issue-1 is stalled: ${toast} stopped working on it without a report: its turn ended twice without a report`]);
    await town.pass(3_600_000);
    expect(open()).toHaveLength(1);
    expect(unit()).toMatchObject({ state: 'stalled', owner: toast });
    // It may still be finished; then nobody need care any more.
    await request('work.done', { message: 'done after all' }, toast);
    expect(unit().state).toBe('done');
    expect(open()).toEqual([]);
  });

  test('goes to another session, and the one that had it is told once', async () => {
    town = await makeFakeTown({ stalled: 'reassign' });
    const owners: (string | undefined)[] = [];
    await stall();
    town.work.onDidChange(({ owner }) => owners.push(owner));
    await until(() => unit().state === 'assigned');
    expect(unit().owner).not.toBe(toast);
    expect(owners.filter((owner) => owner === toast)).toEqual([]);
    await until(() => town.driver.deliveries.length === 2);
    expect(town.driver.deliveries[1]?.delivery.text).toMatch(/issue-1 is no longer yours/);
    await expect(request('work.done', { id: 'issue-1', message: 'late' }, toast)).rejects.toThrow('is not yours');
  });
});

test('a unit that is cancelled: its session is told once, and never primed with it again', async () => {
  town = await makeFakeTown();
  await atWork();
  town.idle(toast);
  await request('work.cancel', { id: 'issue-1', message: 'not needed' });
  await until(() => town.driver.deliveries.length === 1);
  expect(town.driver.deliveries[0]?.delivery.text).toMatch(/issue-1 is cancelled \(not needed\). Stop working on it/);
  town.manager.delivered(town.registry.get(toast).runId, town.driver.deliveries[0]!.delivery.id);
  town.idle(toast);
  await town.pass(600_000);
  expect(town.driver.deliveries).toHaveLength(1);
  expect(unit()).toMatchObject({ state: 'cancelled', note: 'not needed' });
  await request('work.requeue', { id: 'issue-1' });
  await until(() => unit().state === 'assigned');
});

test('what waits to be told of a cancelled unit is not told any more', async () => {
  town = await makeFakeTown();
  await request('session.spawn', { role: 'crew', rig: 'alpha', name: 'dag' });
  town.busy('alpha-crew-dag');
  await request('work.add', { id: 'issue-2', description: 'Paint it', rig: 'alpha' });
  await request('work.assign', { id: 'issue-2', session: 'alpha-crew-dag' });
  await request('work.cancel', { id: 'issue-2' });
  town.idle('alpha-crew-dag');
  await town.settled();
  expect(town.driver.deliveries.filter(({ delivery }) => delivery.text.includes('Paint it'))).toEqual([]);
});

test('a hung turn is escalated once for each silence, and a word of the model puts it off', async () => {
  town = await makeFakeTown({ hung_minutes: 10 });
  const run = await atWork();
  town.busy(toast);
  await town.pass(9 * 60_000);
  town.manager.progress(run);
  await town.pass(9 * 60_000);
  expect(open()).toEqual([]);
  await town.pass(2 * 60_000);
  expect(open()).toEqual([`high: ${toast}: busy without any progress for 11 minutes`]);
  await town.pass(60 * 60_000);
  expect(open()).toHaveLength(1);
  town.idle(toast);
  expect(open()).toEqual([]);
});

test('a hung turn is ended by a restart where the policy says so', async () => {
  town = await makeFakeTown({ hung_minutes: 10, hung: 'restart' });
  const run = await atWork();
  town.busy(toast);
  await town.pass(11 * 60_000);
  await until(() => town.registry.get(toast).runId !== run && town.registry.get(toast).state === 'running');
  expect(town.driver.stopped).toEqual([run]);
  expect(unit()).toMatchObject({ owner: toast, state: 'assigned' });
});

test('a polecat without work is stopped after the time, with nothing lost', async () => {
  town = await makeFakeTown({ idle_stop_minutes: 5 });
  await atWork();
  await request('work.done', { message: 'fixed' }, toast);
  town.idle(toast);
  await town.pass(4 * 60_000);
  expect(town.registry.get(toast).state).toBe('running');
  await town.pass(2 * 60_000);
  await until(() => town.registry.get(toast).state === 'stopped');
  expect(unit().state).toBe('done');
});

test('missed events are made up for: a receipt, and the end of a turn', async () => {
  town = await makeFakeTown();
  await sling();
  const { runId } = town.registry.get(toast);
  // The store has the receipt, but the host died before the unit was moved.
  town.store.messages.setDelivered(lastStart().firstPrompt!.id, runId, town.manager.now());
  town.idle(toast);
  await town.settled();
  expect(unit()).toMatchObject({ state: 'running', runId });
  // Idle since, and nobody ever said that the turn was over.
  town.busy(toast);
  town.idle(toast);
  await town.pass(31_000);
  expect(town.deeds('issue-1')).toEqual(['missed-event: running', 'missed-event: remind']);
  expect(town.store.messages.pending(toast).map(({ kind, workId }) => [kind, workId])).toEqual([['reminder', 'issue-1']]);
});

test('a report on a unit that was cancelled changes nothing', async () => {
  town = await makeFakeTown();
  await atWork();
  await request('work.cancel', { id: 'issue-1' });
  await expect(request('work.done', { id: 'issue-1', message: 'done' }, toast)).rejects.toThrow('cancelled already');
  expect(unit().state).toBe('cancelled');
});

describe('a session that failed', () => {
  const quarantined = async (): Promise<void> => {
    town = await makeFakeTown({ restarts: { max: 1 } });
    await atWork();
    const { runId } = town.registry.get(toast);
    town.die(toast);
    await until(() => town.registry.get(toast).runId !== runId && town.registry.get(toast).state === 'running');
    takesWork(toast);
    town.die(toast);
    await until(() => unit().state === 'stalled');
  };

  test('is given up by a stop: its unit is open again, and what was escalated of it is closed', async () => {
    await quarantined();
    expect(open()).toEqual([expect.stringContaining('is quarantined')]);
    await expect(request('session.stop', { session: toast })).resolves.toMatchObject({ state: 'stopped', cause: 'given up: it was killed' });
    expect(unit()).toMatchObject({ state: 'open' });
    expect(unit().owner).toBeUndefined();
    expect(open()).toEqual([]);
    expect(town.builder.session(town.registry.get(toast)).quarantined).toBeUndefined();
    await town.pass(3_600_000);
    expect(town.registry.get(toast).state).toBe('stopped');
    await settleAbandoned(town);
    expect(town.registry.find(toast)).toBeUndefined();
  });

  test('and has no work any more is still there for the next host, until it is given up or started again', async () => {
    await quarantined();
    await request('work.cancel', { id: 'issue-1' });
    await settleAbandoned(town);
    expect(town.registry.get(toast)).toMatchObject({ state: 'failed' });
    await expect(request('session.reset', { session: toast })).resolves.toMatchObject({ state: 'running' });
  });

  test('and is settled is started again in a worktree like the one that went', async () => {
    town = await makeFakeTown();
    await request('session.spawn', { role: 'polecat', rig: 'alpha', name: 'toast' });
    const { workDir } = town.registry.get(toast);
    town.die(toast);
    await until(() => !existsSync(workDir));
    expect(town.deeds(toast)).toEqual(['dead-process: settle']);
    // Neither a change nor another host settles it again.
    await town.pass(1_000);
    expect(town.deeds(toast)).toHaveLength(1);
    await expect(request('session.reset', { session: toast })).resolves.toMatchObject({ state: 'running' });
    expect(existsSync(workDir)).toBe(true);
  });
});

test('E6: to stop a name that does not live stops nobody of another rig', async () => {
  town = await makeFakeTown();
  await request('session.spawn', { role: 'crew', rig: 'alpha', name: 'rust' });
  await expect(request('session.stop', { session: 'beta-crew-rust' })).rejects.toThrow('There is no session "beta-crew-rust"');
  expect(town.registry.get('alpha-crew-rust').state).toBe('running');
  expect(town.driver.stopped).toEqual([]);
});

test('a unit that its session cannot finish is told to the person', async () => {
  town = await makeFakeTown();
  await atWork();
  await request('work.done', { status: 'escalated', message: 'needs a decision' }, toast);
  await until(() => open().length === 1);
  expect(open()).toEqual([`medium: ${toast} cannot finish issue-1: needs a decision`]);
});

test('what is escalated reaches a mayor who is there as mail, but not what the mayor escalates', async () => {
  town = await makeFakeTown();
  new EscalationNotices(town, {});
  await request('work.escalate', { severity: 'low', message: 'before there was a mayor' });
  await request('session.spawn', { role: 'mayor' });
  await request('work.escalate', { severity: 'high', message: 'The key is missing' });
  await request('work.escalate', { severity: 'high', message: 'The key is missing' });
  await request('work.escalate', { severity: 'low', message: 'I am lost' }, 'hq-mayor');
  const { messages } = await request('mail.inbox', {}, 'hq-mayor');
  expect(messages.map(({ from, subject, body }) => [from, subject, body.split('\n')[0]])).toEqual([
    ['overseer', expect.stringMatching(/^Escalation \(high\): esc_/), 'The key is missing'],
  ]);
});

test('what a host came not to tell of an escalation is told by the next one', async () => {
  town = await makeFakeTown();
  const ran = join(town.root, 'ran');
  const command = ['node', '-e', `require('fs').appendFileSync(${JSON.stringify(ran)}, process.env.GT_ESCALATION_MESSAGE + '\\n')`];
  await town.settings.update({ escalation: { command } });
  await request('session.spawn', { role: 'mayor' });
  // The host dies right after it was raised.
  const { id } = town.escalations.raise({ severity: 'high', message: 'The key is missing', by: 'overseer', cause: 'key' });
  new EscalationNotices(town, process.env).catchUp();
  await until(() => town.store.escalations.get(id)?.commandEndedAt);
  new EscalationNotices(town, process.env).catchUp();
  expect(readFileSync(ran, 'utf8')).toBe('The key is missing\n');
  const { messages } = await request('mail.inbox', {}, 'hq-mayor');
  expect(messages.map(({ subject }) => subject)).toEqual([`Escalation (high): ${id}`]);
});

test('a queued unit waits while nothing can be started, and goes on when the backend works again', async () => {
  town = await makeFakeTown({ backoff_seconds: 0, retries: 1 });
  await request('work.add', { id: 'issue-1', description: 'Do it', rig: 'alpha' });
  for (let failures = 0; failures < 10; failures += 1) town.breakers.take({ backend: 'opencode' }, { kind: 'failed', reason: 'no server' });
  await request('work.requeue', { id: 'issue-1' });
  await until(() => unit().dispatch?.blocked);
  expect(unit()).toMatchObject({ state: 'queued', attempts: 0, note: expect.stringContaining('no server') });
  expect(unit().notBefore).toBeGreaterThan(town.manager.now());
  expect(town.deeds('issue-1')).toEqual(['due-unit: dispatch']);
  town.breakers.take({ backend: 'opencode' }, { kind: 'succeeded' });
  await until(() => town.driver.started.length === 1);
  expect(unit()).toMatchObject({ state: 'assigned', attempts: 0 });
  await until(() => town.registry.list().some(({ state }) => state === 'running'));
});
