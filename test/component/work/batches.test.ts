import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { FailurePolicySettings } from '../../../shared/config/failure-policy.ts';
import { GasTownError } from '../../../shared/platform/errors.ts';
import { makeFakeTown } from '../../support/fake-town.ts';
import type { FakeTown } from '../../support/fake-town.ts';
import { takesWork, until } from '../reconcile/support.ts';

let town: FakeTown;
const begin = async (policy: FailurePolicySettings = {}) => (town = await makeFakeTown(policy));
beforeEach(() => begin());
afterEach(() => town.close());

const add = (id: string, more: { after?: string[]; batch?: string } = {}, by?: string) =>
  town.request('work.add', { id, description: `Do ${id}`, rig: 'alpha', ...more }, by);
const show = (batch = 'batch-1') => town.request('batch.show', { batch });
/** What a session was told of its batches. */
const told = (to: string) =>
  town.store.messages
    .pending(to)
    .filter(({ id }) => id.startsWith('batch-'))
    .map(({ body }) => body);

async function report(id: string, status: 'completed' | 'failed' = 'completed'): Promise<void> {
  const { session } = await town.request('sling', { work: id, rig: 'alpha', name: id });
  takesWork(town, session.id);
  await town.request('work.done', { status, message: status === 'failed' ? 'cannot build' : 'did it' }, session.id);
  await town.settled();
}

async function mayor(): Promise<string> {
  return (await town.request('session.spawn', { role: 'mayor' })).id;
}

describe('a batch', () => {
  test('groups units, and shows how far they are', async () => {
    await add('a');
    await add('b', { batch: 'Dark mode' });
    expect(await town.request('batch.add', { batch: 'dark MODE', work: ['a'] })).toMatchObject({
      id: 'batch-1',
      title: 'Dark mode',
      startedBy: 'overseer',
      units: ['a', 'b'],
      done: 0,
      total: 2,
      state: 'open',
    });
    await report('a');
    expect(await show()).toMatchObject({ done: 1, total: 2, state: 'open' });
    await town.request('work.cancel', { id: 'b' });
    await town.settled();
    expect(await show()).toMatchObject({ done: 1, total: 1, state: 'finished', work: [{ id: 'a' }, { id: 'b' }] });
    expect(town.snapshot().batches).toMatchObject([{ id: 'batch-1', state: 'finished' }]);
    expect(town.snapshot().work).toMatchObject([{ batch: 'batch-1' }, { batch: 'batch-1' }]);
  });

  test('is not done before its branches are merged', async () => {
    await add('a', { batch: 'One' });
    await report('a');
    town.merges.begin(
      { workId: 'a', rig: 'alpha', branch: 'polecat/a/a', target: 'main', base: 'b', head: 'h' },
      'alpha-a',
    );
    await town.pass(1);
    expect(await show()).toMatchObject({ done: 0, total: 1, state: 'open' });
    town.merges.move(town.merges.get('a'), 'merged', { by: 'host' });
    await town.settled();
    expect(await show()).toMatchObject({ done: 1, total: 1, state: 'finished' });
  });

  test('a unit is in one at most; one that is left empty goes', async () => {
    await add('a', { batch: 'One' });
    await town.request('batch.create', { title: 'Two', work: ['a'] });
    expect((await town.request('batch.list', { all: true })).batches.map(({ title }) => title)).toEqual(['Two']);
    await expect(town.request('batch.create', { title: 'two', work: ['a'] })).rejects.toMatchObject({
      code: 'name-taken',
    });
    await expect(town.request('batch.show', { batch: 'Tow' })).rejects.toThrow(
      /There is no batch "Tow".*Did you mean "Two"/,
    );
    await expect(town.request('batch.create', { title: 'Three', work: ['a', 'x'] })).rejects.toMatchObject({
      code: 'unknown-work',
    });
    expect(town.work.get('a').batch).toBe((await town.request('batch.show', { batch: 'Two' })).id);
  });

  test('tells the session that started it once, when it is finished', async () => {
    const hq = await mayor();
    await add('a', {}, hq);
    await add('b', {}, hq);
    await town.request('batch.create', { title: 'Dark mode', work: ['a', 'b'] }, hq);
    await report('a');
    expect(told(hq)).toEqual([]);
    await report('b');
    expect(told(hq)).toEqual([
      'batch-1 is finished: 2 of 2 units are done.\nDark mode\na: done\nb: done\nMore: gt batch show batch-1',
    ]);
    await town.pass(60_000);
    expect(told(hq)).toHaveLength(1);
  });

  test('tells when it is stuck: what is left failed, or waits for what did', async () => {
    const hq = await mayor();
    await add('a', { batch: 'Dark mode' }, hq);
    await add('b', { batch: 'Dark mode', after: ['a'] }, hq);
    await town.request('work.queue', { work: 'b', rig: 'alpha' });
    await report('a', 'failed');
    expect(told(hq)).toEqual([
      'batch-1 is stuck: 0 of 2 units are done, and nothing of the rest goes on without somebody.\n' +
        'Dark mode\na: failed (cannot build)\nb: queued (waits for a)\nMore: gt batch show batch-1',
    ]);
    await town.request('work.requeue', { id: 'a' });
    await until(() => town.work.get('a').state === 'assigned');
    await until(async () => (await show()).state === 'open');
    expect(told(hq)).toHaveLength(1);
  });

  test('is not stuck while what failed is tried again', async () => {
    town.close();
    await begin({ retries: 2, backoff_seconds: 60 });
    await add('a', { batch: 'One' });
    const hq = await mayor();
    town.driver.onStart = async () => {
      throw new GasTownError('spawn-failed', 'out of memory');
    };
    const states: string[] = [];
    town.batches.onDidChange(() => states.push(town.store.batches.get('batch-1')?.outcome ?? 'open'));
    await expect(town.request('sling', { work: 'a', rig: 'alpha' })).rejects.toThrow('out of memory');
    await until(() => town.work.get('a').state === 'queued');
    await town.pass(60_000);
    await until(() => town.work.get('a').attempts === 2);
    await town.pass(120_000);
    await until(() => town.work.get('a').state === 'escalated');
    await town.settled();
    expect(states).toEqual(['stuck']);
    // The user started it: no session is told.
    expect(told(hq)).toEqual([]);
  });
});
