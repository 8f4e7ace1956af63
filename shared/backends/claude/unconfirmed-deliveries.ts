import { setTimeout as delay } from 'node:timers/promises';
import { deliveryMark } from '../../domain/delivery.ts';

/** How long a first prompt that was given as the program's argument may stay unsubmitted in an idle session, in ms. */
const submitBound = 5000;

/**
 * What an earlier host may have given to a session that was taken up, without a receipt: it may still be submitted, the
 * first prompt by the program itself. Whatever comes is known by its mark.
 */
export class UnconfirmedDeliveries {
  private readonly open: Set<string>;
  private first: string | undefined;
  private submitted: () => void = () => undefined;
  private readonly whenSubmitted: Promise<void>;

  /** `first`: the message with which the program was started, where it is among them. */
  constructor(messageIds: readonly string[], first: string | undefined) {
    this.open = new Set(messageIds);
    this.first = first !== undefined && this.open.has(first) ? first : undefined;
    this.whenSubmitted = new Promise((resolve) => {
      this.submitted = resolve;
    });
  }

  /** It is not known of all of them whether the model has them. */
  get isOpen(): boolean {
    return this.open.size > 0;
  }

  /** Found in the conversation: the model has it. */
  found(messageId: string): void {
    this.open.delete(messageId);
    if (messageId !== this.first) return;
    this.first = undefined;
    this.submitted();
  }

  /** Those that a prompt in the conversation carries, each once. */
  match(prompt: string): string[] {
    const carried = [...this.open].filter((id) => prompt.includes(deliveryMark(id)));
    for (const id of carried) this.found(id);
    return carried;
  }

  /** Resolves when the first prompt has been submitted, or has not been for so long that it will not be. */
  async firstSettled(boundMs: number = submitBound): Promise<void> {
    if (this.first === undefined) return;
    const over = new AbortController();
    await Promise.race([this.whenSubmitted, delay(boundMs, undefined, { signal: over.signal }).catch(() => undefined)]);
    over.abort();
    this.first = undefined;
  }
}
