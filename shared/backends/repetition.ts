/** What a turn does, as far as it says whether it gets on. */
export type Sign =
  /** The conversation was made shorter, as it no longer fitted. */
  | { kind: 'compaction' }
  | { kind: 'error'; message: string }
  /** A tool is done. `did`: what it was called with, and what came of it. */
  | { kind: 'call'; id: string; tool: string; did: string };

/** A conversation that is shortened again before so many tools are done never got short enough to work in. */
const worthShortening = 5;

/**
 * Counts what a turn does again and again, so that one that goes in circles and spends is told from one that gets on:
 * conversations made shorter in a row, the same error, the same tool called with the same and to the same end.
 */
export class Repetition {
  private compactions = 0;
  private calls = 0;
  private sinceCompaction = 0;
  private errors = 0;
  private lastError: string | undefined;
  private lastDid: string | undefined;
  private readonly counted = new Set<string>();

  /** What goes in circles, in words for people, once it has done so `bound` times in a row; 0: never. */
  take(sign: Sign, bound: number): string | undefined {
    const { times, what } = this.count(sign);
    return bound > 0 && times >= bound ? what : undefined;
  }

  private count(sign: Sign): { times: number; what: string } {
    switch (sign.kind) {
      case 'compaction':
        this.compactions = this.sinceCompaction < worthShortening ? this.compactions + 1 : 1;
        this.sinceCompaction = 0;
        return {
          times: this.compactions,
          what: `its conversation was compacted ${this.compactions} times in a row and does not get short enough to work in`,
        };
      case 'error':
        this.errors = sign.message === this.lastError ? this.errors + 1 : 1;
        this.lastError = sign.message;
        return { times: this.errors, what: `the same error came ${this.errors} times in a row: ${sign.message}` };
      case 'call':
        return this.countCall(sign);
    }
  }

  /** The end of a call may be told more than once, also long after it. */
  private countCall({ id, tool, did }: Extract<Sign, { kind: 'call' }>): { times: number; what: string } {
    if (this.counted.has(id)) return { times: 0, what: '' };
    this.counted.add(id);
    if (did === this.lastDid) {
      this.calls += 1;
    } else {
      this.calls = 1;
      this.sinceCompaction += 1;
      this.errors = 0;
    }
    this.lastDid = did;
    return { times: this.calls, what: `it called ${tool} ${this.calls} times in a row with the same, to the same end` };
  }
}
