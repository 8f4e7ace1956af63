import { groupBy } from './group-by.ts';
import type { Latency } from './figures.ts';

/** What is known of a session's state from some moment on. */
export interface StateChange {
  session: string;
  /** Epoch milliseconds. */
  at: number;
  /** The activity while it runs (`idle`, `busy`, …), else its state (`starting`, `failed`, …). */
  state: string;
}

export interface TimedDelivery {
  to: string;
  sentAt: number;
  deliveredAt: number;
  /** Something else was waiting for the target when this was sent. */
  behind: boolean;
}

/** Pure. The p50, p95 and maximum for each state that a target was in when something was sent to it. */
export function latencies(
  deliveries: readonly TimedDelivery[],
  changes: readonly StateChange[],
): Record<string, Latency> {
  const bySession = groupBy(changes, ({ session }) => session);
  for (const list of bySession.values()) list.sort((a, b) => a.at - b.at);
  const byState = groupBy(deliveries, ({ to, sentAt, behind }) => {
    const state = stateAt(bySession.get(to) ?? [], sentAt);
    // Between two turns of a session that has more to do.
    return state === 'idle' && behind ? 'busy' : state;
  });
  const entries = [...byState].map(([state, list]): [string, Latency] => {
    const times = list.map(({ sentAt, deliveredAt }) => deliveredAt - sentAt).sort((a, b) => a - b);
    return [state, { p50: percentile(times, 50), p95: percentile(times, 95), max: times.at(-1) ?? 0 }];
  });
  return Object.fromEntries(entries.sort(([a], [b]) => a.localeCompare(b)));
}

/** Pure; `changes` of one session, oldest first. */
function stateAt(changes: readonly StateChange[], at: number): string {
  return changes.findLast((change) => change.at <= at)?.state ?? 'unknown';
}

/** Pure. The nearest-rank percentile of an ascending list; 0 of an empty one. */
export function percentile(ascending: readonly number[], percent: number): number {
  const rank = Math.max(1, Math.ceil((percent / 100) * ascending.length));
  return ascending[rank - 1] ?? 0;
}
