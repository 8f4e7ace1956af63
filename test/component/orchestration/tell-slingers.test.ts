import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { makeFakeTown } from '../../support/fake-town.ts';
import type { FakeTown } from '../../support/fake-town.ts';
import { takesWork, toast, until } from '../reconcile/support.ts';

const mayor = 'hq-mayor';

let town: FakeTown;
afterEach(() => town.close());

const start = async (policy = {}, clock?: { wall: () => number; awake: () => number }): Promise<void> => {
  town = await makeFakeTown(policy, undefined, clock);
  await town.request('session.spawn', { role: 'mayor' });
  town.idle(mayor);
};

/** The mayor slings a unit, and the polecat's model takes it. */
async function slung(by = mayor, work = 'task-1', name = 'toast'): Promise<void> {
  const order = { work, rig: 'alpha', name, message: `Do ${work}` };
  await town.request('sling', order, by === 'overseer' ? undefined : by);
  takesWork(town, `alpha-${name}`);
}

function commit(name = 'toast'): void {
  const { workDir } = town.registry.get(`alpha-${name}`);
  writeFileSync(join(workDir, `${name}.txt`), 'one\ntwo\n');
  execFileSync('git', ['add', '-A'], { cwd: workDir });
  execFileSync('git', ['commit', '-qm', 'Do it'], { cwd: workDir });
}

/** What the host has said to a session, oldest first. */
const heard = (id = mayor): string[] =>
  town.store.messages
    .latest(100, { session: id, from: 'host' })
    .map(({ body }) => body)
    .reverse();

describe('who slung a unit is told once', () => {
  test('that it is done, with branch, size, report and what can be done next', async () => {
    await start();
    await slung();
    commit();
    await town.request('work.done', { message: 'I made toast.\nIt has two lines.' }, toast);
    const [told, ...more] = heard();
    expect(more).toEqual([]);
    expect(told).toBe(
      'task-1 (Do task-1) is done, by alpha-toast: it waits for the review of the user. ' +
        'Branch: polecat/toast/task-1 (1 commit); 1 file, +2 −0. ' +
        'To look at what it changes: gt review task-1. The whole of it: gt work show task-1. Its report:\n' +
        'I made toast.\nIt has two lines.',
    );
    await until(() => town.driver.deliveries.some(({ delivery }) => delivery.text.includes('> I made toast.')));
  });

  test('that it is done where there is nothing to merge', async () => {
    await start();
    await slung();
    await town.request('work.done', { message: 'Nothing was to be done' }, toast);
    expect(heard()).toEqual([expect.stringContaining('task-1 (Do task-1) is done, by alpha-toast. Branch: no commit')]);
  });

  test('that it has failed, or needs a decision, or was cancelled by somebody else', async () => {
    await start();
    await slung(mayor, 'task-1', 'one');
    await slung(mayor, 'task-2', 'two');
    await slung(mayor, 'task-3', 'three');
    await town.request('work.done', { status: 'failed', message: 'no compiler' }, 'alpha-one');
    await town.request('work.done', { status: 'escalated', message: 'which one?' }, 'alpha-two');
    await town.request('work.cancel', { id: 'task-3', message: 'not wanted' });
    expect(heard().map((body) => body.split(' ').slice(0, 5).join(' '))).toEqual([
      'task-1 (Do task-1) has failed,',
      'task-2 (Do task-2) is escalated,',
      'task-3 (Do task-3) was cancelled,',
    ]);
    expect(heard()[0]).toContain('gt work requeue task-1');
    expect(heard()[0]).toMatch(/\nno compiler$/);
  });

  test('that it has stalled, and the mayor is not told of the same by an escalation, too', async () => {
    await start();
    await slung();
    town.die(toast);
    for (let death = 1; death <= 4; death += 1) {
      await until(() => town.registry.get(toast).state === 'running' || town.work.get('task-1').state === 'stalled');
      if (town.work.get('task-1').state !== 'stalled') town.die(toast);
    }
    await until(() => town.work.get('task-1').state === 'stalled');
    expect(heard()).toEqual([expect.stringContaining('has stalled: alpha-toast stopped working on it')]);
  });

  test('what becomes of its merge: sent back, done again, merged', async () => {
    await start();
    await slung();
    commit();
    await town.request('work.done', { message: 'done' }, toast);
    await town.request('merge.return', { id: 'task-1', message: 'Not so' });
    town.merges.move(town.merges.get('task-1'), 'merged', { by: 'host' });
    expect(heard().map((body) => body.split('. ')[0])).toEqual([
      'task-1 (Do task-1) is done, by alpha-toast: it waits for the review of the user',
      'task-1 (Do task-1) was sent back, by overseer, and is worked at again',
      'task-1 (Do task-1) is merged into main.',
    ]);
  });

  test('that it cannot be merged when the queue sends it back no more', async () => {
    await start();
    await slung();
    commit();
    await town.request('work.done', { message: 'done' }, toast);
    const conflict = (conflictRounds: number): void => {
      const queued = town.merges.move(town.merges.get('task-1'), 'queued', { by: 'queue' });
      const detail = { why: 'conflicts with main in a.ts', conflicts: [{ files: ['a.ts'] }] };
      town.merges.move(queued, 'conflict', { by: 'queue' }, { conflictRounds, detail });
    };
    conflict(2);
    expect(heard()).toHaveLength(1);
    conflict(3);
    expect(heard().slice(1)).toEqual([
      expect.stringContaining('task-1 (Do task-1) cannot be merged: it conflicts with main in a.ts.'),
    ]);
  });

  test('not of what it did itself, nor before a retry that the host makes by itself has failed, too', async () => {
    await start({ work_failure: 'reassign', retries: 1, backoff_seconds: 0 });
    await slung();
    await town.request('work.done', { status: 'failed', message: 'first' }, toast);
    await until(() => town.registry.list({ role: 'polecat', state: 'running' }).length === 2);
    const second = town.work.get('task-1').owner!;
    expect(heard()).toEqual([]);
    expect(town.work.get('task-1').slungBy).toBe(mayor);
    takesWork(town, second);
    await town.request('work.done', { status: 'failed', message: 'second' }, second);
    await until(() => town.work.get('task-1').state === 'escalated');
    expect(heard()).toEqual([expect.stringContaining('is escalated')]);
    await town.request('work.cancel', { id: 'task-1' }, mayor);
    expect(heard()).toHaveLength(1);
  });
});

