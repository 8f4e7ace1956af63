import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fakeAgent, makeCore, temporaryFolder } from '../../support/core.ts';

let folder: ReturnType<typeof temporaryFolder>;
let core: ReturnType<typeof makeCore>;
let runId: string;

beforeEach(async () => {
  folder = temporaryFolder('outbox');
  core = makeCore(join(folder.path, 'town.db'));
  runId = await spawn('alpha-toast');
});
afterEach(() => {
  core.store.close();
  folder.remove();
});

async function spawn(id: string): Promise<string> {
  const wanted = { id, backend: 'opencode', role: 'polecat', agentName: id, rig: 'alpha', agent: fakeAgent, workDir: '/nowhere' } as const;
  return (await core.manager.start(wanted, new AbortController().signal)).runId;
}

const nudge = (body: string, to = 'alpha-toast') => core.outbox.accept({ from: 'overseer', to, kind: 'nudge', body });
const idle = () => core.manager.report(runId, 'program', { kind: 'idle' }, 'idle');
const stateOf = (id: string) => core.store.messages.get(id)?.state;
const settled = () => new Promise((resolve) => setImmediate(resolve));
const delivered = () => core.driver.deliveries.map(({ delivery }) => delivery.text);

describe('outbox', () => {
  test('waits for a safe moment: nothing is delivered while the session is busy or waits for the person', async () => {
    core.manager.report(runId, 'program', { kind: 'busy' }, 'busy');
    const { id } = nudge('hello');
    await settled();
    expect(delivered()).toEqual([]);
    const ask = { id: 'a', kind: 'permission', title: 't', detail: '', options: [], resolvable: true, since: 1 } as const;
    core.manager.report(runId, 'inside', { kind: 'asked', ask }, 'asked');
    idle();
    await settled();
    expect(delivered()).toEqual([]);
    core.manager.report(runId, 'inside', { kind: 'answered', askId: 'a' }, 'answered');
    await settled();
    expect(delivered()).toEqual([`[gt ${id}] Nudge from the person: hello`]);
  });

  test('E1: a nudge to a busy session is held, and delivered once at its first idle moment', async () => {
    core.manager.report(runId, 'program', { kind: 'busy' }, 'busy');
    const { id } = nudge('hello');
    core.advance(10 * 60_000);
    await settled();
    expect(core.store.messages.get(id)).toMatchObject({ state: 'accepted', attempts: 0 });
    idle();
    await settled();
    core.manager.delivered(runId, id);
    core.manager.turnEnded(runId);
    idle();
    await settled();
    expect(core.store.messages.get(id)).toMatchObject({ state: 'acted', attempts: 1, runId, repeated: false });
    expect(delivered()).toHaveLength(1);
  });

  test('what has gathered goes in one delivery, urgent first, each with its own receipt', async () => {
    core.manager.report(runId, 'program', { kind: 'busy' }, 'busy');
    const [one, two] = [nudge('one'), nudge('two')];
    const urgent = core.outbox.accept({ from: 'overseer', to: 'alpha-toast', kind: 'nudge', priority: 'urgent', body: 'now' });
    idle();
    await settled();
    const late = nudge('late');
    await settled();
    expect(core.driver.deliveries).toHaveLength(1);
    const { delivery } = core.driver.deliveries[0]!;
    expect(delivery.carries).toEqual([urgent.id, one.id, two.id]);
    expect(delivery.text.split('\n\n')).toHaveLength(3);
    core.manager.delivered(runId, urgent.id);
    core.manager.delivered(runId, one.id);
    expect([urgent, one, two].map(({ id }) => stateOf(id))).toEqual(['delivered', 'delivered', 'accepted']);
    core.manager.delivered(runId, two.id);
    core.manager.turnEnded(runId);
    expect([urgent, one, two].map(({ id }) => stateOf(id))).toEqual(['acted', 'acted', 'acted']);
    idle();
    await settled();
    expect(delivered()[1]).toContain(late.id);
  });

  test('an entry of a delivery whose turn ends without its receipt is looked for, and goes again if it is not there', async () => {
    idle();
    const [known, lost] = [nudge('known'), nudge('lost')];
    await settled();
    core.driver.recorded = [known.id];
    core.manager.turnEnded(runId);
    await settled();
    expect(stateOf(known.id)).toBe('delivered');
    idle();
    await settled();
    expect(core.store.messages.get(lost.id)).toMatchObject({ state: 'accepted', reason: 'the turn ended without a receipt' });
    core.advance(2000);
    idle();
    await settled();
    expect(delivered()[1]).toMatch(new RegExp(`^\\[gt ${lost.id}\\] \\(possibly repeated: .*lost$`));
  });

  test('is stored before it is delivered: nothing goes while the transaction is open', async () => {
    idle();
    core.store.transaction(() => {
      nudge('inside');
      expect(delivered()).toEqual([]);
    });
    await settled();
    expect(delivered()).toHaveLength(1);
  });

  test('a doubled receipt changes nothing', async () => {
    idle();
    const { id } = nudge('once');
    await settled();
    core.manager.delivered(runId, id);
    const { deliveredAt } = core.store.messages.get(id)!;
    core.manager.delivered(runId, id);
    expect(core.store.messages.get(id)!.deliveredAt).toBe(deliveredAt);
  });

  test('what was not taken stays queued and is tried again', async () => {
    core.driver.outcome = { kind: 'not-now', reason: 'the person is typing' };
    idle();
    const { id } = nudge('later');
    await settled();
    expect(stateOf(id)).toBe('accepted');
    core.driver.outcome = { kind: 'accepted' };
    idle();
    await settled();
    expect(delivered()).toHaveLength(2);
  });

  test('E3: a transport that throws is seen, tried again after a pause, and given up after three attempts', async () => {
    core.driver.outcome = 'throws';
    idle();
    const { id } = nudge('lost?');
    await settled();
    for (const [attempts, pause] of [[1, 2000], [2, 10_000]] as const) {
      expect(core.store.messages.get(id)).toMatchObject({ state: 'accepted', attempts, reason: 'the transport is broken' });
      idle();
      await settled();
      expect(core.driver.deliveries).toHaveLength(attempts);
      core.advance(pause);
      idle();
      await settled();
    }
    expect(core.store.messages.get(id)).toMatchObject({ state: 'dead', attempts: 3, reason: 'the transport is broken', closedAt: expect.any(Number) });
    expect(delivered()).toEqual(['', ' (possibly repeated: if you have had this one already, ignore it)', ' (possibly repeated: if you have had this one already, ignore it)']
      .map((again) => `[gt ${id}]${again} Nudge from the person: lost?`));
  });

  test('what the program refused is not marked as repeated, and one that fails does not take others down', async () => {
    core.driver.outcome = { kind: 'failed', reason: 'HTTP 500' };
    idle();
    const [one, two] = [nudge('one'), nudge('two')];
    await settled();
    core.driver.outcome = { kind: 'accepted' };
    core.advance(2000);
    idle();
    await settled();
    expect(delivered()[1]).toBe(`[gt ${one.id}] Nudge from the person: one`);
    expect(stateOf(two.id)).toBe('accepted');
  });

  test('a receipt that comes after it was given up says what is true', async () => {
    idle();
    const { id } = nudge('slow');
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
    expect(stateOf(id)).toBe('accepted');
    core.advance(61_000);
    core.outbox.settleAbandoned();
    expect(core.store.messages.get(id)).toMatchObject({
      state: 'expired',
      reason: `not delivered within ${minutes} minutes (alpha-toast was busy at the end)`,
      closedAt: expect.any(Number),
    });
    expect(stateOf(mail.id)).toBe('accepted');
  });

  test('work that went to somebody else meanwhile is not put before the session', async () => {
    core.work.add({ id: 'issue-1', description: 'Fix it' }, 'overseer');
    core.work.assign('issue-1', 'alpha-toast', { by: 'overseer' });
    const { id } = core.outbox.accept({ from: 'overseer', to: 'alpha-toast', kind: 'work', body: '', workId: 'issue-1' });
    core.work.assign('issue-1', 'alpha-toast', { by: 'overseer' });
    core.work.move(core.work.get('issue-1'), 'open', { by: 'overseer' }, { owner: null });
    idle();
    await settled();
    expect(delivered()).toEqual([]);
    expect(core.store.messages.get(id)).toMatchObject({ state: 'expired', reason: 'issue-1 is no longer the work of alpha-toast' });
  });

  describe('after a crash between handing over and its record', () => {
    /** The host dies in the moment after the model got one of two, and the next one comes. */
    const crash = async (): Promise<{ had: string; lost: string }> => {
      idle();
      const [had, lost] = [nudge('had').id, nudge('lost').id];
      await settled();
      core.outbox.dispose();
      core.store.close();
      core = makeCore(join(folder.path, 'town.db'));
      core.driver.recorded = [had];
      return { had, lost };
    };

    test('what the program has recorded is not delivered again; the rest is, once, unmarked', async () => {
      const { had, lost } = await crash();
      await core.manager.adoptAll();
      idle();
      await settled();
      // It is idle, so the turn is over as well.
    expect(stateOf(had)).toBe('acted');
      expect(delivered()).toEqual([`[gt ${lost}] Nudge from the person: lost`]);
    });

    test('where the record cannot be read it is delivered again, with the same id, marked in text and store', async () => {
      const { had } = await crash();
      core.driver.recorded = new Error('no such file');
      await core.manager.adoptAll();
      idle();
      await settled();
      expect(delivered()[0]).toMatch(new RegExp(`^\\[gt ${had}\\] \\(possibly repeated`));
      expect(core.store.messages.get(had)).toMatchObject({ repeated: true, attempts: 2 });
    });

    test('what need not be delivered any more is looked up all the same, so that its receipt is true', async () => {
      const { had, lost } = await crash();
      core.advance(31 * 60_000);
      await core.manager.adoptAll();
      idle();
      await settled();
      expect(stateOf(had)).toBe('acted');
      expect(core.store.messages.get(lost)).toMatchObject({ state: 'expired', reason: expect.stringContaining('not delivered within 30 minutes') });
      expect(delivered()).toEqual([]);
    });
  });

  test('mail is announced once and stays unread until it is read', async () => {
    idle();
    const { id } = core.outbox.accept({ from: 'hq-mayor', to: 'alpha-toast', kind: 'mail', subject: 'Door', body: 'Which one?' });
    await settled();
    expect(delivered()[0]).toContain('You have mail from hq-mayor (an agent, not the person): "Door"');
    core.manager.delivered(runId, id);
    core.manager.turnEnded(runId);
    idle();
    await settled();
    expect(delivered()).toHaveLength(1);
    expect(core.store.messages.countUnread('alpha-toast')).toBe(1);
  });

  test('idle is not done: one reminder, then stalled', async () => {
    core.work.add({ id: 'issue-1', description: 'Fix it' }, 'overseer');
    core.work.assign('issue-1', 'alpha-toast', { by: 'overseer' });
    const work = core.outbox.accept({ from: 'overseer', to: 'alpha-toast', kind: 'work', body: '', workId: 'issue-1' });
    idle();
    await settled();
    core.manager.delivered(runId, work.id);
    expect(core.work.get('issue-1').state).toBe('running');
    core.manager.turnEnded(runId);
    idle();
    await settled();
    expect(delivered()[1]).toContain('issue-1 is still open');
    core.manager.turnEnded(runId);
    expect(core.work.get('issue-1').state).toBe('running');
    core.manager.delivered(runId, core.driver.deliveries[1]!.delivery.id);
    core.manager.turnEnded(runId);
    expect(core.work.get('issue-1').state).toBe('stalled');
  });

  test('the unit of a session that dies stays its own, for a restart; that of one that is stopped is open again', async () => {
    for (const id of ['issue-1', 'issue-2']) core.work.add({ id, description: id }, 'overseer');
    const other = await spawn('alpha-nux');
    core.work.assign('issue-1', 'alpha-toast', { by: 'overseer' });
    core.work.assign('issue-2', 'alpha-nux', { by: 'overseer' });
    core.manager.report(runId, 'program', { kind: 'ended', error: 'killed by signal 9' }, 'exit');
    expect(core.work.get('issue-1')).toMatchObject({ state: 'assigned', owner: 'alpha-toast' });
    expect(core.registry.get('alpha-toast').state).toBe('failed');
    await core.manager.stop('alpha-nux');
    expect(core.driver.stopped).toEqual([other]);
    expect(core.work.get('issue-2').state).toBe('open');
    expect(core.work.get('issue-2').owner).toBeUndefined();
  });

  const startMayor = () => {
    const wanted = { id: 'hq-mayor', backend: 'opencode', role: 'mayor', agentName: '', rig: '', agent: fakeAgent, workDir: '/nowhere' } as const;
    return core.manager.start(wanted, new AbortController().signal);
  };

  test('what is being stopped gets nothing more, though it becomes idle when its turn is cut', async () => {
    core.manager.report(runId, 'program', { kind: 'busy' }, 'busy');
    const { id } = nudge('too late');
    core.driver.onStop = async () => {
      idle();
      core.manager.turnEnded(runId);
      await settled();
    };
    await core.manager.stop('alpha-toast');
    expect(delivered()).toEqual([]);
    expect(stateOf(id)).toBe('expired');
  });

  test('a deliberate end expires what waited, but not the mail', async () => {
    const { id } = nudge('too late');
    const mail = core.outbox.accept({ from: 'overseer', to: 'alpha-toast', kind: 'mail', body: 'later' });
    await core.manager.stop('alpha-toast');
    expect(core.store.messages.get(id)).toMatchObject({ state: 'expired' });
    expect(core.store.messages.get(id)?.reason).toContain('alpha-toast ended');
    expect(stateOf(mail.id)).toBe('accepted');
  });

  test('E2: a session that restarts before delivery: a role that exists once gets it once in its next run', async () => {
    await startMayor();
    const { id } = nudge('when you are back', 'hq-mayor');
    await core.manager.stop('hq-mayor');
    expect(stateOf(id)).toBe('accepted');
    runId = (await startMayor()).runId;
    idle();
    await settled();
    core.manager.delivered(runId, id);
    core.manager.turnEnded(runId);
    idle();
    await settled();
    expect(delivered()).toEqual([`[gt ${id}] Nudge from the person: when you are back`]);
  });

  test('E2: what waits for a session that failed and is not started again expires, and a later one of its name does not get it', async () => {
    const { id } = nudge('are you there?');
    core.manager.report(runId, 'program', { kind: 'ended', error: 'killed by signal 9' }, 'exit');
    expect(core.store.messages.get(id)?.state).toBe('accepted');
    core.outbox.expire('alpha-toast', 'alpha-toast ended (killed by signal 9) before it had this');
    expect(core.store.messages.get(id)).toMatchObject({ state: 'expired', reason: expect.stringContaining('killed by signal 9') });
    runId = await spawn('alpha-toast');
    idle();
    await settled();
    expect(delivered()).toEqual([]);
  });

  test('what a dying run may have had goes to the next one marked, with the same id', async () => {
    runId = (await startMayor()).runId;
    idle();
    const { id } = nudge('did you get this?', 'hq-mayor');
    await settled();
    core.manager.report(runId, 'program', { kind: 'ended', error: 'killed by signal 9' }, 'exit');
    runId = (await startMayor()).runId;
    idle();
    await settled();
    expect(delivered()[1]).toMatch(new RegExp(`^\\[gt ${id}\\] \\(possibly repeated: .*did you get this\\?$`));
  });

  describe('a turn that is cut short', () => {
    /** A nudge whose receipt has come, and whose turn has not ended. */
    const inTurn = async (): Promise<string> => {
      runId = (await startMayor()).runId;
      idle();
      const { id } = nudge('go on with this', 'hq-mayor');
      await settled();
      core.manager.delivered(runId, id);
      return id;
    };

    test('by the death of the session: what it was given goes to the next run, marked', async () => {
      const id = await inTurn();
      core.manager.report(runId, 'program', { kind: 'ended', error: 'killed by signal 9' }, 'exit');
      expect(core.store.messages.get(id)).toMatchObject({ state: 'accepted', repeated: true, reason: expect.stringContaining('killed by signal 9') });
      expect(core.store.messages.get(id)).not.toHaveProperty('deliveredAt');
      runId = (await startMayor()).runId;
      idle();
      await settled();
      expect(delivered()[1]).toMatch(new RegExp(`^\\[gt ${id}\\] \\(possibly repeated: .*go on with this$`));
      core.manager.delivered(runId, id);
      core.manager.turnEnded(runId);
      expect(core.store.messages.get(id)).toMatchObject({ state: 'acted', repeated: true });
    });

    test('by a restart of the session: the same', async () => {
      const id = await inTurn();
      runId = (await core.manager.restart('hq-mayor', { reason: 'it hangs' }, new AbortController().signal)).runId;
      idle();
      await settled();
      expect(delivered()[1]).toMatch(new RegExp(`^\\[gt ${id}\\] \\(possibly repeated: .*go on with this$`));
    });

    test('deliberately: it stays delivered, and is not put before a later run', async () => {
      const id = await inTurn();
      await core.manager.stop('hq-mayor');
      runId = (await startMayor()).runId;
      idle();
      await settled();
      expect(stateOf(id)).toBe('delivered');
      expect(delivered()).toHaveLength(1);
    });

    test('after its end: what was acted on stays so', async () => {
      const id = await inTurn();
      core.manager.turnEnded(runId);
      core.manager.report(runId, 'program', { kind: 'ended', error: 'killed by signal 9' }, 'exit');
      expect(stateOf(id)).toBe('acted');
    });
  });

  test('E2: a live session that is restarted while a message is on its way gets it in its next run, marked, without delay', async () => {
    idle();
    const { id } = nudge('on its way');
    await settled();
    const { runId: next } = await core.manager.restart('alpha-toast', { reason: 'test' });
    expect(next).not.toBe(runId);
    runId = next;
    idle();
    await settled();
    expect(delivered()).toHaveLength(2);
    expect(delivered()[1]).toMatch(new RegExp(`^\\[gt ${id}\\] \\(possibly repeated: .*on its way$`));
  });

  test('what waits for a role without a session goes to its first run', async () => {
    const { id } = nudge('good morning', 'hq-mayor');
    runId = (await startMayor()).runId;
    idle();
    await settled();
    expect(delivered()).toEqual([`[gt ${id}] Nudge from the person: good morning`]);
  });
});
