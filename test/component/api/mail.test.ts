import { afterEach, beforeEach, expect, test } from 'vitest';
import { inbox } from '../../../shared/api/messages.ts';
import { makeFakeTown } from '../../support/fake-town.ts';
import type { FakeTown } from '../../support/fake-town.ts';

let town: FakeTown;
let runId: string;
let id: string;
beforeEach(async () => {
  town = await makeFakeTown();
  ({ runId } = await town.request('session.spawn', { role: 'polecat', rig: 'alpha', name: 'ann' }));
  ({ id } = await town.request('message.send', { to: 'alpha-ann', type: 'mail', body: 'Tea is ready' }));
});
afterEach(() => town.close());

const dies = (): void => town.manager.report(runId, 'program', { kind: 'ended', error: 'killed by signal 9' }, 'exit');
const read = (by = runId) => inbox(town, {}, { kind: 'session', session: 'alpha-ann', runId: by }).messages;
const letter = () => town.request('message.show', { id });

test('mail that was read in a turn which the death of the session cut short is unread again, and marked', async () => {
  expect(read()).toMatchObject([{ id, body: 'Tea is ready' }]);
  expect(await letter()).toMatchObject({ state: 'delivered', readAt: expect.any(Number) });
  dies();
  expect(await letter()).toMatchObject({
    state: 'accepted',
    repeated: true,
    reason: expect.stringContaining('signal 9'),
  });
  expect(await letter()).not.toHaveProperty('readAt');
});

test('mail that was read in a turn that ended stays read', async () => {
  read();
  town.manager.turnEnded(runId);
  dies();
  expect(await letter()).toMatchObject({ state: 'acted', readAt: expect.any(Number) });
});

test('a shell that has outlived its run prints the mail, and reads it for nobody', async () => {
  dies();
  expect(read()).toMatchObject([{ id }]);
  expect(await letter()).not.toHaveProperty('readAt');
  const { runId: next } = await town.manager.restart('alpha-ann', { reason: 'it died' }, new AbortController().signal);
  read();
  expect(await letter()).toMatchObject({ state: 'accepted' });
  read(next);
  expect(await letter()).toMatchObject({ state: 'delivered' });
});
