import type { Cause } from './causes.ts';

/** What comes within this time (ms) is told together; what is over by then, by the allow-list for example, is not told. */
export const gathering = 500;

/** Several units that are finished within this time (ms) are told by one notification. */
export const finishing = 3_000;

/** A session may say that it waits a moment before it says for what; so long the reason is waited for (ms). */
export const reasonBound = 2_000;

/** How things stand when causes are to be told. */
export interface Moment {
  /** Epoch milliseconds. */
  now: number;
  /** Whether this window may tell something now; else it is kept until it may. */
  mayTell: boolean;
  isOn(kind: Cause['kind']): boolean;
  /** The user is looking at the session, or is told of it, anyway. */
  isInView(cause: Cause): boolean;
}

/** Decides which causes are told when: each once, several together, and only while they hold. */
export class Announcer {
  /** Causes that hold and need no telling any more. */
  private readonly settled = new Set<string>();
  private readonly pending = new Map<string, { cause: Cause; at: number }>();
  private begun = false;

  /** The causes that hold now. What held before this window was there is told by the badge. */
  update(causes: readonly Cause[], now: number): void {
    const keys = new Set(causes.map(({ key }) => key));
    for (const held of [this.settled, this.pending])
      for (const key of [...held.keys()]) if (!keys.has(key)) held.delete(key);
    for (const cause of causes) {
      if (!this.begun) this.settled.add(cause.key);
      if (this.settled.has(cause.key)) continue;
      const at = this.pending.get(cause.key)?.at ?? now + delayOf(cause);
      this.pending.set(cause.key, { cause, at });
    }
    this.begun = true;
  }

  /** There is no town any more. */
  reset(): void {
    this.begun = false;
    this.settled.clear();
    this.pending.clear();
  }

  /** What is to be told now. */
  take({ now, mayTell, isOn, isInView }: Moment): Cause[] {
    if (!mayTell) return [];
    const due = [...this.pending.values()].filter(({ at }) => at <= now).map(({ cause }) => cause);
    // With the first one go all that are ready by now.
    const together = due.some(({ kind }) => kind === 'ready');
    const ripe = [...this.pending.values()]
      .map(({ cause }) => cause)
      .filter((cause) => due.includes(cause) || (together && cause.kind === 'ready'));
    for (const { key } of ripe) {
      this.pending.delete(key);
      this.settled.add(key);
    }
    return ripe.filter((cause) => isOn(cause.kind) && !isInView(cause));
  }

  /** When there will be something to take; undefined where nothing is pending. */
  get nextAt(): number | undefined {
    const times = [...this.pending.values()].map(({ at }) => at);
    return times.length === 0 ? undefined : Math.min(...times);
  }
}

function delayOf(cause: Cause): number {
  if (cause.kind === 'ready') return finishing;
  return cause.kind === 'waiting' && cause.wait.ask === undefined ? reasonBound : gathering;
}
