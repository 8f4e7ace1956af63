import { setImmediate as soon } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { typePrompt } from '../../../../shared/backends/claude/deliver.ts';
import type { Confirmation } from '../../../../shared/backends/claude/receipts.ts';
import type { ProgramStatus } from '../../../../shared/backends/claude/sessions-folder.ts';

interface Scene {
  /** Told the writes so far, before each look at the status. */
  status?: (written: string[]) => ProgramStatus | undefined;
  /** After how many Enters the receipt comes. */
  confirmedBy?: number;
  /** What the receipt says. */
  confirmation?: Confirmation;
  /** A hook has told that the text is being submitted, after the first Enter. */
  submitted?: boolean;
  stableIdle?: boolean;
  typing?: (written: string[]) => boolean;
}

async function type({
  status = () => 'idle',
  confirmedBy = Infinity,
  stableIdle = true,
  typing = () => false,
  confirmation = { kind: 'has' },
  submitted = false,
}: Scene) {
  const written: string[] = [];
  const told: string[] = [];
  let confirm = (): void => undefined;
  const received = new Promise<Confirmation>((resolve) => {
    confirm = () => resolve(confirmation);
  });
  const terminal = {
    write: (text: string) => {
      written.push(text);
      if (written.filter((entry) => entry === '\r').length === confirmedBy) confirm();
    },
    personIsTyping: () => typing(written),
    whenNotTyping: () => Promise.resolve(),
  };
  const composer = {
    terminal,
    status: () => Promise.resolve(status(written)),
    stableIdle: () => Promise.resolve(stableIdle),
    submitted: () => submitted && written.includes('\r'),
    delay: () => soon(),
    held: (isHeld: boolean) => void told.push(isHeld ? 'held' : 'not held'),
    touching: () => void told.push('touching'),
    pasting: () => void told.push('pasting'),
    entered: () => void told.push('entered'),
    untouched: () => void told.push('untouched'),
  };
  return { outcome: await typePrompt(composer, 'text', received, new AbortController().signal), written, told };
}

const paste = '\u001b[200~text\u001b[201~';
const stash = '\u0013';

describe('typePrompt', () => {
  test('puts a draft aside, pastes, and presses Enter on its own', async () => {
    expect(await type({ confirmedBy: 1 })).toEqual({
      outcome: { kind: 'accepted' },
      written: [stash, paste, '\r'],
      told: ['touching', 'pasting', 'entered'],
    });
  });

  test('types nothing into a session that is not idle', async () => {
    const { outcome, written } = await type({ stableIdle: false });
    expect([outcome.kind, written]).toEqual(['not-now', []]);
  });

  test('pastes nothing when the session is no longer idle after the draft was put aside', async () => {
    const { outcome, written, told } = await type({ status: () => 'busy' });
    expect([outcome.kind, written]).toEqual(['not-now', [stash]]);
    expect(told).toEqual(['touching', 'untouched']);
  });

  test('presses no key in a dialog that opened after the draft was put aside', async () => {
    const { outcome, told } = await type({ status: () => 'waiting' });
    expect([outcome.kind, told]).toEqual(['not-now', ['touching']]);
  });

  test('begins anew when the person types after the draft was put aside', async () => {
    const { outcome, written } = await type({ typing: (sent) => sent.length === 1, confirmedBy: 1 });
    expect([outcome.kind, written]).toEqual(['accepted', [stash, stash, paste, '\r']]);
  });

  test('waits while the user types, and says so', async () => {
    let looks = 0;
    const { outcome, told } = await type({ typing: () => (looks += 1) === 1, confirmedBy: 1 });
    expect([outcome.kind, told.slice(0, 3)]).toEqual(['accepted', ['held', 'not held', 'touching']]);
  });

  test('presses no Enter in a dialog that opened after the paste', async () => {
    const { outcome, written } = await type({ status: (sent) => (sent.includes(paste) ? 'waiting' : 'idle') });
    expect([outcome.kind, written]).toEqual(['uncertain', [stash, paste]]);
  });

  test('presses Enter again while nothing happens, at most three times, and never pastes twice', async () => {
    const { outcome, written } = await type({});
    expect([outcome.kind, written]).toEqual(['uncertain', [stash, paste, '\r', '\r', '\r']]);
    expect((await type({ confirmedBy: 2 })).outcome).toEqual({ kind: 'accepted' });
  });

  test('presses no second Enter when the first was taken and only the receipt is missing', async () => {
    const { outcome, written } = await type({ status: (sent) => (sent.includes('\r') ? 'busy' : 'idle') });
    expect([outcome.kind, written]).toEqual(['uncertain', [stash, paste, '\r']]);
  });

  test('presses no second Enter for what is being submitted; its receipt may still come', async () => {
    const { outcome, written } = await type({ submitted: true });
    expect([outcome.kind, written]).toEqual(['accepted', [stash, paste, '\r']]);
  });

  test('tells what was refused, by whom, and what was torn', async () => {
    const refused = await type({ confirmedBy: 1, confirmation: { kind: 'refused', reason: 'a hook' } });
    expect(refused.outcome).toEqual({ kind: 'failed', reason: 'a hook' });
    const torn = await type({ confirmedBy: 1, confirmation: { kind: 'torn', surplus: 'my draft' } });
    expect(torn.outcome).toEqual({ kind: 'torn', surplus: 'my draft' });
  });
});
