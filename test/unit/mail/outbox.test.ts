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

  test('one at a time, in order, each with its own receipt', async () => {
    idle();
    const first = nudge('one');
    const second = nudge('two');
    await settled();
    expect(delivered()).toHaveLength(1);
    core.manager.delivered(runId, first.id);
    expect(stateOf(first.id)).toBe('delivered');
    await settled();
    expect(delivered()).toHaveLength(1);
    core.manager.turnEnded(runId);
    expect(stateOf(first.id)).toBe('acted');
    idle();
    await settled();
    expect(delivered()[1]).toContain('two');
    expect(stateOf(second.id)).toBe('accepted');
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

  test('after three doubtful attempts it is given up, with the reason', async () => {
    core.driver.outcome = { kind: 'uncertain', reason: 'no receipt' };
    const { id } = nudge('lost?');
    for (let attempt = 0; attempt < 3; attempt += 1) {
      core.manager.report(runId, 'program', { kind: 'busy' }, 'busy');
      idle();
      await settled();
    }
    expect(core.store.messages.get(id)).toMatchObject({ state: 'dead', reason: 'no receipt' });
  });

  test('mail is announced once and stays unread until it is read', async () => {
    idle();
    const { id } = core.outbox.accept({ from: 'hq-mayor', to: 'alpha-toast', kind: 'mail', subject: 'Door', body: 'Which one?' });
    await settled();
    expect(delivered()[0]).toContain('You have mail from hq-mayor: "Door"');
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

  test('the unit of a session that dies is stalled with the reason; of one that is stopped, open again', async () => {
    for (const id of ['issue-1', 'issue-2']) core.work.add({ id, description: id }, 'overseer');
    const other = await spawn('alpha-nux');
    core.work.assign('issue-1', 'alpha-toast', { by: 'overseer' });
    core.work.assign('issue-2', 'alpha-nux', { by: 'overseer' });
    core.manager.report(runId, 'program', { kind: 'ended', error: 'killed by signal 9' }, 'exit');
    expect(core.work.get('issue-1')).toMatchObject({ state: 'stalled', owner: 'alpha-toast' });
    expect(core.work.get('issue-1').note).toContain('killed by signal 9');
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

  test('a deliberate end expires what waited, but not the mail', async () => {
    const { id } = nudge('too late');
    const mail = core.outbox.accept({ from: 'overseer', to: 'alpha-toast', kind: 'mail', body: 'later' });
    await core.manager.stop('alpha-toast');
    expect(core.store.messages.get(id)).toMatchObject({ state: 'expired' });
    expect(core.store.messages.get(id)?.reason).toContain('alpha-toast ended');
    expect(stateOf(mail.id)).toBe('accepted');
  });

  test('a role that exists once keeps what waited for its next run, which gets it once', async () => {
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

  test('what waits for a session that failed expires when nobody starts it again', () => {
    const { id } = nudge('are you there?');
    core.manager.report(runId, 'program', { kind: 'ended', error: 'killed by signal 9' }, 'exit');
    expect(stateOf(id)).toBe('expired');
    expect(delivered()).toEqual([]);
  });
});
