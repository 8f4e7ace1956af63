import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { EscalationNotices } from '../../../shared/town/escalation-notices.ts';
import { makeFakeTown } from '../../support/fake-town.ts';
import type { FakeTown } from '../../support/fake-town.ts';

let town: FakeTown;
// The person's command is a program that has to start.
vi.setConfig({ testTimeout: 30_000 });
afterEach(() => town.close());

test('what is escalated reaches a mayor who is there as mail, but not what the mayor escalates', async () => {
  town = await makeFakeTown();
  new EscalationNotices(town, {});
  await town.request('work.escalate', { severity: 'low', message: 'before there was a mayor' });
  await town.request('session.spawn', { role: 'mayor' });
  await town.request('work.escalate', { severity: 'high', message: 'The key is missing' });
  await town.request('work.escalate', { severity: 'high', message: 'The key is missing' });
  await town.request('work.escalate', { severity: 'low', message: 'I am lost' }, 'hq-mayor');
  const { messages } = await town.request('mail.inbox', {}, 'hq-mayor');
  expect(messages.map(({ from, subject, body }) => [from, subject, body.split('\n')[0]])).toEqual([
    ['overseer', expect.stringMatching(/^Escalation \(high\): esc_/), 'The key is missing'],
  ]);
});

test('what a host came not to tell of an escalation is told by the next one', async () => {
  town = await makeFakeTown();
  const ran = join(town.root, 'ran');
  const command = ['node', '-e', `require('fs').appendFileSync(${JSON.stringify(ran)}, process.env.GT_ESCALATION_MESSAGE + '\\n')`];
  await town.settings.update({ escalation: { command } });
  await town.request('session.spawn', { role: 'mayor' });
  // The host dies right after it was raised.
  const { id } = town.escalations.raise({ severity: 'high', message: 'The key is missing', by: 'overseer', cause: 'key' });
  new EscalationNotices(town, process.env).catchUp();
  await vi.waitFor(() => expect(town.store.escalations.get(id)?.commandEndedAt).toBeDefined(), { timeout: 25_000 });
  new EscalationNotices(town, process.env).catchUp();
  expect(readFileSync(ran, 'utf8')).toBe('The key is missing\n');
  const { messages } = await town.request('mail.inbox', {}, 'hq-mayor');
  expect(messages.map(({ subject }) => subject)).toEqual([`Escalation (high): ${id}`]);
});
