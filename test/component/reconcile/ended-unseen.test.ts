/** The second morning: what is in the list when a window was closed in the evening, and what a start makes of it. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { causesIn } from '../../../extension/notifications/causes.ts';
import { settleAbandoned } from '../../../shared/orchestration/cleanup.ts';
import { makeFakeTown } from '../../support/fake-town.ts';
import type { FakeTown } from '../../support/fake-town.ts';
import { atWork, history, lastStart, open, takesWork, toast, unit, until } from './support.ts';

let town: FakeTown;
beforeEach(async () => {
  town = await makeFakeTown();
});
afterEach(() => town.close());

const mayor = 'hq-mayor';
const startMayor = () => town.request('session.spawn', { role: 'mayor' });
const view = (id: string) => town.views.session(town.registry.get(id));

/** Starts the session, gives it a conversation, lets its window be closed, and lets another host begin. */
async function overNight(id: string): Promise<void> {
  town.manager.runs.saveReference(town.registry.get(id).runId, { session: `conversation of ${id}` });
  town.vanish(id);
  await town.settled();
  await settleAbandoned(town);
  await town.settled();
}

describe('a session that ended with its window', () => {
  test('has not failed, is not told of, and is there on every further morning', async () => {
    await startMayor();
    await overNight(mayor);
    await settleAbandoned(town);
    expect(view(mayor)).toMatchObject({
      state: 'stopped',
      endedUnseen: true,
      cause: 'it ended while no host was there',
    });
    expect(causesIn(town.builder.build())).toEqual([]);
    expect(open(town)).toEqual([]);
    expect(town.driver.started).toHaveLength(1);
  });

  test('goes on with its conversation when it is started', async () => {
    await startMayor();
    await overNight(mayor);
    await expect(startMayor()).resolves.toMatchObject({ id: mayor, state: 'running' });
    expect(lastStart(town)).toMatchObject({
      sessionId: mayor,
      resume: { reference: { session: `conversation of ${mayor}` } },
    });
    expect(lastStart(town).firstPrompt).toBeUndefined();
    expect(view(mayor).endedUnseen).not.toBe(true);
  });

  test('gets what was written to it, when it is started', async () => {
    await startMayor();
    town.busy(mayor);
    await town.request('message.send', { to: 'mayor/', type: 'nudge', body: 'Look at the door' });
    await overNight(mayor);
    expect(view(mayor).queued).toBe(1);
    await startMayor();
    town.idle(mayor);
    await until(() => town.driver.deliveries.length === 1);
    expect(town.driver.deliveries[0]?.delivery.text).toContain('Look at the door');
  });

  test('says what it asked the user, also on a further morning', async () => {
    await startMayor();
    const { runId } = town.registry.get(mayor);
    const ask = {
      id: 'ask-1',
      kind: 'permission' as const,
      title: 'bash touch one',
      detail: '',
      options: [],
      resolvable: true,
      since: town.manager.now(),
    };
    town.manager.report(runId, 'program', { kind: 'asked', ask }, 'permission.asked');
    await overNight(mayor);
    expect(view(mayor)).toMatchObject({ asks: [], lostAsks: ['bash touch one'] });
    await startMayor();
    expect(view(mayor).lostAsks).toBeUndefined();
  });

  test('keeps its worktree and its name, as a polecat, until it is dismissed', async () => {
    const run = await atWork(town);
    town.work.finish('issue-1', 'completed', { by: toast, runId: run });
    const { workDir } = town.registry.get(toast);
    await overNight(toast);
    expect(existsSync(workDir)).toBe(true);
    await town.request('sling', { work: 'issue-2', rig: 'alpha', message: 'More' });
    expect(unit(town, 'issue-2').owner).not.toBe(toast);
    await town.request('session.dismiss', { session: toast });
    expect(town.registry.find(toast)).toBeUndefined();
    await until(() => !existsSync(workDir));
  });

  test('goes on in its worktree, as a polecat', async () => {
    const run = await atWork(town);
    town.work.finish('issue-1', 'completed', { by: toast, runId: run });
    const { workDir } = town.registry.get(toast);
    await overNight(toast);
    writeFileSync(join(workDir, 'notes.md'), 'half a thought');
    await town.request('session.reset', { session: toast });
    expect(lastStart(town)).toMatchObject({
      cwd: workDir,
      resume: { reference: { session: `conversation of ${toast}` } },
    });
    expect(existsSync(join(workDir, 'notes.md'))).toBe(true);
  });

  test('is restarted where it was in the middle of a unit', async () => {
    const before = await atWork(town);
    await overNight(toast);
    await until(() => town.registry.get(toast).runId !== before && town.registry.get(toast).state === 'running');
    expect(unit(town)).toMatchObject({ state: 'assigned', owner: toast });
    expect(causesIn(town.builder.build())).toEqual([]);
  });
});

