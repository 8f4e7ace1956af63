import { entriesOf } from '../driver.ts';
import type { Delivery } from '../driver.ts';
import { isSamePrompt } from './encode.ts';

interface Expected {
  delivery: Delivery;
  /** Undefined: the first prompt that is submitted, whatever it says. */
  text: string | undefined;
  received: () => void;
}

/** Deliveries that the session has not confirmed yet. A late receipt is still one. */
export class Receipts {
  private readonly expected: Expected[] = [];

  /** The next prompt is this delivery: it was given as the program's argument. */
  expectFirst(delivery: Delivery): void {
    this.expected.push({ delivery, text: undefined, received: () => undefined });
  }

  /** Resolves when a prompt with this text is submitted. */
  expect(delivery: Delivery, text: string): Promise<void> {
    this.forget(delivery.id);
    return new Promise((received) => this.expected.push({ delivery, text, received }));
  }

  /** Nothing of it was typed. */
  forget(deliveryId: string): void {
    const index = this.expected.findIndex(({ delivery }) => delivery.id === deliveryId);
    if (index >= 0) this.expected.splice(index, 1);
  }

  /** The entries whose delivery a submitted prompt confirms. */
  match(prompt: string): readonly string[] {
    const index = this.expected.findIndex(({ text }) => text === undefined || isSamePrompt(prompt, text));
    const [entry] = index < 0 ? [] : this.expected.splice(index, 1);
    entry?.received();
    return entry ? entriesOf(entry.delivery) : [];
  }
}
