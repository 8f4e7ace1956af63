interface Gate {
  readonly open: Promise<void>;
  readonly release: () => void;
}

/** Named gates at which answers wait until a test lets them pass. A released gate stays open until `clear`. */
export class Gates {
  readonly #gates = new Map<string, Gate>();

  /** Resolves once the gate is released, at once if it was. */
  async passed(name: string): Promise<void> {
    return this.#gate(name).open;
  }

  release(name: string): void {
    this.#gate(name).release();
  }

  /** Closes all gates again. Answers that wait at one go on waiting: whoever clears breaks them off. */
  clear(): void {
    this.#gates.clear();
  }

  #gate(name: string): Gate {
    const known = this.#gates.get(name);
    if (known !== undefined) return known;
    let release = (): void => undefined;
    const open = new Promise<void>((resolve) => {
      release = resolve;
    });
    const gate = { open, release };
    this.#gates.set(name, gate);
    return gate;
  }
}