test('a unit that was queued by somebody, and is slung by the host, is theirs', async () => {
  await start();
  const { id } = await town.request('work.add', { description: 'Later', rig: 'alpha' });
  await town.request('work.requeue', { id }, mayor);
  await until(() => town.work.get(id).state === 'assigned');
  expect(town.work.get(id).slungBy).toBe(mayor);
});

test('what the user slings is told to no session', async () => {
  await start();
  await slung('overseer');
  await town.request('work.done', { message: 'x' }, toast);
  expect(town.work.get('task-1').slungBy).toBe('overseer');
  expect(heard()).toEqual([]);
});

test('a mayor that is not there hears of it in its next run, also after the time in which a nudge expires', async () => {
  await start();
  await slung();
  await town.request('session.stop', { session: mayor });
  await town.request('work.done', { message: 'x' }, toast);
  await town.pass(24 * 3_600_000);
  await town.request('session.spawn', { role: 'mayor' });
  town.idle(mayor);
  await until(() =>
    town.driver.deliveries.some(({ delivery }) => delivery.text.includes('task-1 (Do task-1) is done')),
  );
});

test('a unit that fails again and again is told to the user instead, once', async () => {
  await start();
  for (let time = 0; time < 9; time += 1) {
    await slung(mayor, 'task-1', `p${time}`);
    await town.request('work.done', { status: 'failed', message: `time ${time}` }, `alpha-p${time}`);
  }
  expect(heard()).toHaveLength(6);
  expect(town.escalations.list().map(({ message }) => message)).toEqual([
    expect.stringContaining('task-1 goes in circles'),
  ]);
});

test('what was told before the clock was set back by a day does not keep its slinger from being told', async () => {
  let wall = 1_000_000_000;
  await start({}, { wall: () => (wall += 1), awake: () => wall });
  const fails = async (name: string): Promise<void> => {
    await slung(mayor, 'task-1', name);
    await town.request('work.done', { status: 'failed', message: name }, `alpha-${name}`);
  };
  for (let time = 0; time < 7; time += 1) await fails(`p${time}`);
  expect(heard()).toHaveLength(6);
  wall -= 24 * 3_600_000;
  await fails('later');
  expect(heard()).toHaveLength(7);
});
