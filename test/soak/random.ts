/** A repeatable stream of numbers: the same seed gives the same decisions (the times at which they meet the agents differ). */
export class Random {
  private state: number;

  /** `seed`: a whole number of 32 bits; what is beyond is cut off. */
  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** 0 ≤ number < 1, by Mulberry32. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = this.state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from `from` to `to`, both included. */
  between(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** Undefined where there is nothing to choose from. */
  pick<T>(items: readonly T[]): T | undefined {
    return items[this.between(0, items.length - 1)];
  }

  /** One of the names, each as often as its weight says. At least one weight is above 0. */
  weighted<T extends string>(weights: Readonly<Record<T, number>>): T {
    const entries = Object.entries(weights) as [T, number][];
    let left = this.next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [name, weight] of entries) {
      left -= weight;
      if (left < 0) return name;
    }
    return entries.at(-1)![0];
  }

  /** The items in another order. */
  shuffled<T>(items: readonly T[]): T[] {
    return items
      .map((item) => ({ item, at: this.next() }))
      .sort((a, b) => a.at - b.at)
      .map(({ item }) => item);
  }

  /** Milliseconds until the next of events that come at random, `mean` apart on average; at most five times that. */
  gap(mean: number): number {
    return Math.min(5 * mean, Math.round(-Math.log(1 - this.next()) * mean));
  }

  /** A stream of its own: how often one actor asks does not change what another is told. */
  split(): Random {
    return new Random(Math.floor(this.next() * 2 ** 32));
  }
}
