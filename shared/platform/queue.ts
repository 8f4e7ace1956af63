/** Runs acts in the order in which they come, so many at once. */
export class Queue {
  private readonly most: number;
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(most: number) {
    this.most = most;
  }

  /** Settles as the act does, once its turn has come. */
  async run<T>(act: () => Promise<T>): Promise<T> {
    if (this.running >= this.most) await new Promise<void>((go) => this.waiting.push(go));
    else this.running += 1;
    try {
      return await act();
    } finally {
      const next = this.waiting.shift();
      // Its place goes on to the next one.
      if (next) next();
      else this.running -= 1;
    }
  }
}
