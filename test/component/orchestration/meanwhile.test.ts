// What is checked before something is awaited is checked again before it is acted on.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { slingUnit } from '../../../shared/orchestration/sling-unit.ts';
import { makeFakeTown } from '../../support/fake-town.ts';
import type { FakeTown } from '../../support/fake-town.ts';

let town: FakeTown;

beforeEach(async () => {
  town = await makeFakeTown({ stalled: 'leave' });
  for (const [work, name] of [
    ['issue-1', 'toast'],
    ['issue-2', 'nux'],
  ] as const)
    await sling(work, name);
});
afterEach(() => town.close());

const sling = (work: string, name: string) =>
  town.request('sling', { work, rig: 'alpha', name, message: `Do ${work}` });
/** Somebody gives the unit to another session. */
const move = (work: string, owner: string): void =>
  void town.work.move(town.work.get(work), 'assigned', { by: 'overseer' }, { owner });

test('a session does not finish a unit that has gone to another while its result was read', async () => {
  const done = town.request('work.done', { id: 'issue-1' }, 'alpha-toast');
  move('issue-1', 'alpha-nux');
  await expect(done).rejects.toMatchObject({
    code: 'denied',
    message: expect.stringContaining('alpha-nux has it') as string,
  });
  expect(town.work.get('issue-1')).toMatchObject({ state: 'assigned', owner: 'alpha-nux' });
});

test('a session does not hand off a unit that has gone to another while the note was written', async () => {
  await sling('issue-3', 'max');
  const handedOff = town.request('work.handoff', { from: 'alpha-toast', to: 'alpha-max', context: 'Half of it.' });
  move('issue-1', 'alpha-nux');
  await expect(handedOff).rejects.toMatchObject({ code: 'work-conflict' });
  expect(town.work.get('issue-1').owner).toBe('alpha-nux');
});

test('a unit is not handed off to a session that ends meanwhile', async () => {
  const handedOff = town.request('work.handoff', { from: 'alpha-toast', to: 'alpha-nux', context: 'Half of it.' });
  await town.manager.stop('alpha-nux');
  await expect(handedOff).rejects.toMatchObject({ code: 'refused' });
  expect(town.work.get('issue-1').owner).toBe('alpha-toast');
  expect(town.registry.get('alpha-toast').state).toBe('running');
});

describe('a unit that is given to a session', () => {
  beforeEach(() => void town.work.add({ id: 'issue-4', description: 'Do it' }, 'overseer'));

  test('is not, where it is cancelled meanwhile', async () => {
    const assigned = town.request('work.assign', { id: 'issue-4', session: 'alpha-nux' });
    await town.request('work.cancel', { id: 'issue-4' });
    await expect(assigned).rejects.toMatchObject({ code: 'work-conflict' });
    expect(town.work.get('issue-4').state).toBe('cancelled');
  });

  test('is not, where the session ends meanwhile', async () => {
    const assigned = town.request('work.assign', { id: 'issue-4', session: 'alpha-nux' });
    await town.manager.stop('alpha-nux');
    await expect(assigned).rejects.toMatchObject({ code: 'refused' });
    expect(town.work.get('issue-4').state).toBe('open');
  });
});

test('the host does not sling what the user cancels in that moment', async () => {
  town.work.add({ id: 'issue-5', description: 'Do it', rig: 'alpha' }, 'overseer');
  town.work.move(town.work.get('issue-5'), 'queued', { by: 'overseer' }, { notBefore: town.manager.now() + 1e9 });
  const slung = slingUnit(town, { work: 'issue-5', rig: 'alpha' }, 'host', new AbortController().signal);
  await town.request('work.cancel', { id: 'issue-5' });
  await expect(slung).rejects.toMatchObject({ code: 'work-conflict' });
  expect(town.work.get('issue-5').state).toBe('cancelled');
});

describe('what a worker of the same name raised before', () => {
  const raise = (by: string, message = 'Stuck') => town.request('work.escalate', { severity: 'high', message }, by);

  test("is not the next one's: it does not count, is not closed by them, and the same words are said anew", async () => {
    const before = await raise('alpha-toast');
    expect((await raise('alpha-toast')).id).toBe(before.id);
    for (let n = 0; n < 200; n += 1) await raise('alpha-toast', `Stuck ${n}`).catch(() => undefined);
    await expect(raise('alpha-toast', 'One more')).rejects.toMatchObject({ code: 'refused' });
    await town.request('session.stop', { session: 'alpha-toast' });
    await sling('issue-6', 'toast');
    const after = await raise('alpha-toast');
    expect(after.id).not.toBe(before.id);
    await expect(town.request('escalation.close', { id: before.id }, 'alpha-toast')).rejects.toMatchObject({
      code: 'denied',
    });
    await town.request('escalation.close', { id: after.id }, 'alpha-toast');
  });
});
