import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fakeAgent, makeCore, temporaryFolder } from '../../support/core.ts';
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

const startMayor = () => {
  const wanted = {
    id: 'hq-mayor',
    backend: 'opencode',
    role: 'mayor',
    agentName: '',
    rig: '',
    agent: fakeAgent,
    workDir: '/nowhere',
  } as const;
  return core.manager.start(wanted, new AbortController().signal);
};

test('the unit of a session that dies stays its own, for a restart; that of one that is stopped is open again', async () => {
  for (const id of ['issue-1', 'issue-2']) core.work.add({ id, description: id }, 'overseer');
  const other = await spawn(core, 'alpha-nux');
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

test('what is being stopped gets nothing more, though it becomes idle when its turn is cut', async () => {
  core.manager.report(runId, 'program', { kind: 'busy' }, 'busy');
  const { id } = nudge(core, 'too late');
  core.driver.onStop = async () => {
    idle(core, runId);
    core.manager.turnEnded(runId);
    await settled();
  };
  await core.manager.stop('alpha-toast');
  expect(delivered(core)).toEqual([]);
  expect(stateOf(core, id)).toBe('expired');
});

test('a deliberate end expires what waited, but not the mail', async () => {
  const { id } = nudge(core, 'too late');
  const mail = core.outbox.accept({ from: 'overseer', to: 'alpha-toast', kind: 'mail', body: 'later' });
  await core.manager.stop('alpha-toast');
  expect(core.store.messages.get(id)).toMatchObject({ state: 'expired' });
  expect(core.store.messages.get(id)?.reason).toContain('alpha-toast ended');
  expect(stateOf(core, mail.id)).toBe('accepted');
});

test('E2: a session that restarts before delivery: a role that exists once gets it once in its next run', async () => {
  await startMayor();
  const { id } = nudge(core, 'when you are back', 'hq-mayor');
  await core.manager.stop('hq-mayor');
  expect(stateOf(core, id)).toBe('accepted');
  runId = (await startMayor()).runId;
  idle(core, runId);
  await settled();
  core.manager.delivered(runId, id);
  core.manager.turnEnded(runId);
  idle(core, runId);
  await settled();
  expect(delivered(core)).toEqual([`[gt ${id}] Nudge from the user: when you are back`]);
});

test('E2: what waits for a session that failed and is not started again expires, and a later one of its name does not get it', async () => {
  const { id } = nudge(core, 'are you there?');
  core.manager.report(runId, 'program', { kind: 'ended', error: 'killed by signal 9' }, 'exit');
  expect(core.store.messages.get(id)?.state).toBe('accepted');
  core.outbox.expire('alpha-toast', 'alpha-toast ended (killed by signal 9) before it had this');
  expect(core.store.messages.get(id)).toMatchObject({
    state: 'expired',
    reason: expect.stringContaining('killed by signal 9'),
  });
  runId = await spawn(core, 'alpha-toast');
  idle(core, runId);
  await settled();
  expect(delivered(core)).toEqual([]);
});

test('what a dying run may have had goes to the next one marked, with the same id', async () => {
  runId = (await startMayor()).runId;
  idle(core, runId);
  const { id } = nudge(core, 'did you get this?', 'hq-mayor');
  await settled();
  core.manager.report(runId, 'program', { kind: 'ended', error: 'killed by signal 9' }, 'exit');
  runId = (await startMayor()).runId;
  idle(core, runId);
  await settled();
  expect(delivered(core)[1]).toMatch(new RegExp(`^\\[gt ${id}\\] \\(possibly repeated: .*did you get this\\?$`));
});

describe('a turn that is cut short', () => {
  /** A nudge whose receipt has come, and whose turn has not ended. */
  const inTurn = async (): Promise<string> => {
    runId = (await startMayor()).runId;
    idle(core, runId);
    const { id } = nudge(core, 'go on with this', 'hq-mayor');
    await settled();
    core.manager.delivered(runId, id);
    return id;
  };

  test('by the death of the session: what it was given goes to the next run, marked', async () => {
    const id = await inTurn();
    core.manager.report(runId, 'program', { kind: 'ended', error: 'killed by signal 9' }, 'exit');
    expect(core.store.messages.get(id)).toMatchObject({
      state: 'accepted',
      repeated: true,
      reason: expect.stringContaining('killed by signal 9'),
    });
    expect(core.store.messages.get(id)).not.toHaveProperty('deliveredAt');
    runId = (await startMayor()).runId;
    idle(core, runId);
    await settled();
    expect(delivered(core)[1]).toMatch(new RegExp(`^\\[gt ${id}\\] \\(possibly repeated: .*go on with this$`));
    core.manager.delivered(runId, id);
    core.manager.turnEnded(runId);
    expect(core.store.messages.get(id)).toMatchObject({ state: 'acted', repeated: true });
  });

  test('by a restart of the session: the same', async () => {
    const id = await inTurn();
    runId = (await core.manager.restart('hq-mayor', { reason: 'it hangs' }, new AbortController().signal)).runId;
    idle(core, runId);
    await settled();
    expect(delivered(core)[1]).toMatch(new RegExp(`^\\[gt ${id}\\] \\(possibly repeated: .*go on with this$`));
  });

  test('deliberately: it stays delivered, and is not put before a later run', async () => {
    const id = await inTurn();
    await core.manager.stop('hq-mayor');
    runId = (await startMayor()).runId;
    idle(core, runId);
    await settled();
    expect(stateOf(core, id)).toBe('delivered');
    expect(delivered(core)).toHaveLength(1);
  });

  test('after its end: what was acted on stays so', async () => {
    const id = await inTurn();
    core.manager.turnEnded(runId);
    core.manager.report(runId, 'program', { kind: 'ended', error: 'killed by signal 9' }, 'exit');
    expect(stateOf(core, id)).toBe('acted');
  });
});

test('E2: a live session that is restarted while a message is on its way gets it in its next run, marked, without delay', async () => {
  idle(core, runId);
  const { id } = nudge(core, 'on its way');
  await settled();
  const { runId: next } = await core.manager.restart('alpha-toast', { reason: 'test' });
  expect(next).not.toBe(runId);
  runId = next;
  idle(core, runId);
  await settled();
  expect(delivered(core)).toHaveLength(2);
  expect(delivered(core)[1]).toMatch(new RegExp(`^\\[gt ${id}\\] \\(possibly repeated: .*on its way$`));
});

test('what waits for a role without a session goes to its first run', async () => {
  const { id } = nudge(core, 'good morning', 'hq-mayor');
  runId = (await startMayor()).runId;
  idle(core, runId);
  await settled();
  expect(delivered(core)).toEqual([`[gt ${id}] Nudge from the user: good morning`]);
});
