import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { RunSpec } from '../../../shared/backends/driver.ts';
import { encodePrompt, isSamePrompt, isTypedAsIs } from '../../../shared/backends/claude/encode.ts';
import { ClaudeTown, directive } from './town.ts';
import { patience } from '../../support/patience.ts';

let town: ClaudeTown;
let spec: RunSpec;
/** The user's own: it lets no prompt through that has the word. */
const refusing = { type: 'command', command: 'grep -q FORBIDDEN && { echo no such prompts >&2; exit 2; }; exit 0' };
const secret = 'Nobody but the user may bring this into a conversation.';
const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
let image: string;
beforeAll(async () => {
  town = await ClaudeTown.create();
  image = join(town.repository, 'shot.png');
  await writeFile(image, png, 'base64');
  await writeFile(join(town.repository, 'README.md'), secret);
  await mkdir(town.configDir, { recursive: true });
  await writeFile(
    join(town.configDir, 'settings.json'),
    JSON.stringify({ hooks: { UserPromptSubmit: [{ hooks: [refusing] }] } }),
  );
  spec = await town.idle();
});
beforeEach(() => town.untilIdle(spec.runId));
afterAll(() => town.close());

const lines = Array.from(
  { length: 160 },
  (_, index) => `Line ${index}: the quick brown fox jumps over it – ${'é'.repeat(index % 7)}`,
);

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
  ['the name of a file after @', 'look at @README.md and @"README.md"\n@README.md'],
  ['the path of an image that does not exist in a line of its own', 'first\n/tmp/does-not-exist.png\nthird\nfourth'],
  ['the path of an image at the end of a line', 'I made a new logo.png\nand then more\nand more'],
  ['a word of the terminal about its focus at the end of a piece', 'x[I\ny[O\nz'],
  ['what stands for something pasted', 'see [Image #1] and [Pasted text #1 +3 lines]'],
  ['words that change what a turn may spend', 'ultracode this, and ultrathink'],
  ['a link to an image', 'see\nhttps://example.com/a.png\nplease'],
  ['escape sequences', 'before \u001b[201~\u001b[31mred\u0003\u0000 after'],
  ['other scripts and emoji', 'Grüße 你好 שלום 👩‍👩‍👧‍👦 🇫🇷 e\u0301 ﷽ 𝒳'],
  ['Windows line ends', 'one\r\ntwo\r\nthree'],
];

/** What was typed of a text, and the file with the exact text where one is named. */
async function partsOf(isWanted: (typed: string) => boolean): Promise<[string, string | undefined]> {
  const split = (text: string): string[] =>
    text.split(/\n\n\(Some of its characters .* read (\S+): it has the exact text\.\)$/);
  const { text } = await town.model.waitFor((entry) => entry.kind === 'turn' && isWanted(split(entry.text)[0]!));
  const [typed, file] = split(text);
  return [typed!, file];
}

async function arrivesWhole(text: string): Promise<void> {
  await town.say(spec, text);
  const wanted = encodePrompt(text);
  // Where the composer would not keep all of it, or would act on it, a file has it exactly.
  const [typed, file] = await partsOf((first) => isSamePrompt(first, wanted));
  expect(isSamePrompt(typed, wanted)).toBe(true);
  if (file !== undefined) expect(await readFile(file, 'utf8')).toBe(text);
  expect(file === undefined).toBe(isTypedAsIs(text));
}

describe('a text reaches the model as it is', () => {
  test.each(texts)('%s', (_name, text) => arrivesWhole(text));

  test('the path of an image that exists', () => arrivesWhole(`first\n${image}\nthird\nsee ${image} /tmp\nfifth`));

  // More by hand, with other texts: GT_RUNS=100 GT_SEED=77.
  test('whatever it has of what the composer acts on', async () => {
    const token = fc.constantFrom(
      ...[
        image,
        `"${image}"`,
        `'${image}'`,
        image.replace('.png', '\\.png'),
        `see ${image} /tmp/x`,
        './shot.png',
        'a.gif',
        'x.JPEG',
        '@README.md',
      ],
      ...[
        '@shot.png',
        '@"README.md"',
        'a。@README.md',
        'mail a@b.c',
        'x[I',
        '[INFO] z',
        '[Image #1]',
        'ultracode',
        '/help',
        '!ls',
        '#tag',
        '\t',
        '\\',
      ],
      ...['https://example.com/a.png', '`code`', '> quote', 'word', 'ü😀', 'x'.repeat(300), '\u001b[31m', '  '],
    );
    const line = fc.array(token, { maxLength: 4 }).map((words) => words.join(' '));
    const text = fc
      .tuple(fc.nat(), fc.array(line, { minLength: 1, maxLength: 7 }))
      .map(([mark, lines]) => `[gt msg_${mark}] ${lines.join('\n')}`);
    const seed = Number(process.env['GT_SEED'] ?? 8);
    for (const sample of fc.sample(text, { seed, numRuns: Number(process.env['GT_RUNS'] ?? 12) })) {
      await arrivesWhole(sample);
      await town.untilIdle(spec.runId);
    }
  });

  test('no file was attached for it, and no image', () => {
    const asked = town.model.requests.map((request) => JSON.stringify(request)).join('\n');
    expect(asked).not.toContain(secret);
    expect(asked).not.toContain('"type":"image"');
  });
});

