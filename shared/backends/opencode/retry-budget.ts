import type { TurnFailure } from '../../domain/run.ts';
import type { Disposable } from '../../platform/emitter.ts';
import { Timer } from '../../platform/timer.ts';

/** What a `retry` status says. */
export interface Retry {
  /** From 1, anew for each request to the provider. */
  attempt: number;
  /** When Opencode tries again, in epoch milliseconds. */
  next: number;
  failure: TurnFailure;
}

/**
 * Opencode tries again without end, at ever longer intervals. This bounds it: `giveUp` is called when one request has been
 * tried for longer than the patience lasts, or at once when the next try would come later than that.
 */
export class RetryBudget implements Disposable {
  private readonly lasts: () => number;
  private readonly now: () => number;
  private readonly awake: () => number;
  private readonly giveUp: (failure: TurnFailure) => void;
  /** When the request was first tried, by `awake`: what the machine sleeps is no trying. */
  private since: number | undefined;
  /** Of the newest retry. */
  private failure: TurnFailure | undefined;
  private readonly timer = new Timer(() => {
    if (this.failure) this.giveUp(this.failure);
  });

  /** `lasts` in ms; `now` and `awake` as a driver's host has them. */
  constructor(options: {
    lasts: () => number;
    now: () => number;
    awake: () => number;
    giveUp: (failure: TurnFailure) => void;
  }) {
    this.lasts = options.lasts;
    this.now = options.now;
    this.awake = options.awake;
    this.giveUp = options.giveUp;
  }

  retries({ attempt, next, failure }: Retry): void {
    const awake = this.awake();
    if (attempt <= 1) this.since = awake;
    this.since ??= awake;
    const remaining = this.since + this.lasts() - awake;
    this.timer.set(undefined);
    this.failure = failure;
    if (next - this.now() > remaining || remaining <= 0)
      this.giveUp(failure.kind === 'rate-limit' ? { ...failure, until: next } : failure);
    else this.timer.set(remaining);
  }

  /** A try is under way: it may succeed, so its end is waited for. */
  tries(): void {
    this.timer.set(undefined);
  }

  /** The turn is over. */
  over(): void {
    this.timer.set(undefined);
    this.since = undefined;
  }

  dispose(): void {
    this.timer.dispose();
  }
}
