import { isSamePrompt } from './encode.ts';

interface Expected {
  deliveryId: string;
  /** Undefined: the first prompt that is submitted, whatever it says. */
  text: string | undefined;
  received: () => void;
}

/** Deliveries that the session has not confirmed yet. A late receipt is still one. */
export class Receipts {
  private readonly expected: Expected[] = [];

  /** The next prompt is this delivery: it was given as the program's argument. */
  expectFirst(deliveryId: string): void {
    this.expected.push({ deliveryId, text: undefined, received: () => undefined });
  }

  /** Resolves when a prompt with this text is submitted. */
  expect(deliveryId: string, text: string): Promise<void> {
    this.forget(deliveryId);
    return new Promise((received) => this.expected.push({ deliveryId, text, received }));
  }

  /** Nothing of it was typed. */
  forget(deliveryId: string): void {
    const index = this.expected.findIndex((entry) => entry.deliveryId === deliveryId);
    if (index >= 0) this.expected.splice(index, 1);
  }

  /** The delivery that a submitted prompt confirms. */
  match(prompt: string): string | undefined {
    const index = this.expected.findIndex(({ text }) => text === undefined || isSamePrompt(prompt, text));
    const [entry] = index < 0 ? [] : this.expected.splice(index, 1);
    entry?.received();
    return entry?.deliveryId;
  }
}
