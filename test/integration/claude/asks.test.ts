import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { RunSpec } from '../../../shared/backends/driver.ts';
import type { Ask } from '../../../shared/domain/activity.ts';
import { ClaudeTown, directive } from './town.ts';
import { patience } from '../../support/patience.ts';

let town: ClaudeTown;
let spec: RunSpec;
beforeAll(async () => {
  town = await ClaudeTown.create();
  spec = await town.idle();
});
beforeEach(() => town.untilIdle(spec.runId));
afterAll(() => town.close());

const file = (name: string): string => join(town.repository, name);
const write = (name: string) =>
  directive(`Write ${name}`, [{ tool: 'write', args: { path: file(name), content: name } }]);

function asked(): Promise<Ask> {
  return town.host.until('an ask', () => town.host.status(spec.runId).asks[0]);
}

function noLongerAsked(ask: Ask): Promise<unknown> {
  return town.host.until('answered', () => town.host.status(spec.runId).asks.every(({ id }) => id !== ask.id));
}

/** The program's own word, whatever hooks have told since. */
const saysWaiting = (): boolean =>
  town.host.reports.findLast(({ source }) => source === 'program')?.fact.kind === 'waiting';

/** Claude ignores keys in the first second of a dialog, so that nobody answers by accident. In ms. */
const keyPause = 1_500;

/** One key is enough, as a rule: a second Esc, in the composer, would open another dialog. */
async function pressUntilAnswered(key: string, ask: Ask): Promise<void> {
  await town.host.until('the dialog', () => saysWaiting());
  const pressing = setInterval(() => town.terminal(spec).write(key), keyPause);
  await noLongerAsked(ask).finally(() => clearInterval(pressing));
}

test('a permission is given from here', async () => {
  await town.say(spec, write('here.txt'));
  const ask = await asked();
  expect(ask).toMatchObject({ kind: 'permission', title: `Write: ${file('here.txt')}`, resolvable: true });
  expect(town.host.status(spec.runId).activity).toEqual({ kind: 'attention', ask: 'permission' });
  await town.driver.answer(spec.runId, ask.id, { kind: 'allow' });
  await noLongerAsked(ask);
  await town.untilIdle(spec.runId);
  expect(existsSync(file('here.txt'))).toBe(true);
});

test('a permission is refused from here, with words for the model', async () => {
  await town.say(spec, write('refused.txt'));
  const ask = await asked();
  await town.driver.answer(spec.runId, ask.id, { kind: 'deny', message: 'Use another name.' });
  await town.model.waitFor((entry) => entry.results.some((result) => result.includes('Use another name.')));
  await town.untilIdle(spec.runId);
  expect(existsSync(file('refused.txt'))).toBe(false);
});

test('a permission is given in the terminal', async () => {
  await town.say(spec, write('terminal.txt'));
  const ask = await asked();
  await pressUntilAnswered('\r', ask);
  await town.untilIdle(spec.runId);
  expect(existsSync(file('terminal.txt'))).toBe(true);
  await expect(town.driver.answer(spec.runId, ask.id, { kind: 'allow' })).rejects.toThrow('answered in the terminal');
});

test('a dialog that is left with Esc is no longer asked', async () => {
  await town.say(spec, write('escaped.txt'));
  const ask = await asked();
  await pressUntilAnswered('\u001b', ask);
  await town.untilIdle(spec.runId);
});

test('nothing is typed into a dialog: Enter would approve it', async () => {
  await town.say(spec, write('untouched.txt'));
  const ask = await asked();
  expect(await town.deliver(spec, 'hello')).toMatchObject({ kind: 'not-now' });
  await town.driver.answer(spec.runId, ask.id, { kind: 'deny' });
  await town.untilIdle(spec.runId);
  expect(existsSync(file('untouched.txt'))).toBe(false);
});

test('two calls at once ask one after another, and each answer reaches its own', async () => {
  const calls = ['first.txt', 'second.txt'].map((name) => ({
    tool: 'write',
    args: { path: file(name), content: name },
  }));
  await town.say(spec, directive('Write both', [{ tools: calls }]));
  const first = await asked();
  await pressUntilAnswered('\r', first);
  const second = await asked();
  await town.driver.answer(spec.runId, second.id, { kind: 'allow' });
  await town.untilIdle(spec.runId);
  expect([existsSync(file('first.txt')), existsSync(file('second.txt'))]).toEqual([true, true]);
});

