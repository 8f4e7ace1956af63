/**
 * Which entries of a delivery the model has. That a message is in the conversation is no proof: Opencode stores a prompt up
 * to seconds before it asks the model. Proof is that the model begins to answer that message or a later one. Where it never
 * does, as with a provider that is not there, the turn's end stands for it: the message stays in the conversation and goes to
 * the model with whatever comes next, so it must not be sent again.
 */
export class Receipts {
  /** Entry → the message of the conversation that has it. Message ids are in the order of their creation. */
  private readonly waiting = new Map<string, string>();
  /** Which message the newest answer is to. */
  private answer = { id: '', to: '' };
  /** The newest message that the model has begun to answer. */
  private answered = '';

  /** A message of the conversation has these entries. Returns those of them that the model has. */
  stored(entries: readonly string[], messageId: string): readonly string[] {
    for (const entry of entries) this.waiting.set(entry, messageId);
    return this.take((id) => id <= this.answered);
  }

  /** There is an answer, perhaps still without a word. */
  prepared(answerId: string, to: string): void {
    if (answerId >= this.answer.id) this.answer = { id: answerId, to };
  }

  /** The provider sends an answer. Returns what the model has by that. */
  begun(answerId: string): readonly string[] {
    // Of one that was prepared while nobody listened it is only known that it is later than what it answers.
    const to = answerId === this.answer.id ? this.answer.to : answerId;
    if (to > this.answered) this.answered = to;
    return this.take((id) => id <= this.answered);
  }

  /** Nothing is asked of the model any more. */
  turnOver(): readonly string[] {
    return this.take(() => true);
  }

  private take(has: (messageId: string) => boolean): readonly string[] {
    const taken = [...this.waiting].flatMap(([entry, messageId]) => (has(messageId) ? [entry] : []));
    for (const entry of taken) this.waiting.delete(entry);
    return taken;
  }
}
