import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { TurnEnd } from '../../../shared/sessions/run-events.ts';
import { makeCore, temporaryFolder } from '../../support/core.ts';
import { delivered, idle, nudge, settled, spawn, stateOf } from './support.ts';
import type { Core } from './support.ts';

let folder: ReturnType<typeof temporaryFolder>;
let core: Core;
let runId: string;

beforeEach(async () => {
  folder = temporaryFolder('outbox');
  core = makeCore(join(folder.path, 'town.db'));
  runId = await spawn(core, 'alpha-toast');
});
afterEach(() => {
  core.store.close();
  folder.remove();
});

describe('outbox', () => {
  test('waits for a safe moment: nothing is delivered while the session is busy or waits for the person', async () => {
    core.manager.report(runId, 'program', { kind: 'busy' }, 'busy');
    const { id } = nudge(core, 'hello');
    await settled();
    expect(delivered(core)).toEqual([]);
    const ask = {
      id: 'a',
      kind: 'permission',
      title: 't',
      detail: '',
      options: [],
      resolvable: true,
      since: 1,
    } as const;
    core.manager.report(runId, 'inside', { kind: 'asked', ask }, 'asked');
    idle(core, runId);
    await settled();
    expect(delivered(core)).toEqual([]);
    core.manager.report(runId, 'inside', { kind: 'answered', askId: 'a', by: 'terminal' }, 'answered');
    await settled();
    expect(delivered(core)).toEqual([`[gt ${id}] Nudge from the user: hello`]);
  });

  test('E1: a nudge to a busy session is held, and delivered once at its first idle moment', async () => {
    core.manager.report(runId, 'program', { kind: 'busy' }, 'busy');
    const { id } = nudge(core, 'hello');
    core.advance(10 * 60_000);
    await settled();
    expect(core.store.messages.get(id)).toMatchObject({ state: 'accepted', attempts: 0 });
    idle(core, runId);
    await settled();
    core.manager.delivered(runId, id);
    core.manager.turnEnded(runId);
    idle(core, runId);
    await settled();
    expect(core.store.messages.get(id)).toMatchObject({ state: 'acted', attempts: 1, runId, repeated: false });
    expect(delivered(core)).toHaveLength(1);
  });

  test('what has gathered goes in one delivery, urgent first, each with its own receipt', async () => {
    core.manager.report(runId, 'program', { kind: 'busy' }, 'busy');
    const [one, two] = [nudge(core, 'one'), nudge(core, 'two')];
    const urgent = core.outbox.accept({
      from: 'overseer',
      to: 'alpha-toast',
      kind: 'nudge',
      priority: 'urgent',
      body: 'now',
    });
    idle(core, runId);
    await settled();
    const late = nudge(core, 'late');
    await settled();
    expect(core.driver.deliveries).toHaveLength(1);
    const { delivery } = core.driver.deliveries[0]!;
    expect(delivery.carries).toEqual([urgent.id, one.id, two.id]);
    expect(delivery.text.split('\n\n')).toHaveLength(3);
    core.manager.delivered(runId, urgent.id);
    core.manager.delivered(runId, one.id);
    expect([urgent, one, two].map(({ id }) => stateOf(core, id))).toEqual(['delivered', 'delivered', 'accepted']);
    core.manager.delivered(runId, two.id);
    core.manager.turnEnded(runId);
    expect([urgent, one, two].map(({ id }) => stateOf(core, id))).toEqual(['acted', 'acted', 'acted']);
    idle(core, runId);
    await settled();
    expect(delivered(core)[1]).toContain(late.id);
  });

  test('an entry of a delivery whose turn ends without its receipt is looked for, and goes again if it is not there', async () => {
    idle(core, runId);
    const [known, lost] = [nudge(core, 'known'), nudge(core, 'lost')];
    await settled();
    core.driver.recorded = [known.id];
    core.manager.turnEnded(runId);
    await settled();
    expect(stateOf(core, known.id)).toBe('delivered');
    idle(core, runId);
    await settled();
    expect(core.store.messages.get(lost.id)).toMatchObject({
      state: 'accepted',
      reason: 'the turn ended without a receipt (prompted)',
    });
    core.advance(2000);
    idle(core, runId);
    await settled();
    expect(delivered(core)[1]).toMatch(new RegExp(`^\\[gt ${lost.id}\\] \\(possibly repeated: .*lost$`));
  });

  test('is stored before it is delivered: nothing goes while the transaction is open [holds 1]', async () => {
    idle(core, runId);
    core.store.transaction(() => {
      nudge(core, 'inside');
      expect(delivered(core)).toEqual([]);
    });
    await settled();
    expect(delivered(core)).toHaveLength(1);
  });

  test('a doubled receipt changes nothing [holds 4]', async () => {
    idle(core, runId);
    const { id } = nudge(core, 'once');
    await settled();
    core.manager.delivered(runId, id);
    const { deliveredAt } = core.store.messages.get(id)!;
    core.manager.delivered(runId, id);
    expect(core.store.messages.get(id)!.deliveredAt).toBe(deliveredAt);
  });

  test('what was not taken stays queued and is tried again', async () => {
    core.driver.outcome = { kind: 'not-now', reason: 'the user is typing' };
    idle(core, runId);
    const { id } = nudge(core, 'later');
    await settled();
    expect(stateOf(core, id)).toBe('accepted');
    core.driver.outcome = { kind: 'accepted' };
    idle(core, runId);
    await settled();
    expect(delivered(core)).toHaveLength(2);
  });

  test('E3: a transport that throws is seen, tried again after a pause, and given up after three attempts', async () => {
    core.driver.outcome = 'throws';
    idle(core, runId);
    const { id } = nudge(core, 'lost?');
    await settled();
    for (const [attempts, pause] of [
      [1, 2000],
      [2, 10_000],
    ] as const) {
      expect(core.store.messages.get(id)).toMatchObject({
        state: 'accepted',
        attempts,
        reason: 'the transport is broken',
      });
      idle(core, runId);
      await settled();
      expect(core.driver.deliveries).toHaveLength(attempts);
      core.advance(pause);
      idle(core, runId);
      await settled();
    }
    expect(core.store.messages.get(id)).toMatchObject({
      state: 'dead',
      attempts: 3,
      reason: 'the transport is broken',
      closedAt: expect.any(Number),
    });
    expect(delivered(core)).toEqual(
      [
        '',
        ' (possibly repeated: if you have had this one already, ignore it)',
        ' (possibly repeated: if you have had this one already, ignore it)',
      ].map((again) => `[gt ${id}]${again} Nudge from the user: lost?`),
    );
  });

  test('what the program refused is not marked as repeated, and one that fails does not take others down', async () => {
    core.driver.outcome = { kind: 'failed', reason: 'HTTP 500' };
    idle(core, runId);
    const [one, two] = [nudge(core, 'one'), nudge(core, 'two')];
    await settled();
    core.driver.outcome = { kind: 'accepted' };
    core.advance(2000);
    idle(core, runId);
    await settled();
    expect(delivered(core)[1]).toBe(`[gt ${one.id}] Nudge from the user: one`);
    expect(stateOf(core, two.id)).toBe('accepted');
  });

  test('a receipt that comes after it was given up says what is true', async () => {
    idle(core, runId);
    const { id } = nudge(core, 'slow');
    await settled();
    core.store.messages.close(id, 'dead', 'no receipt', 1);
    core.manager.delivered(runId, id);
    expect(core.store.messages.get(id)?.state).toBe('delivered');
    expect(core.store.messages.get(id)?.reason).toBeUndefined();
  });

  test.each([
    ['normal', 30],
    ['urgent', 120],
  ] as const)('a %s nudge expires after %i minutes, with the reason and the time', (priority, minutes) => {
    core.manager.report(runId, 'program', { kind: 'busy' }, 'busy');
    const { id } = core.outbox.accept({ from: 'overseer', to: 'alpha-toast', kind: 'nudge', priority, body: 'soon' });
    const mail = core.outbox.accept({ from: 'overseer', to: 'alpha-toast', kind: 'mail', priority, body: 'ever' });
    core.advance((minutes - 1) * 60_000);
    core.outbox.settleAbandoned();
    expect(stateOf(core, id)).toBe('accepted');
    core.advance(61_000);
    core.outbox.settleAbandoned();
    expect(core.store.messages.get(id)).toMatchObject({
      state: 'expired',
      reason: `not delivered within ${minutes} minutes (alpha-toast was busy at the end)`,
      closedAt: expect.any(Number),
    });
    expect(stateOf(core, mail.id)).toBe('accepted');
  });

  test('work that went to somebody else meanwhile is not put before the session', async () => {
    core.work.add({ id: 'issue-1', description: 'Fix it' }, 'overseer');
    core.work.assign('issue-1', 'alpha-toast', { by: 'overseer' });
    const { id } = core.outbox.accept({
      from: 'overseer',
      to: 'alpha-toast',
      kind: 'work',
      body: '',
      workId: 'issue-1',
    });
    core.work.assign('issue-1', 'alpha-toast', { by: 'overseer' });
    core.work.move(core.work.get('issue-1'), 'open', { by: 'overseer' }, { owner: null });
    idle(core, runId);
    await settled();
    expect(delivered(core)).toEqual([]);
    expect(core.store.messages.get(id)).toMatchObject({
      state: 'expired',
      reason: 'issue-1 is no longer the work of alpha-toast',
    });
  });

  describe('after a crash between handing over and its record [holds 4]', () => {
    /** The host dies in the moment after the model got one of two, and the next one comes. */
    const crash = async (): Promise<{ had: string; lost: string }> => {
      idle(core, runId);
      const [had, lost] = [nudge(core, 'had').id, nudge(core, 'lost').id];
      await settled();
      nextHost();
      core.driver.recorded = [had];
      return { had, lost };
    };

    /** The host dies when the model has got one, and works on it. */
    const crashInTurn = async (): Promise<string> => {
      idle(core, runId);
      const { id } = nudge(core, 'had');
      await settled();
      core.manager.delivered(runId, id);
      nextHost();
      return id;
    };

    const nextHost = (): void => {
      core.outbox.dispose();
      core.store.close();
      core = makeCore(join(folder.path, 'town.db'));
    };

    /** Returns how turns ended. */
    const takeUp = async (): Promise<TurnEnd[]> => {
      const ends: TurnEnd[] = [];
      core.manager.events.onDidEndTurn((end) => void ends.push(end));
      await core.manager.adoptAll();
      idle(core, runId);
      await settled();
      return ends;
    };

    test('what the program has recorded is not delivered again; the rest is, once, unmarked', async () => {
      const { had, lost } = await crash();
      await core.manager.adoptAll();
      idle(core, runId);
      await settled();
      // It is idle, so the turn is over as well.
      expect(stateOf(core, had)).toBe('acted');
      expect(delivered(core)).toEqual([`[gt ${lost}] Nudge from the user: lost`]);
    });

    test('a turn that failed while no host was there is told of with its reason, and nothing in it counts as acted on', async () => {
      const id = await crashInTurn();
      core.driver.failure = { kind: 'provider', reason: 'API Error: 500' };
      const ends = await takeUp();
      expect(ends).toMatchObject([{ runId, failure: { reason: 'API Error: 500' } }]);
      expect(stateOf(core, id)).toBe('delivered');
    });

    test('a turn that went well meanwhile is over with the idle session', async () => {
      const id = await crashInTurn();
      const ends = await takeUp();
      expect(ends).toMatchObject([{ runId }]);
      expect(ends[0]).not.toHaveProperty('failure');
      expect(stateOf(core, id)).toBe('acted');
    });

    test('where the record cannot be read it is delivered again, with the same id, marked in text and store [holds 5]', async () => {
      const { had } = await crash();
      core.driver.recorded = new Error('no such file');
      await core.manager.adoptAll();
      idle(core, runId);
      await settled();
      expect(delivered(core)[0]).toMatch(new RegExp(`^\\[gt ${had}\\] \\(possibly repeated`));
      expect(core.store.messages.get(had)).toMatchObject({ repeated: true, attempts: 2 });
    });

    test('what need not be delivered any more is looked up all the same, so that its receipt is true', async () => {
      const { had, lost } = await crash();
      core.advance(31 * 60_000);
      await core.manager.adoptAll();
      idle(core, runId);
      await settled();
      expect(stateOf(core, had)).toBe('acted');
      expect(core.store.messages.get(lost)).toMatchObject({
        state: 'expired',
        reason: expect.stringContaining('not delivered within 30 minutes'),
      });
      expect(delivered(core)).toEqual([]);
    });
  });

  test('mail is announced once and stays unread until it is read', async () => {
    idle(core, runId);
    const { id } = core.outbox.accept({
      from: 'hq-mayor',
      to: 'alpha-toast',
      kind: 'mail',
      subject: 'Door',
      body: 'Which one?',
    });
    await settled();
    expect(delivered(core)[0]).toContain('You have mail from hq-mayor (an agent, not the user): "Door"');
    core.manager.delivered(runId, id);
    core.manager.turnEnded(runId);
    idle(core, runId);
    await settled();
    expect(delivered(core)).toHaveLength(1);
    expect(core.store.messages.countUnread('alpha-toast')).toBe(1);
  });

  test('idle is not done: one reminder, then stalled', async () => {
    core.work.add({ id: 'issue-1', description: 'Fix it' }, 'overseer');
    core.work.assign('issue-1', 'alpha-toast', { by: 'overseer' });
    const work = core.outbox.accept({ from: 'overseer', to: 'alpha-toast', kind: 'work', body: '', workId: 'issue-1' });
    idle(core, runId);
    await settled();
    core.manager.delivered(runId, work.id);
    expect(core.work.get('issue-1').state).toBe('running');
    core.manager.turnEnded(runId);
    idle(core, runId);
    await settled();
    expect(delivered(core)[1]).toContain('issue-1 is still open');
    core.manager.turnEnded(runId);
    expect(core.work.get('issue-1').state).toBe('running');
    core.manager.delivered(runId, core.driver.deliveries[1]!.delivery.id);
    core.manager.turnEnded(runId);
    expect(core.work.get('issue-1').state).toBe('stalled');
  });
});
