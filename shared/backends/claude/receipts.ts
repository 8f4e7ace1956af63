import type { Delivery } from '../../domain/delivery.ts';
import { besides, hasWhole, isSamePrompt, isTorn } from './encode.ts';
import type { RecordEntry } from './record-entry.ts';
import { deliveryMark, entriesOf } from '../../domain/delivery.ts';

/** What became of a text that was typed. */
export type Confirmation =
  /** The conversation has it whole. */
  | { kind: 'has' }
  /** What was submitted is not what was typed, and was refused. `surplus`: what was in the composer besides it. */
  | { kind: 'torn'; surplus: string }
  /** A hook of the user's refused it. */
  | { kind: 'refused'; reason: string };

interface Expected {
  delivery: Delivery;
  text: string;
  /** In the composer: now, or about to; perhaps still, and the user may submit something else; or it was not typed, but the program's argument. */
  stands: 'now' | 'perhaps' | 'not';
  /** A hook has told that it is being submitted; the turn's name, where its first sign of life is a proof. */
  submitted?: { promptId: string | undefined; opensTurn: boolean };
  settle: (confirmation: Confirmation) => void;
}

/** Entries that the program's record of the conversation has. */
interface Given {
  entries: readonly string[];
  /** When it was put there, by the record's own times. */
  at: number;
  submitted?: Expected['submitted'];
}

/**
 * Deliveries that the model is not known to have yet. That one is submitted is no proof: hooks of the user's run beside ours
 * and may refuse it. What comes after them can not be refused any more: the program's record of the conversation has it. It
 * has its receipt when the model is asked with it: the record says that, or has an answer, or the turn that it opened shows a
 * sign of life. Where nothing of it comes, the end of the turn stands for it, as the conversation keeps it. A late receipt is
 * still one.
 */
export class Receipts {
  private readonly expected: Expected[] = [];
  /** What waits for the model to be asked. */
  private given: Given[] = [];
  /** When the model was asked last, or answered: the record's entries may be in another order than their times. */
  private askedAt = Number.NEGATIVE_INFINITY;

  get isEmpty(): boolean {
    return this.expected.length === 0 && this.given.length === 0;
  }

  /** It was given as the program's argument. */
  expectFirst(delivery: Delivery, text: string): void {
    this.expected.push({ delivery, text, stands: 'not', settle: () => undefined });
  }

  /** Resolves when it is known what became of the text. */
  expect(delivery: Delivery, text: string): Promise<Confirmation> {
    this.forget(delivery.id);
    return new Promise((settle) => this.expected.push({ delivery, text, stands: 'now', settle }));
  }

  /** Whoever typed it waits no longer: what is submitted from here on may be the user's. */
  left(deliveryId: string): void {
    for (const entry of this.expected) if (entry.delivery.id === deliveryId) entry.stands = 'perhaps';
  }

  /** Nothing of it was typed. */
  forget(deliveryId: string): void {
    const index = this.expected.findIndex(({ delivery }) => delivery.id === deliveryId);
    if (index >= 0) this.expected.splice(index, 1);
  }

  /** A hook has told of its submission; what becomes of it will be known. */
  isSubmitted(deliveryId: string): boolean {
    return this.expected.some(({ delivery, submitted }) => delivery.id === deliveryId && submitted !== undefined);
  }

  /**
   * A hook tells of a prompt that is about to be submitted, to open the turn `promptId` or (`opensTurn` false) to wait in
   * the program's queue. False: it is a torn form of what is typed, and is to be refused.
   */
  submitted(prompt: string, promptId: string | undefined, opensTurn: boolean): boolean {
    const entry = this.expected.find(({ text }) => isSamePrompt(prompt, text));
    if (entry) {
      entry.submitted = { promptId, opensTurn };
      return true;
    }
    const torn = this.expected.find((each) => each.stands !== 'not' && !each.submitted && isTornOf(each, prompt));
    if (!torn) return true;
    this.settle(torn, { kind: 'torn', surplus: besides(prompt, torn.text) ?? '' });
    return false;
  }

  /** The turn shows a sign of life: the entries that it is a proof of. */
  alive(promptId: string | undefined): readonly string[] {
    const isOpener = ({ submitted }: Expected | Given): boolean =>
      submitted?.opensTurn === true && submitted.promptId === promptId;
    const proven = this.expected.filter(isOpener);
    for (const entry of proven) this.settle(entry, { kind: 'has' });
    return [...this.take(isOpener), ...proven.flatMap(({ delivery }) => entriesOf(delivery))];
  }

  /**
   * The record has something new. `handedOver`: entries of an earlier host's that the prompt carries. Returns whether it has a
   * prompt of ours, and the entries that the new entry of the record is a proof of.
   */
  recorded(
    { kind, text, at }: RecordEntry,
    handedOver: readonly string[],
  ): { isOurs: boolean; has: readonly string[] } {
    if (kind === 'asked' || kind === 'answer') {
      if (at > this.askedAt) this.askedAt = at;
      return { isOurs: false, has: this.takeAsked() };
    }
    if (kind === 'given') {
      const whole = this.expected.filter((entry) => hasWhole(text, entry.text));
      for (const entry of whole) {
        this.settle(entry, { kind: 'has' });
        const submitted = entry.submitted && { submitted: entry.submitted };
        this.given.push({ entries: entriesOf(entry.delivery), at, ...submitted });
      }
      if (handedOver.length > 0) this.given.push({ entries: handedOver, at });
      return { isOurs: whole.length + handedOver.length > 0, has: this.takeAsked() };
    }
    // The user's hook says why. What is in the record for other reasons does not carry our mark.
    for (const entry of this.expected.filter(({ delivery }) => marksOf(delivery).some((mark) => text.includes(mark)))) {
      this.settle(entry, { kind: 'refused', reason: `a hook of yours refused it: ${oneLine(text)}` });
    }
    return { isOurs: false, has: [] };
  }

  /** The model is asked, or will be with whatever comes next: it has what the conversation has. */
  asked(): readonly string[] {
    return this.take(() => true);
  }

  /** The session rests, and the record has been read: what was submitted and has no proof was not let through. */
  turnOver(): void {
    for (const entry of this.expected.filter(({ submitted }) => submitted?.opensTurn)) {
      this.settle(entry, {
        kind: 'refused',
        reason: 'Claude Code did not take it; does a hook of yours refuse prompts?',
      });
    }
  }

  private takeAsked(): readonly string[] {
    return this.take(({ at }) => at <= this.askedAt);
  }

  private take(which: (given: Given) => boolean): readonly string[] {
    const taken = this.given.filter(which);
    this.given = this.given.filter((given) => !taken.includes(given));
    return taken.flatMap(({ entries }) => entries);
  }

  private settle(entry: Expected, confirmation: Confirmation): void {
    this.expected.splice(this.expected.indexOf(entry), 1);
    entry.settle(confirmation);
  }
}

const marksOf = (delivery: Delivery): string[] => entriesOf(delivery).map(deliveryMark);

/**
 * Of a prompt that is not the text. What was left in the composer is known by its mark alone: words that it shares with the
 * user's own prompt are the user's.
 */
function isTornOf({ text, stands, delivery }: Expected, prompt: string): boolean {
  return marksOf(delivery).some((mark) => prompt.includes(mark)) || (stands === 'now' && isTorn(prompt, text));
}

const maxReason = 300;

function oneLine(text: string): string {
  const line = text.split('[gt ', 1)[0]!.replace(/\s+/g, ' ').trim();
  return line.length > maxReason ? `${line.slice(0, maxReason)}…` : line;
}
