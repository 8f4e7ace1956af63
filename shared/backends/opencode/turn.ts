import type { Delivery } from '../../domain/delivery.ts';

/** The two reporters, each of which keeps its own order; the plugin may lag behind by a whole turn. */
export type Reporter = 'program' | 'inside';

/** How far one reporter has told the story of the turn. */
interface Progress {
  /** The message that our text became. */
  messageId?: string;
  busy: boolean;
  answered: boolean;
  failed: boolean;
}

/**
 * What has become of the text that was put before the model: pure bookkeeping over what both reporters say, in any
 * interleaving. One delivery at a time, as the core promises. What a reporter says before it has told of our text
 * belongs to the turn before.
 */
export class Turn {
  private delivery: Delivery | undefined;
  private progress: Record<Reporter, Progress> = bothAtStart();
  private readonly userMessages = new Set<string>();
  /** The message that our text is to become, as far as a hook has said. */
  private announced: string | undefined;

  /** Whether something was delivered whose turn has not ended. */
  get open(): boolean {
    return this.delivery !== undefined;
  }

  /** Call before the text is sent: its receipt may be faster than the answer to the sending. */
  begin(delivery: Delivery): void {
    this.delivery = delivery;
    this.announced = undefined;
    this.progress = bothAtStart();
  }

  /** The text was not taken after all. */
  cancel(): void {
    this.delivery = undefined;
  }

  /**
   * A hook has seen the texts of a message that is about to be stored. That proves nothing, as the hook of another plugin may
   * refuse it still; returns the delivery where the message is in the session already.
   */
  announce(messageId: string, texts: readonly string[], reporter: Reporter): Delivery | undefined {
    if (!this.delivery || !texts.includes(this.delivery.text)) return undefined;
    this.announced = messageId;
    return this.userMessages.has(messageId) ? this.become(messageId, reporter) : undefined;
  }

  /** A message of the user's in the session. Returns the delivery when it is ours, by what was announced. */
  userMessage(messageId: string, reporter: Reporter): Delivery | undefined {
    this.userMessages.add(messageId);
    return messageId === this.announced ? this.become(messageId, reporter) : undefined;
  }

  /** Returns the delivery when this is its text in the session, each time it is reported. */
  text(messageId: string, text: string, reporter: Reporter): Delivery | undefined {
    if (text !== this.delivery?.text) return undefined;
    return this.userMessages.has(messageId) || messageId === this.announced
      ? this.become(messageId, reporter)
      : undefined;
  }

  private become(messageId: string, reporter: Reporter): Delivery | undefined {
    this.progress[reporter].messageId = messageId;
    return this.delivery;
  }

  /** Message ids are ordered: an answer to a later message answers ours too. */
  answer(parentId: string, completed: boolean, reporter: Reporter): void {
    const { messageId } = this.progress[reporter];
    if (completed && messageId !== undefined && parentId >= messageId) this.progress[reporter].answered = true;
  }

  error(reporter: Reporter): void {
    this.progress[reporter].failed = true;
  }

  busy(reporter: Reporter): void {
    this.progress[reporter].busy = true;
  }

  /** Whether the program has begun to work on it, as far as it said. */
  get isWorkedOn(): boolean {
    return this.progress.program.busy;
  }

  /** Whether the reporter's next idle ends the turn. */
  endsWithIdle(reporter: Reporter): boolean {
    if (!this.delivery) return false;
    const { messageId, busy, answered, failed } = this.progress[reporter];
    if (messageId !== undefined) return busy || answered || failed;
    // A text that is refused after all never becomes a message; only the program's own word is quick enough to count.
    return reporter === 'program' && busy && failed;
  }

  /** True when this idle ends the delivery's turn; a late idle of the turn before does not. */
  idle(reporter: Reporter): boolean {
    if (!this.endsWithIdle(reporter)) return false;
    this.delivery = undefined;
    this.userMessages.clear();
    return true;
  }
}

function bothAtStart(): Record<Reporter, Progress> {
  const start = (): Progress => ({ busy: false, answered: false, failed: false });
  return { program: start(), inside: start() };
}
