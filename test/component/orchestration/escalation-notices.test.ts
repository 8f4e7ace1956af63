import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import type { EscalationView } from '../../../shared/channel/views.ts';
import { EscalationNotices } from '../../../shared/orchestration/escalation-notices.ts';
import { makeFakeTown } from '../../support/fake-town.ts';
import type { FakeTown } from '../../support/fake-town.ts';
import { patience } from '../../support/patience.ts';

let town: FakeTown;
afterEach(() => town.close());

test('what is escalated reaches a mayor who is there as mail, but not what the mayor escalates', async () => {
  town = await makeFakeTown();
  new EscalationNotices(town, {}, town.changed);
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
  const command = [
    'node',
    '-e',
    `require('fs').appendFileSync(${JSON.stringify(ran)}, process.env.GT_ESCALATION_MESSAGE + '\\n')`,
  ];
  await town.settings.update({ escalation: { command } });
  await town.request('session.spawn', { role: 'mayor' });
  // The host dies right after it was raised.
  const { id } = town.escalations.raise({
    severity: 'high',
    message: 'The key is missing',
    by: 'overseer',
    key: { kind: 'reported', subject: 'key' },
  });
  new EscalationNotices(town, process.env, town.changed).catchUp();
  await vi.waitFor(() => expect(town.store.escalations.get(id)?.commandEndedAt).toBeDefined(), { timeout: patience() });
  new EscalationNotices(town, process.env, town.changed).catchUp();
  expect(readFileSync(ran, 'utf8')).toBe('The key is missing\n');
  const { messages } = await town.request('mail.inbox', {}, 'hq-mayor');
  expect(messages.map(({ subject }) => subject)).toEqual([`Escalation (high): ${id}`]);
});

test('of many at once two are told at a time, and what is closed meanwhile is told to nobody', async () => {
  town = await makeFakeTown();
  const folder = join(town.root, 'seen');
  mkdirSync(folder);
  const code = `const fs = require('fs'), id = process.env.GT_ESCALATION_ID;
    fs.writeFileSync(${JSON.stringify(folder)} + '/' + id, '');
    const others = fs.readdirSync(${JSON.stringify(folder)}).length;
    fs.appendFileSync(${JSON.stringify(join(town.root, 'counts'))}, others + '\\n');
    setTimeout(() => fs.rmSync(${JSON.stringify(folder)} + '/' + id), 100);`;
  await town.settings.update({ escalation: { command: ['node', '-e', code] } });
  new EscalationNotices(town, process.env, town.changed);
  const raised: EscalationView[] = [];
  for (let at = 0; at < 8; at += 1)
    raised.push(await town.request('work.escalate', { severity: 'low', message: `number ${at}` }));
  await town.request('escalation.close', { id: raised.at(-1)!.id });
  const ended = () => raised.filter(({ id }) => town.store.escalations.get(id)?.commandEndedAt !== undefined).length;
  await vi.waitFor(() => expect(ended()).toBe(8), { timeout: patience() });
  const counts = readFileSync(join(town.root, 'counts'), 'utf8').trim().split('\n').map(Number);
  expect(counts).toHaveLength(7);
  expect(Math.max(...counts)).toBeLessThanOrEqual(2);
});

test('a host that has let go runs nothing of what still waits; the next one does', async () => {
  town = await makeFakeTown();
  const ran = join(town.root, 'ran');
  await town.settings.update({
    escalation: { command: ['node', '-e', `require('fs').appendFileSync(${JSON.stringify(ran)}, 'x')`] },
  });
  new EscalationNotices(town, process.env, town.changed);
  for (let at = 0; at < 6; at += 1) await town.request('work.escalate', { severity: 'low', message: `number ${at}` });
  Object.defineProperty(town.store, 'isOpen', { get: () => false });
  await vi.waitFor(() => expect(readFileSync(ran, 'utf8')).toBe('xx'), { timeout: patience() });
  await town.settled();
  expect(readFileSync(ran, 'utf8')).toBe('xx');
  expect(town.store.escalations.untold()).toHaveLength(6);
});

test('a session may have so many open ones, in so many words, and is told what to do; the user is not counted', async () => {
  town = await makeFakeTown();
  await town.settings.update({ limits: { open_escalations: 2, open_units: 2 } });
  await town.request('session.spawn', { role: 'mayor' });
  const escalate = (message: string, by?: string) => town.request('work.escalate', { severity: 'low', message }, by);
  await escalate('first', 'hq-mayor');
  const { id } = await escalate('second', 'hq-mayor');
  await escalate('second', 'hq-mayor');
  await expect(escalate('third', 'hq-mayor')).rejects.toMatchObject({
    code: 'refused',
    message: expect.stringContaining('limits.open_escalations') as string,
  });
  for (let at = 0; at < 3; at += 1) await escalate(`of the user ${at}`);
  await town.request('escalation.close', { id });
  await escalate('third', 'hq-mayor');
  await expect(escalate('x'.repeat(200_000), 'hq-mayor')).rejects.toMatchObject({
    code: 'bad-input',
    message: expect.stringContaining('at most 10000') as string,
  });
});

test('a session may have added so many units that are not over', async () => {
  town = await makeFakeTown();
  await town.settings.update({ limits: { open_units: 2 } });
  await town.request('session.spawn', { role: 'mayor' });
  const add = (id: string, by?: string) => town.request('work.add', { id, description: id, rig: 'alpha' }, by);
  await add('a', 'hq-mayor');
  await add('b', 'hq-mayor');
  await expect(add('c', 'hq-mayor')).rejects.toMatchObject({
    code: 'refused',
    message: expect.stringContaining('limits.open_units') as string,
  });
  await expect(town.request('sling', { work: 'c', rig: 'alpha', message: 'c' }, 'hq-mayor')).rejects.toMatchObject({
    code: 'refused',
  });
  await add('of-the-user');
  await town.request('work.cancel', { id: 'a' });
  await add('c', 'hq-mayor');
});
