import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { RunSpec } from '../../../shared/backends/driver.ts';
import { encodePrompt, pasteOf } from '../../../shared/backends/claude/encode.ts';
import { strokesFor } from '../../../shared/backends/claude/pending-input.ts';
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

const stash = '\u0013';
/** As fast as a host that types, slow enough for Claude to take key by key. */
const write = async (...keys: string[]): Promise<void> => {
  for (const key of keys) {
    town.terminal(spec).write(key);
    await delay(patience(300));
  }
};
const paste = (text: string): string => pasteOf(encodePrompt(text));
/** What has been submitted since, without this test's own marks in between. */
const submitted = (): string[] => town.model.messages().flatMap(({ role, text }) => (role === 'user' ? [text] : []));

/** The next host takes the session up, as a host would that finds this in the store. */
async function nextHost(halfTyped?: { messages: string[]; strokes: number }): Promise<void> {
  const reference = town.host.references.get(spec.runId)!;
  await town.driver.dispose();
  const { runId } = spec;
  expect(
    await town.newDriver().adopt({
      sessionId: spec.sessionId,
      runId,
      reference: { ...reference, ...(halfTyped ? { halfTyped } : {}) },
      spec,
    }),
  ).toBe(true);
  await town.untilIdle(runId);
}

describe('what a host that died left in the composer', () => {
  const long = Array.from({ length: 60 }, (_, index) => `Line ${index}: the quick brown fox 👩‍👩‍👧‍👦 jumps over it`).join(
    '\n',
  );

  test.each([
    ['a text', 'half typed', ''],
    ['a long text', long, ''],
    ['a text, with a draft of the user put aside', 'half typed', 'my draft'],
  ])('%s is taken back before the next one is typed', async (name, text, draft) => {
    const before = submitted().length;
    if (draft !== '') await write(paste(draft));
    await write(stash, paste(text));
    await nextHost({ messages: ['msg_gone'], strokes: strokesFor(encodePrompt(text)) });
    await town.say(spec, `after ${name}`);
    await town.model.waitFor((entry) => entry.text === `after ${name}`);
    await town.untilIdle(spec.runId);
    await write('\r');
    if (draft !== '') await town.model.waitFor((entry) => entry.text === draft);
    await town.untilIdle(spec.runId);
    expect(submitted().slice(before)).toEqual([`after ${name}`, ...(draft === '' ? [] : [draft])]);
  });

  test('nothing but the draft that was put aside: it comes back', async () => {
    const before = submitted().length;
    await write(paste('my other draft'), stash);
    await nextHost({ messages: [], strokes: 0 });
    await town.say(spec, 'after the draft');
    await town.model.waitFor((entry) => entry.text === 'after the draft');
    await town.untilIdle(spec.runId);
    await write('\r');
    await town.model.waitFor((entry) => entry.text === 'my other draft');
    expect(submitted().slice(before)).toEqual(['after the draft', 'my other draft']);
  });

  test('what was submitted after all is left alone, and the draft that came back with it too', async () => {
    await write(paste('draft three'));
    await town.say(spec, '[gt msg_there] in the conversation');
    await town.model.waitFor((entry) => entry.text === '[gt msg_there] in the conversation');
    await nextHost({ messages: ['msg_there'], strokes: 5 });
    const before = submitted().length;
    await town.say(spec, 'after that');
    await town.untilIdle(spec.runId);
    await write('\r');
    await town.model.waitFor((entry) => entry.text === 'draft three');
    expect(submitted().slice(before)).toEqual(['after that', 'draft three']);
  });
});

test('a host that lets go in the middle of typing submits first, and the next one has nothing to take back', async () => {
  const delivering = town.deliver(spec, '[gt msg_last] typed while the host lets go').catch(() => undefined);
  await town.host.until(
    'it is being typed',
    () => (town.host.references.get(spec.runId)?.['halfTyped'] as { messages?: string[] } | null)?.messages?.length,
  );
  await nextHost();
  await town.model.waitFor((entry) => entry.text === '[gt msg_last] typed while the host lets go');
  await town.say(spec, 'and on');
  await town.model.waitFor((entry) => entry.text === 'and on');
  expect(town.model.seen('typed while the host lets go')).toHaveLength(1);
  void delivering;
});

test('a draft can be put aside and brought back during a turn', async () => {
  await town.say(spec, directive('Be busy', [{ hold: 'on' }, { text: 'done' }]));
  await write(paste('draft four'), stash, stash);
  town.model.release('on');
  await town.untilIdle(spec.runId);
  await write('\r');
  await town.model.waitFor((entry) => entry.text === 'draft four');
});
