import type { Logger } from './logger.ts';

/** One line of each kind in this time, in ms. */
const every = 60_000;

/** For what others can make happen as often as they like: tells the first of each kind at once, and then how many came since. */
export class LimitedLog {
  private readonly log: Logger;
  private readonly now: () => number;
  private readonly kinds = new Map<string, { toldAt: number; since: number }>();

  constructor(log: Logger, now: () => number = () => performance.now()) {
    this.log = log;
    this.now = now;
  }

  /** `kind` is one of a few words; `message` may be different each time. */
  warn(kind: string, message: string): void {
    const known = this.kinds.get(kind);
    const now = this.now();
    if (known && now - known.toldAt < every) {
      known.since += 1;
      return;
    }
    this.kinds.set(kind, { toldAt: now, since: 0 });
    this.log.warn(known?.since ? `${message} (and ${known.since} times since the last such line)` : message);
  }
}
