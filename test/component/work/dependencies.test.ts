import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { GasTownError } from '../../../shared/platform/errors.ts';
import { makeFakeTown } from '../../support/fake-town.ts';
import type { FakeTown } from '../../support/fake-town.ts';
import { lastStart, open, takesWork, until } from '../reconcile/support.ts';

let town: FakeTown;
beforeEach(async () => {
  town = await makeFakeTown();
});
afterEach(() => town.close());

const add = (id: string, more: { after?: string[]; priority?: number } = {}) =>
  town.request('work.add', { id, description: `Do ${id}`, rig: 'alpha', ...more });
const sling = (work: string, more: { now?: boolean; name?: string } = {}) =>
  town.request('sling', { work, rig: 'alpha', ...more });
const queue = (work: string, name?: string) =>
  town.request('work.queue', { work, rig: 'alpha', ...(name === undefined ? {} : { name }) });
const unit = (id: string) => town.request('work.show', { id });
const state = (id: string) => town.work.get(id).state;
const slung = () => town.driver.started.map(({ title }) => title);

/** A polecat does the unit, with a commit where there is to be something to merge. */
async function finish(id: string, commits = true): Promise<void> {
  const { session } = await sling(id, { name: id.replace(/\W/g, '') });
  takesWork(town, session.id);
  if (commits) {
    writeFileSync(join(session.workDir, `${id}.txt`), id);
    const git = (...args: string[]) => execFileSync('git', args, { cwd: session.workDir, stdio: 'pipe' });
    git('add', '.');
    git('-c', 'user.name=T', '-c', 'user.email=t@example.com', 'commit', '-q', '-m', id);
  }
  await town.request('work.done', { message: 'did it' }, session.id);
}

const merge = (id: string) => town.merges.move(town.merges.get(id), 'merged', { by: 'host' });

describe('a unit that waits for others', () => {
  test('is not begun by a sling, but begins by itself when the last of them is merged', async () => {
    await add('a');
    await add('b');
    await add('c', { after: ['a', 'b'] });
    await expect(sling('c')).rejects.toMatchObject({ code: 'waits' });
    expect(await queue('c', 'cc')).toMatchObject({
      state: 'queued',
      note: 'waits for a and b',
      after: ['a', 'b'],
      waitsFor: ['a', 'b'],
    });
    await finish('a');
    await finish('b');
    await town.settled();
    expect(state('c')).toBe('queued');
    merge('a');
    await town.settled();
    expect(await unit('c')).toMatchObject({ state: 'queued', waitsFor: ['b'], note: 'waits for b' });
    merge('b');
    await until(() => town.registry.find('alpha-cc')?.state === 'running');
    expect(state('c')).toBe('assigned');
    expect((await unit('c')).waitsFor).toBeUndefined();
  });

  test('begins when a unit is done that has nothing to merge', async () => {
    await add('a');
    await add('b', { after: ['a'] });
    await queue('b');
    await finish('a', false);
    await until(() => state('b') === 'assigned');
  });

  test('begins when they are done, where the settings say so', async () => {
    town.settings.value.work = { start_after: 'done' };
    await add('a');
    await add('b', { after: ['a'] });
    await queue('b');
    await finish('a');
    await until(() => state('b') === 'assigned');
    expect(town.merges.get('a').state).toBe('review');
  });

  test('begins at once where the user says so, and waits for nothing any more', async () => {
    await add('a');
    await add('b', { after: ['a'] });
    await sling('b', { now: true });
    expect(await unit('b')).toMatchObject({ state: 'assigned' });
    expect((await unit('b')).after).toBeUndefined();
    expect((await unit('b')).history.map(({ note }) => note)).toContain('does not wait for a any more');
  });

  test('begins when that is taken from it', async () => {
    await add('a');
    await add('b', { after: ['a'] });
    await queue('b');
    await town.request('work.depend', { id: 'b', on: ['a'], remove: true });
    await until(() => state('b') === 'assigned');
  });

  test('also waits when it is queued again, and when it was given something to wait for while it was queued', async () => {
    await add('a');
    await add('b', { after: ['a'] });
    await town.request('work.requeue', { id: 'b' });
    await until(() => town.work.get('b').dispatch?.waits);
    await town.pass(3_600_000);
    expect(slung()).toEqual([]);
    expect(await unit('b')).toMatchObject({ state: 'queued', note: 'waits for a' });
    // Nothing was tried again and again meanwhile.
    expect(town.deeds('b')).toEqual(['due-unit: dispatch']);
  });

  test('stays queued and says so where one of them was cancelled: told once, until that changes', async () => {
    await add('a');
    await add('b', { after: ['a'] });
    await queue('b');
    await town.request('work.cancel', { id: 'a' });
    await town.settled();
    expect(await unit('b')).toMatchObject({
      state: 'queued',
      note: 'is blocked: it waits for a (which was cancelled)',
    });
    expect(open(town)).toEqual([
      expect.stringMatching(/^medium: b is blocked: it waits for a \(which was cancelled\)\./),
    ]);
    await town.request('work.edit', { id: 'b', title: 'Do it well' });
    await town.settled();
    expect(open(town)).toHaveLength(1);
    await town.request('work.depend', { id: 'b', on: ['a'], remove: true });
    await until(() => state('b') === 'assigned');
    expect(open(town)).toEqual([]);
  });

  test('is blocked by a branch that was discarded', async () => {
    await add('a');
    await add('b', { after: ['a'] });
    await queue('b');
    await finish('a');
    await town.request('merge.discard', { id: 'a' });
    expect((await unit('b')).note).toBe('is blocked: it waits for a (which was discarded)');
  });

  test('cannot wait for itself: the whole way is named, and nothing is changed', async () => {
    await add('c');
    await add('b', { after: ['c'] });
    await add('a', { after: ['b'] });
    await expect(town.request('work.depend', { id: 'c', on: ['a'] })).rejects.toMatchObject({
      code: 'bad-input',
      message: expect.stringContaining('(c -> a -> b -> c)') as unknown,
    });
    await expect(town.request('work.depend', { id: 'c', on: ['c'] })).rejects.toThrow('(c -> c)');
    await expect(town.request('work.add', { id: 'd', description: 'd', after: ['aa'] })).rejects.toThrow(
      /There is no work unit "aa".*Did you mean "a"/,
    );
    expect(town.work.find('d')).toBeUndefined();
    expect((await unit('c')).after).toBeUndefined();
  });

  test('counts before it is begun only', async () => {
    await add('a');
    await add('b');
    await sling('b');
    await expect(town.request('work.depend', { id: 'b', on: ['a'] })).rejects.toMatchObject({ code: 'refused' });
    await expect(town.request('work.depend', { id: 'a', on: ['b'], remove: true })).rejects.toThrow(
      'a does not wait for b',
    );
  });
});