test("a prompt that a hook of the user's refuses has no receipt, and says why; nothing of it stays in the composer", async () => {
  const text = '[gt msg_refused] FORBIDDEN';
  const outcome = await town.driver.deliver(spec.runId, { id: 'msg_refused', text }, AbortSignal.timeout(patience()));
  expect(outcome).toMatchObject({ kind: 'failed', reason: expect.stringContaining('no such prompts') });
  expect(town.host.deliveries.map(({ deliveryId }) => deliveryId)).not.toContain('msg_refused');
  expect(await town.driver.recall(spec.runId, ['msg_refused'])).toEqual([]);
  await town.untilIdle(spec.runId);
  expect(await town.deliver(spec, 'after the refusal')).toEqual({ kind: 'delivered' });
  await town.model.waitFor((entry) => entry.kind === 'turn' && entry.text === 'after the refusal');
  expect(town.model.seen('FORBIDDEN')).toEqual([]);
});

test('what is torn in the composer is refused before the model sees it, and goes by file; the draft is not lost [holds 6]', async () => {
  // The user has put a draft aside: our own putting aside brings it back, and the text is pasted behind it.
  town.terminal(spec).write('a draft put aside');
  await delay(patience(300));
  town.terminal(spec).write('\u0013');
  await delay(patience(300));
  const delivery = { id: 'msg_torn', text: '[gt msg_torn] Nudge: whole', heading: '[gt msg_torn] Nudge' };
  expect(await town.driver.deliver(spec.runId, delivery, AbortSignal.timeout(patience()))).toEqual({
    kind: 'accepted',
  });
  await town.host.until('the receipt', () => town.host.deliveries.some(({ deliveryId }) => deliveryId === delivery.id));
  const { text } = await town.model.waitFor((entry) => entry.kind === 'turn' && entry.text.includes('msg_torn'));
  const file = /^\[gt msg_torn\] Nudge\nIt cannot be typed here, so it is in a file\. Read all of (\S+) now/.exec(
    text,
  )?.[1];
  expect(await readFile(file!, 'utf8')).toBe(delivery.text);
  await town.untilIdle(spec.runId);
  const turns = town.host.turns.length;
  town.terminal(spec).write('\r');
  await town.model.waitFor((entry) => entry.kind === 'turn' && entry.text.trim() === 'a draft put aside');
  await town.host.until('the end of its turn', () => town.host.turns.length > turns);
  expect(town.model.seen('msg_torn')).toHaveLength(1);
});

test('of two texts that come at once, each has a turn and a receipt of its own', async () => {
  const log: string[] = [];
  const { delivered, turnEnded } = town.host;
  town.host.delivered = (runId, id) => (log.push(id), delivered.call(town.host, runId, id));
  town.host.turnEnded = (runId) => (log.push('end'), turnEnded.call(town.host, runId));
  for (let pair = 0; pair < 4; pair += 1) {
    await town.untilIdle(spec.runId);
    const text = (name: string): string => directive(`Twin ${name} ${pair}`, [{ text: 'thinks', delay: 700 }]);
    await Promise.all([town.say(spec, text('one')), town.say(spec, text('two'))]);
    await town.host.until('both turns over', () => log.filter((entry) => entry === 'end').length === 2 * (pair + 1));
    for (const name of ['one', 'two']) expect(town.model.seen(`Twin ${name} ${pair}`)).toHaveLength(1);
  }
  expect(log.map((entry) => (entry === 'end' ? entry : 'receipt'))).toEqual(
    Array.from({ length: 16 }, (_, index) => (index % 2 === 0 ? 'receipt' : 'end')),
  );
  Object.assign(town.host, { delivered, turnEnded });
});

test('a text over 30 KB goes by a file that Claude may read', async () => {
  const text = directive('x'.repeat(40_000), []);
  expect(await town.deliver(spec, text)).toEqual({ kind: 'delivered' });
  const file = /It is long, so it is in a file\. Read all of (\S+) now/;
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
