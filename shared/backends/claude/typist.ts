import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../../process/logger.ts';
import { entriesOf } from '../driver.ts';
import type { Delivery, DeliveryOutcome, RunSpec } from '../driver.ts';
import type { ManagedTerminal } from '../terminal-host.ts';
import { stashDraft, typePrompt } from './deliver.ts';
import { clearing, clearingMs, strokesFor } from './half-typed.ts';
import type { HalfTyped } from './half-typed.ts';
import type { HandedOver } from './handed-over.ts';
import { promptOf } from './prompt.ts';
import type { Receipts } from './receipts.ts';
import type { ProgramStatus } from './sessions-folder.ts';

/** What has just been submitted is in the conversation's record a moment later, in ms. */
const recordLag = 1500;

export interface TypistParts {
  spec: RunSpec;
  log: Logger;
  receipts: Receipts;
  /** Undefined before the terminal is there, and when the session has ended. */
  terminal: () => ManagedTerminal | undefined;
  /** The program's own word, read anew. */
  status: () => Promise<ProgramStatus | undefined>;
  stableIdle: () => Promise<boolean>;
  /** Resolves when the session reports the text as submitted. */
  receiptOf: (delivery: Delivery, encoded: string) => Promise<void>;
  /** Which of these messages are in the conversation. */
  recall: (messageIds: readonly string[]) => Promise<readonly string[]>;
  handedOver: HandedOver | undefined;
  halfTyped: HalfTyped | undefined;
  /** Keeps what may be left in the composer for the next host. */
  save: (halfTyped: HalfTyped | undefined) => void;
}

/** Types deliveries into a session's composer, one at a time, and takes back what it or an earlier host left there. */
export class Typist {
  private readonly parts: TypistParts;
  private halfTyped: HalfTyped | undefined;
  /** One text at a time: two would end up in the same composer. */
  private last: Promise<unknown> = Promise.resolve();
  /** Resolves when a text that is being typed has been submitted, or is not being typed any more. */
  private entered: Promise<void> = Promise.resolve();

  constructor(parts: TypistParts) {
    this.parts = parts;
    this.halfTyped = parts.halfTyped;
  }

  deliver(delivery: Delivery, signal: AbortSignal): Promise<DeliveryOutcome> {
    const result = this.last.then(() => this.type(delivery, signal));
    // The chain only orders; whoever asked gets the error.
    this.last = result.catch(() => undefined);
    return result;
  }

  /** Resolves when nothing stands half-typed in the composer, but within `boundMs`. */
  async settle(boundMs: number): Promise<void> {
    await Promise.race([this.entered, delay(boundMs, undefined, { ref: false })]);
  }

  private async type(delivery: Delivery, signal: AbortSignal): Promise<DeliveryOutcome> {
    const { spec, log, receipts, handedOver } = this.parts;
    // Typed before Claude submits the prompt that it was started with, it would be taken for a part of that.
    await handedOver?.firstSettled();
    const text = await promptOf(spec, delivery);
    const terminal = this.parts.terminal();
    if (!terminal) return { kind: 'not-now', reason: 'the session has ended' };
    const submitted = await this.takeBack(terminal);
    if (!submitted) return { kind: 'not-now', reason: 'the session is not idle' };
    if (entriesOf(delivery).every((id) => submitted.includes(id))) return { kind: 'delivered' };
    let enter = (): void => undefined;
    const composer = {
      terminal,
      status: this.parts.status,
      stableIdle: this.parts.stableIdle,
      delay: (ms: number) => delay(ms),
      touching: (): void => {
        this.entered = new Promise((resolve) => (enter = resolve));
        this.note({ messages: [], strokes: 0 });
      },
      pasting: () => this.note({ messages: [...entriesOf(delivery)], strokes: strokesFor(text) }),
      entered: () => enter(),
      untouched: (): void => {
        terminal.write(stashDraft);
        this.note(undefined);
      },
    };
    try {
      const outcome = await typePrompt(composer, text, this.parts.receiptOf(delivery, text), signal);
      if (outcome.kind === 'delivered') this.note(undefined);
      if (outcome.kind === 'not-now') {
        receipts.forget(delivery.id);
        log.debug(`claude: ${delivery.id} was not typed into ${spec.sessionId}: ${outcome.reason}`);
      }
      return outcome;
    } finally {
      enter();
    }
  }

  /** Leaves the composer as the person left it. Returns what was submitted after all; undefined where this is not a moment to type. */
  private async takeBack(terminal: ManagedTerminal): Promise<readonly string[] | undefined> {
    if (!this.halfTyped) return [];
    if (terminal.personIsTyping() || !(await this.parts.stableIdle())) return undefined;
    const { messages, strokes } = this.halfTyped;
    const submitted = await this.submittedOf(messages);
    if (submitted.length === 0) {
      if (strokes > 0) {
        terminal.write(clearing(strokes));
        await delay(clearingMs(strokes));
      }
      // In an empty composer it brings back the draft that was put aside.
      terminal.write(stashDraft);
      await delay(clearingMs(0));
    }
    this.note(undefined);
    return submitted;
  }

  private async submittedOf(messages: readonly string[]): Promise<readonly string[]> {
    if (messages.length === 0) return [];
    const found = await this.parts.recall(messages);
    if (found.length > 0) return found;
    await delay(recordLag);
    return this.parts.recall(messages);
  }

  private note(halfTyped: HalfTyped | undefined): void {
    this.halfTyped = halfTyped;
    this.parts.save(halfTyped);
  }
}