describe('a unit that has stalled', () => {
  test('waits for the user, however often the editor is started', async () => {
    await atWork(town);
    town.work.move(unit(town), 'stalled', { by: 'host', note: 'its turn ended twice without a report' });
    await town.settled();
    const raised = open(town);
    expect(raised).toHaveLength(1);
    for (let morning = 0; morning < 3; morning += 1) await overNight(toast);
    expect(town.driver.started).toHaveLength(1);
    expect(open(town)).toEqual(raised);
    expect(history(town)).toEqual(['open', 'assigned', 'assigned', 'running', 'stalled']);
    // The user's word puts it before the model again.
    await town.request('session.reset', { session: toast });
    expect(lastStart(town).firstPrompt?.text).toContain('issue-1');
  });

  test('stays stalled where its session is restarted for another unit', async () => {
    await atWork(town);
    town.work.move(unit(town), 'stalled', { by: 'host', note: 'its turn ended twice without a report' });
    await town.request('work.add', { description: 'Next', id: 'issue-2', rig: 'alpha' });
    await town.request('work.assign', { id: 'issue-2', session: toast });
    town.idle(toast);
    await town.settled();
    const { runId } = town.registry.get(toast);
    town.die(toast);
    await until(() => town.registry.get(toast).runId !== runId && town.registry.get(toast).state === 'running');
    expect(lastStart(town).firstPrompt?.text).toContain('issue-2');
    takesWork(town, toast);
    expect(unit(town).state).toBe('stalled');
  });
});

describe('a session that was stopped', () => {
  test('and has a name stays in the list, and goes on with its conversation when it is started', async () => {
    await town.request('session.spawn', { role: 'crew', rig: 'alpha', name: 'amy' });
    const { id } = town.registry.list({ role: 'crew' })[0]!;
    town.manager.runs.saveReference(town.registry.get(id).runId, { session: 'talk' });
    await town.request('session.stop', { session: id });
    await settleAbandoned(town);
    expect(view(id)).toMatchObject({ state: 'stopped' });
    expect(view(id).endedUnseen).not.toBe(true);
    await town.request('session.spawn', { role: 'crew', rig: 'alpha', name: 'amy' });
    expect(lastStart(town).resume?.reference).toEqual({ session: 'talk' });
  });

  test('is not given again what the stop cut short, when it is started', async () => {
    await startMayor();
    const { runId } = town.registry.get(mayor);
    const { id } = await town.request('message.send', { to: 'mayor/', type: 'nudge', body: 'Paint every door' });
    town.idle(mayor);
    await until(() => town.driver.deliveries.length === 1);
    town.manager.delivered(runId, id);
    town.manager.runs.saveReference(runId, { session: 'talk' });
    await town.request('session.stop', { session: mayor });
    await startMayor();
    town.idle(mayor);
    await town.settled();
    expect(town.driver.deliveries).toHaveLength(1);
    expect(town.store.messages.get(id)?.state).toBe('delivered');
  });

  test('begins anew after it was dismissed', async () => {
    await startMayor();
    await overNight(mayor);
    await town.request('session.dismiss', { session: mayor });
    await startMayor();
    expect(lastStart(town).resume).toBeUndefined();
    await expect(town.request('session.dismiss', { session: mayor })).rejects.toThrow('gt stop hq-mayor');
  });

  test('as a polecat makes room for the next worker of its name, which knows nothing of it', async () => {
    await atWork(town);
    town.manager.runs.saveReference(town.registry.get(toast).runId, { session: 'old' });
    await town.request('session.stop', { session: toast });
    await town.request('sling', { work: 'issue-1', rig: 'alpha', name: 'toast' });
    expect(lastStart(town).resume).toBeUndefined();
  });
});