describe('units that may begin at once', () => {
  test('begin the most urgent first, then the oldest', async () => {
    await add('first');
    await add('low', { after: ['first'], priority: 4 });
    await add('normal-1', { after: ['first'] });
    await add('urgent', { after: ['first'], priority: 0 });
    await add('normal-2', { after: ['first'] });
    for (const id of ['low', 'normal-2', 'normal-1', 'urgent']) await queue(id);
    await finish('first', false);
    await until(() => ['low', 'normal-1', 'normal-2', 'urgent'].every((id) => state(id) === 'assigned'));
    const given = ['low', 'normal-1', 'normal-2', 'urgent'].map((id) => town.work.get(id));
    given.sort((a, b) => a.assignedAt! - b.assignedAt!);
    expect(given.map(({ id }) => id)).toEqual(['urgent', 'normal-1', 'normal-2', 'low']);
  });

  test('a start that fails does not keep the next one waiting', async () => {
    await add('first');
    await add('bad', { after: ['first'], priority: 0 });
    await add('good', { after: ['first'] });
    await queue('bad', 'bad');
    await queue('good', 'good');
    town.driver.onStart = async (spec) => {
      if (spec.sessionId === 'alpha-bad') throw new GasTownError('agent-missing', 'gone');
    };
    await finish('first', false);
    await until(() => state('good') === 'assigned' && town.registry.find('alpha-good')?.state === 'running');
    await until(() => state('bad') === 'failed');
  });
});

describe('a queued unit', () => {
  test('is slung with what was asked for', async () => {
    await add('a');
    await town.request('work.queue', {
      work: 'a',
      rig: 'alpha',
      backend: 'opencode',
      name: 'nux',
      message: 'Look at b first',
    });
    await until(() => town.registry.find('alpha-nux')?.state === 'running');
    expect(lastStart(town).firstPrompt?.text).toContain('Look at b first');
    await expect(town.request('work.queue', { work: 'a', rig: 'alpha' })).rejects.toMatchObject({
      code: 'work-conflict',
    });
  });
});
