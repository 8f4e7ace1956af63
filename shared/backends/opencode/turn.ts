import type { Delivery } from '../driver.ts';

/** The two reporters, each of which keeps its own order. */
export type Reporter = 'program' | 'inside';

/**
 * What has become of the text that was put before the model: pure bookkeeping over what both reporters say, in any
 * interleaving. One delivery at a time, as the core promises.
 */
export class Turn {
  private delivery: Delivery | undefined;
  private messageId: string | undefined;
  private closing = false;
  private readonly busySince = new Set<Reporter>();
  private readonly userMessages = new Set<string>();

  /** Whether something was delivered whose turn has not ended. */
  get open(): boolean {
    return this.delivery !== undefined;
  }

  /** Whether the next idle ends the turn, whoever reports it. */
  get ending(): boolean {
    return this.delivery !== undefined && this.closing;
  }

  /** Call before the text is sent: its receipt may be faster than the answer to the sending. */
  begin(delivery: Delivery): void {
    this.delivery = delivery;
    this.messageId = undefined;
    this.closing = false;
    this.busySince.clear();
  }

  /** The text was not taken after all. */
  cancel(): void {
    this.delivery = undefined;
  }

  userMessage(messageId: string): void {
    this.userMessages.add(messageId);
  }

  /** Returns the delivery's id when this is its text in the session, each time it is reported. */
  text(messageId: string, text: string): string | undefined {
    if (!this.delivery || text !== this.delivery.text || !this.userMessages.has(messageId)) return undefined;
    this.messageId = messageId;
    return this.delivery.id;
  }

  /** Message ids are ordered: an answer to a later message answers ours too. */
  answer(parentId: string, completed: boolean): void {
    if (completed && this.messageId !== undefined && parentId >= this.messageId) this.closing = true;
  }

  /** An error ends the turn with the next idle, also where the text never became a message. */
  error(): void {
    if (this.delivery) this.closing = true;
  }

  busy(reporter: Reporter): void {
    if (this.messageId !== undefined) this.busySince.add(reporter);
  }

  /** True when this idle ends the delivery's turn; a late idle of the turn before does not. */
  idle(reporter: Reporter): boolean {
    if (!this.delivery || !(this.closing || this.busySince.has(reporter))) return false;
    this.delivery = undefined;
    this.userMessages.clear();
    return true;
  }
}
