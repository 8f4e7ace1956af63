/**
 * A circuit breaker as a pure reducer: after some failures in a row nothing is started on a backend for a while, then
 * one trial is let through. A rate limit with a known end opens it at once, until then.
 */

/** What is kept of one breaker. Times are epoch milliseconds. */
export interface Breaker {
  /** `limited`: open because of the provider's limit. */
  state: 'closed' | 'open' | 'limited';
  /** Failures in a row, those of trials included. */
  failures: number;
  /** While open: when a trial is let through. */
  until?: number;
  /** Why it is open, or what failed last; empty where nothing has. */
  reason: string;
  changedAt: number;
}

export type BreakerEvent =
  /** It was started: a trial is over. What was counted stays, for one that starts and fails again and again. */
  | { kind: 'started' }
  /** It has done what it is there for. */
  | { kind: 'succeeded' }
  /** `final`: trying again at once cannot help (the program is missing or too old), so it opens without counting. */
  | { kind: 'failed'; reason: string; final?: true }
  /** The provider takes nothing before `until`. */
  | { kind: 'limited'; until: number; reason: string }
  /** The user wants it tried now. */
  | { kind: 'try-now' };

export interface BreakerPolicy {
  /** Failures in a row that open it. */
  failures: number;
  /** The first cool-down, in ms; each failed trial doubles it. */
  coolDownMs: number;
  longestCoolDownMs: number;
}

export const defaultBreakerPolicy: BreakerPolicy = { failures: 3, coolDownMs: 30_000, longestCoolDownMs: 600_000 };

export const closedBreaker = (at: number): Breaker => ({ state: 'closed', failures: 0, reason: '', changedAt: at });

/** Pure. Returns the same object when nothing changes. */
export function reduceBreaker(breaker: Breaker, event: BreakerEvent, at: number, policy: BreakerPolicy): Breaker {
  switch (event.kind) {
    case 'started':
      return breaker.state === 'closed'
        ? breaker
        : { state: 'closed', failures: breaker.failures, reason: '', changedAt: at };
    case 'succeeded':
      return breaker.state === 'closed' && breaker.failures === 0 ? breaker : closedBreaker(at);
    case 'failed': {
      const failures = breaker.failures + 1;
      if (breaker.state === 'closed' && failures < policy.failures && !event.final) {
        return { ...breaker, failures, reason: event.reason, changedAt: at };
      }
      const counted = Math.max(failures, policy.failures);
      const until = at + coolDown(counted - policy.failures, policy);
      return { state: 'open', failures: counted, until, reason: event.reason, changedAt: at };
    }
    case 'limited':
      if (event.until <= at) return breaker;
      if (breaker.state === 'limited' && breaker.until === event.until && breaker.reason === event.reason)
        return breaker;
      return { state: 'limited', failures: breaker.failures, until: event.until, reason: event.reason, changedAt: at };
    case 'try-now':
      return breaker.state === 'closed' || breaker.until === undefined || breaker.until <= at
        ? breaker
        : { ...breaker, until: at, changedAt: at };
  }
}

function coolDown(failedTrials: number, { coolDownMs, longestCoolDownMs }: BreakerPolicy): number {
  return Math.min(coolDownMs * 2 ** Math.min(failedTrials, 30), longestCoolDownMs);
}

/** Pure. What it is at this moment: an open one becomes half-open by the passing of time. */
export function stateAt({ state, until, changedAt }: Breaker, at: number): 'closed' | 'open' | 'half-open' {
  if (state === 'closed') return 'closed';
  // The clock was set back since: its pause would last for longer by as much, unlike a limit that the provider has named.
  if (state === 'open' && changedAt > at) return 'half-open';
  return until !== undefined && until <= at ? 'half-open' : 'open';
}

/** A breaker that is not closed, as it is shown. */
export interface OpenBreaker {
  state: 'open' | 'half-open';
  /** It is the provider's limit: trying it before cannot help. */
  limited?: true;
  /** Epoch milliseconds at which a trial is let through; absent when one is let through now. */
  until?: number;
  reason: string;
}