test('a question is answered from here', async () => {
  const question = { question: 'Which colour?', options: ['Blue', 'Green'] };
  await town.say(spec, directive('Ask me', [{ tool: 'ask', args: question }]));
  const ask = await asked();
  expect(ask).toMatchObject({ kind: 'question', title: 'Which colour?', options: ['Blue', 'Green'], resolvable: true });
  await expect(town.driver.answer(spec.runId, ask.id, { kind: 'allow' })).rejects.toThrow('choose one of its answers');
  await town.driver.answer(spec.runId, ask.id, { kind: 'answers', answers: [['Green']] });
  await town.model.waitFor((entry) => entry.results.some((result) => /Which colour\?.*Green/s.test(result)));
  await town.untilIdle(spec.runId);
});

test('a permission that was asked before the host went is asked again by the next one, and given from there', async () => {
  await town.say(spec, write('survived.txt'));
  const ask = await asked();
  await town.leave();
  const told = town.host.reports.length;
  await town.comeBack(spec);
  const again = await town.host.until(
    'the ask',
    () =>
      town.host.reports.slice(told).flatMap(({ fact }) => (fact.kind === 'asked' ? [fact.ask] : []))[0] ?? undefined,
  );
  expect(again).toMatchObject({ id: ask.id, title: ask.title, since: ask.since });
  await town.driver.answer(spec.runId, again.id, { kind: 'allow' });
  await town.untilIdle(spec.runId);
  expect(existsSync(file('survived.txt'))).toBe(true);
});

test('a permission that was given in the terminal while no host was there is not asked again', async () => {
  await town.say(spec, write('unseen.txt'));
  await asked();
  await town.host.until('the dialog', () => saysWaiting());
  await town.leave();
  const pressing = setInterval(() => town.terminal(spec).write('\r'), 500);
  await expect
    .poll(() => existsSync(file('unseen.txt')), { timeout: patience() })
    .toBe(true)
    .finally(() => clearInterval(pressing));
  const told = town.host.reports.length;
  await town.comeBack(spec);
  await town.untilIdle(spec.runId);
  await town.say(spec, write('next.txt'));
  const next = await asked();
  const since = town.host.reports.slice(told).flatMap(({ fact }) => (fact.kind === 'asked' ? [fact.ask.title] : []));
  expect(since).toEqual([`Write: ${file('next.txt')}`]);
  await town.driver.answer(spec.runId, next.id, { kind: 'deny' });
});

test('a permission is remembered for this session only', async () => {
  const command = (name: string) =>
    directive(`Run ${name}`, [{ tool: 'bash', args: { command: 'touch remembered.txt' } }]);
  await town.say(spec, command('once'));
  const ask = await asked();
  await town.driver.answer(spec.runId, ask.id, { kind: 'allow', remember: true });
  await town.untilIdle(spec.runId);
  const asks = town.host.facts(spec.runId).filter(({ kind }) => kind === 'asked').length;
  await town.say(spec, command('twice'));
  await town.untilIdle(spec.runId);
  expect(town.host.facts(spec.runId).filter(({ kind }) => kind === 'asked')).toHaveLength(asks);
  expect(existsSync(join(town.repository, '.claude'))).toBe(false);
});

test('a plan is approved from here', async () => {
  const agent = { ...spec.agent, args: ['--permission-mode', 'plan'] };
  const planner = await town.idle({ agent });
  await town.say(planner, directive('Plan it', [{ tool: 'plan', args: { plan: '1. Do it' } }]));
  const ask = await town.host.until('the plan', () => town.host.status(planner.runId).asks[0]);
  expect(ask).toMatchObject({ kind: 'plan', resolvable: true });
  await town.driver.answer(planner.runId, ask.id, { kind: 'allow' });
  await town.model.waitFor((entry) => entry.results.some((result) => /approved/i.test(result)));
  await town.untilIdle(planner.runId);
});
