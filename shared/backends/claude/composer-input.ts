import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../../platform/logger.ts';
import { entriesOf } from '../../domain/delivery.ts';
import type { DeliveryOutcome, RunSpec } from '../driver.ts';
import type { ManagedTerminal } from '../terminal-host.ts';
import { stashDraft, typePrompt } from './deliver.ts';
import type { TypingOutcome } from './deliver.ts';
import { pasteOf } from './encode.ts';
import { clearing, clearingMs, strokesFor } from './pending-input.ts';
import type { PendingInput } from './pending-input.ts';
import type { UnconfirmedDeliveries } from './unconfirmed-deliveries.ts';
import { promptOf } from './prompt.ts';
import type { Receipts } from './receipts.ts';
import type { ProgramStatus } from './sessions-folder.ts';
import type { Delivery } from '../../domain/delivery.ts';

/** What has just been submitted is in the conversation's record a moment later, in ms. */
const recordLag = 1500;
/** Claude is idle again after a refusal within this time, in ms. */
const refusalBound = 2000;

export interface ComposerInputParts {
  spec: RunSpec;
  log: Logger;
  receipts: Receipts;
  /** Undefined before the terminal is there, and when the session has ended. */
  terminal: () => ManagedTerminal | undefined;
  /** The program's own word, read anew. */
  status: () => Promise<ProgramStatus | undefined>;
  /** Resolves false where it is not idle, and does not become so within `patienceMs`. */
  stableIdle: (patienceMs?: number) => Promise<boolean>;
  /** Resolves when the program's record is followed, and what it has by now has been told. */
  followRecord: () => Promise<void>;
  /** Which of these messages are in the conversation. */
  recall: (messageIds: readonly string[]) => Promise<readonly string[]>;
  /** A text waits until nobody types into the terminal, or does not any more. */
  held: (isHeld: boolean) => void;
  handedOver: UnconfirmedDeliveries | undefined;
  halfTyped: PendingInput | undefined;
  /** Keeps what may be left in the composer for the next host. */
  save: (halfTyped: PendingInput | undefined) => void;
}

/** Types deliveries into a session's composer, one at a time, and takes back what it or an earlier host left there. */
export class ComposerInput {
  private readonly parts: ComposerInputParts;
  private halfTyped: PendingInput | undefined;
  /** One text at a time: two would end up in the same composer. */
  private last: Promise<unknown> = Promise.resolve();
  /** Resolves when a text that is being typed has been submitted, or is not being typed any more. */
  private entered: Promise<void> = Promise.resolve();

  constructor(parts: ComposerInputParts) {
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

  /** What is torn is sent again by a file: of that, only our own words are typed. */
  private async type(delivery: Delivery, signal: AbortSignal): Promise<DeliveryOutcome> {
    const { spec, log, handedOver } = this.parts;
    // Typed before Claude submits the prompt that it was started with, it would be taken for a part of that.
    await handedOver?.firstSettled();
    for (const maxBytes of [undefined, 0]) {
      const outcome = await this.typeOnce(delivery, await promptOf(spec, delivery, maxBytes), signal);
      if (outcome.kind !== 'torn') return outcome;
      log.warn(
        `claude: ${delivery.id} was torn in the composer of ${spec.sessionId}, and refused before the model saw it`,
      );
    }
    return { kind: 'failed', reason: 'its text did not stay whole in the composer; nothing of it was submitted' };
  }

  private async typeOnce(delivery: Delivery, text: string, signal: AbortSignal): Promise<TypingOutcome> {
    const { spec, log, receipts } = this.parts;
    const terminal = this.parts.terminal();
    if (!terminal) return { kind: 'not-now', reason: 'the session has ended' };
    const submitted = await this.takeBack(terminal);
    if (!submitted) return { kind: 'not-now', reason: 'the session is not idle' };
    if (entriesOf(delivery).every((id) => submitted.includes(id))) return { kind: 'delivered' };
    await this.parts.followRecord();
    let enter = (): void => undefined;
    const composer = {
      terminal,
      status: this.parts.status,
      stableIdle: this.parts.stableIdle,
      submitted: () => receipts.isSubmitted(delivery.id),
      delay: (ms: number) => delay(ms),
      held: this.parts.held,
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
      const outcome = await typePrompt(composer, text, receipts.expect(delivery, text), signal);
      switch (outcome.kind) {
        case 'delivered':
        case 'accepted':
          this.note(undefined);
          break;
        case 'not-now':
          receipts.forget(delivery.id);
          log.debug(`claude: ${delivery.id} was not typed into ${spec.sessionId}: ${outcome.reason}`);
          break;
        case 'torn':
        case 'failed':
          // Claude has put it back into the composer.
          await this.clean(terminal, outcome.kind === 'torn' ? outcome.surplus : '');
          break;
        case 'uncertain':
      }
      return outcome;
    } finally {
      receipts.left(delivery.id);
      enter();
    }
  }

  /** What was refused is taken out of the composer; what else was in it comes back. Where it cannot be now, it is before the next text. */
  private async clean(terminal: ManagedTerminal, surplus: string): Promise<void> {
    if (!this.halfTyped || terminal.personIsTyping() || !(await this.parts.stableIdle(refusalBound))) return;
    await this.clear(terminal, this.halfTyped.strokes + strokesFor(surplus));
    if (surplus !== '') terminal.write(pasteOf(surplus));
    this.note(undefined);
  }

  /** Leaves the composer as the user left it. Returns what was submitted after all; undefined where this is not a moment to type. */
  private async takeBack(terminal: ManagedTerminal): Promise<readonly string[] | undefined> {
    if (!this.halfTyped) return [];
    if (terminal.personIsTyping() || !(await this.parts.stableIdle())) return undefined;
    const { messages, strokes } = this.halfTyped;
    const submitted = await this.submittedOf(messages);
    if (submitted.length === 0) await this.clear(terminal, strokes);
    this.note(undefined);
    return submitted;
  }

  /** Takes our text out of the composer, and brings back the draft that was put aside. */
  private async clear(terminal: ManagedTerminal, strokes: number): Promise<void> {
    if (strokes > 0) {
      terminal.write(clearing(strokes));
      await delay(clearingMs(strokes));
    }
    // In an empty composer it brings back the draft that was put aside.
    terminal.write(stashDraft);
    await delay(clearingMs(0));
  }

  private async submittedOf(messages: readonly string[]): Promise<readonly string[]> {
    if (messages.length === 0) return [];
    const found = await this.parts.recall(messages);
    if (found.length > 0) return found;
    await delay(recordLag);
    return this.parts.recall(messages);
  }

  private note(halfTyped: PendingInput | undefined): void {
    this.halfTyped = halfTyped;
    this.parts.save(halfTyped);
  }
}
