import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { RunSpec } from '../../../shared/backends/driver.ts';
import { encodePrompt, isTypedAsIs } from '../../../shared/backends/claude/encode.ts';
import { ClaudeTown, directive } from './town.ts';

let town: ClaudeTown;
let spec: RunSpec;
beforeAll(async () => {
  town = await ClaudeTown.create();
  spec = await town.idle();
});
beforeEach(() => town.untilIdle(spec.runId));
afterAll(() => town.close());

const lines = Array.from({ length: 160 }, (_, index) => `Line ${index}: the quick brown fox jumps over it – ${'é'.repeat(index % 7)}`);

const texts: [string, string][] = [
  ['one word', 'Hello'],
  ['a line that is longer than a paste may be', `Long ${'word '.repeat(300)}end`],
  ['8 KB in many lines', lines.join('\n')],
  ['blank lines and indentation', 'First\n\n\n  indented\n\ttabbed\nlast'],
  ['a leading slash', '/help me with this'],
  ['a leading exclamation mark', '!touch should-not-exist'],
  ['a leading hash', '# Title'],
  ['a last backslash', 'ends with \\'],
  ['a file name after @ at the end', 'look at @README'],
  ['escape sequences', 'before \u001b[201~\u001b[31mred\u0003\u0000 after'],
  ['other scripts and emoji', 'Grüße 你好 שלום 👩‍👩‍👧‍👦 🇫🇷 e\u0301 ﷽ 𝒳'],
  ['Windows line ends', 'one\r\ntwo\r\nthree'],
];

/** What was typed of a text, and the file with the exact text where one is named. */
async function partsOf(isWanted: (typed: string) => boolean): Promise<[string, string | undefined]> {
  const split = (text: string): string[] => text.split(/\n\n\(Some of its characters .* read (\S+): it has the exact text\.\)$/);
  const { text } = await town.model.waitFor((entry) => entry.kind === 'turn' && isWanted(split(entry.text)[0]!));
  const [typed, file] = split(text);
  return [typed!, file];
}

describe('a text reaches the model as it is', () => {
  test.each(texts)('%s', async (_name, text) => {
    expect(await town.deliver(spec, text)).toEqual({ kind: 'delivered' });
    const wanted = encodePrompt(text);
    // Where the composer would not keep all of it, a file has it exactly.
    const [typed, file] = await partsOf((first) => first.trim() === wanted.trim());
    expect(typed.trim()).toBe(wanted.trim());
    if (file !== undefined) expect(await readFile(file, 'utf8')).toBe(text);
    expect(file === undefined).toBe(isTypedAsIs(text));
  });
});

test('a text over 30 KB goes by a file that Claude may read', async () => {
  const text = directive('x'.repeat(40_000), []);
  expect(await town.deliver(spec, text)).toEqual({ kind: 'delivered' });
  const file = /Read all of (\S+) now/;
  const { text: prompt } = await town.model.waitFor((entry) => entry.kind === 'turn' && file.test(entry.text));
  const path = file.exec(prompt)?.[1];
  await town.untilIdle(spec.runId);
  await town.say(spec, directive('Now read it', [{ tool: 'read', args: { path } }]));
  const { results } = await town.model.waitFor((entry) => entry.results.some((result) => result.includes('xxxxxxxx')));
  expect(results.length).toBeGreaterThan(0);
});

test('nothing is typed into a busy session', async () => {
  const busy = directive('Be busy', [{ hold: 'go' }, { text: 'done' }]);
  await town.say(spec, busy);
  expect(await town.deliver(spec, 'in between')).toMatchObject({ kind: 'not-now' });
  town.model.release('go');
  await town.untilIdle(spec.runId);
  expect(town.model.seen('in between')).toEqual([]);
});

test('a half-written draft of the person is kept out, and comes back', async () => {
  town.terminal(spec).write('my draft ');
  const stop = town.terminal(spec).personTypes();
  const outcome = town.deliver(spec, 'not the draft');
  stop();
  expect(await outcome).toEqual({ kind: 'delivered' });
  await town.model.waitFor((entry) => entry.kind === 'turn' && entry.text === 'not the draft');
  await town.untilIdle(spec.runId);
  town.terminal(spec).write('\r');
  await town.model.waitFor((entry) => entry.kind === 'turn' && entry.text.trim() === 'my draft');
});

test('while the person types, a text waits for the end of it', async () => {
  const stop = town.terminal(spec).personTypes();
  const controller = new AbortController();
  const outcome = town.driver.deliver(spec.runId, { id: 'msg_patient', text: 'patient' }, controller.signal);
  controller.abort();
  expect(await outcome).toMatchObject({ kind: 'not-now' });
  stop();
  expect(town.model.seen('patient')).toEqual([]);
});

test('an interrupt ends the turn, though no hook tells', async () => {
  await town.say(spec, directive('Be stopped', [{ hold: 'never' }, { text: 'done' }]));
  const turns = town.host.turns.length;
  await town.host.until('busy', () => town.host.status(spec.runId).activity.kind === 'busy');
  await town.model.waitFor((entry) => entry.text.startsWith('Be stopped'));
  town.terminal(spec).write('\u001b');
  await town.host.until('its end', () => town.host.turns.length > turns);
  expect(town.host.turns).toHaveLength(turns + 1);
});
