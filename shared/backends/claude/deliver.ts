import type { DeliveryOutcome } from '../driver.ts';
import type { ManagedTerminal } from '../terminal-host.ts';
import { pasteOf } from './encode.ts';
import type { Confirmation } from './receipts.ts';
import type { ProgramStatus } from './sessions-folder.ts';

/** What typing needs to know about the session. */
export interface Composer {
  terminal: Pick<ManagedTerminal, 'write' | 'personIsTyping' | 'whenNotTyping'>;
  /** The program's own word, read anew. */
  status(): Promise<ProgramStatus | undefined>;
  /** Resolves true when idle has lasted long enough to be true, false when it is not idle. */
  stableIdle(): Promise<boolean>;
  /** A hook has told that the text is being submitted: no further Enter is needed. */
  submitted(): boolean;
  delay: (ms: number) => Promise<void>;
  /** Told when the text has to wait until nobody types, and when it has not any more. */
  held(isHeld: boolean): void;
  /** Told before the draft is put aside, before the text is written, and after the first Enter. */
  touching(): void;
  pasting(): void;
  entered(): void;
  /** Brings the draft back: nothing was written. */
  untouched(): void;
}

/**
 * Ctrl+S puts a half-written draft aside; Claude brings it back after the submit. In an empty composer it brings back one
 * that is put aside, else it does nothing.
 */
export const stashDraft = '\u0013';

// Measured with 2.1.197 and 2.1.330, also under load (reference: claude.md §4.3). In milliseconds.
const afterStash = 120;
const beforeEnter = 250;
const receiptBound = 3000;
const maxEnters = 3;

/** `torn`: something else than the text was submitted, and refused; it stands in the composer again. */
export type TypingOutcome = DeliveryOutcome | Extract<Confirmation, { kind: 'torn' }>;

/**
 * Types an encoded prompt and submits it. Nothing is typed unless the session is idle and the user's hands are off: Enter
 * in a permission dialog approves it. The text is pasted once, whatever happens; only Enter is repeated.
 *
 * `received` resolves when it is known what became of the text.
 */
export async function typePrompt(
  composer: Composer,
  encoded: string,
  received: Promise<Confirmation>,
  signal: AbortSignal,
): Promise<TypingOutcome> {
  const { terminal, delay } = composer;
  do {
    if (terminal.personIsTyping()) {
      composer.held(true);
      await terminal.whenNotTyping(signal);
      composer.held(false);
    }
    if (signal.aborted) return { kind: 'not-now', reason: 'cancelled' };
    if (!(await composer.stableIdle())) return { kind: 'not-now', reason: 'the session is not idle' };
    composer.touching();
    terminal.write(stashDraft);
    await delay(afterStash);
    const status = await composer.status();
    if (status !== 'idle' || signal.aborted) {
      // Back with the draft; but no key is pressed in a dialog.
      if (status !== 'waiting') composer.untouched();
      return { kind: 'not-now', reason: signal.aborted ? 'cancelled' : 'the session is no longer idle' };
    }
  } while (terminal.personIsTyping());

  composer.pasting();
  terminal.write(pasteOf(encoded));
  await delay(beforeEnter);
  let confirmation: Confirmation | undefined;
  const receipt = received.then((known) => {
    confirmation = known;
  });
  for (let enters = 0; enters < maxEnters; enters += 1) {
    const status = await composer.status();
    if (status === 'waiting') {
      return { kind: 'uncertain', reason: 'a dialog opened while the text was typed; it is left in the composer' };
    }
    // Busy after an Enter: it was taken, and the receipt is late. After the host has let go, the next one looks after it.
    if (enters === 0 || (status === 'idle' && !composer.submitted() && !signal.aborted)) terminal.write('\r');
    composer.entered();
    await Promise.race([receipt, delay(receiptBound)]);
    if (confirmation) return outcomeOf(confirmation);
  }
  if (composer.submitted()) return { kind: 'accepted' };
  return { kind: 'uncertain', reason: 'Claude did not confirm the text; look at its terminal' };
}

function outcomeOf(confirmation: Confirmation): TypingOutcome {
  switch (confirmation.kind) {
    case 'has':
      return { kind: 'accepted' };
    case 'refused':
      return { kind: 'failed', reason: confirmation.reason };
    case 'torn':
      return confirmation;
  }
}
