/** Which branches are tried next, and together. Pure: who carries it out knows git and gates, this knows neither. */
import type { MergeQueuePolicy } from '../config/merge-queue-settings.ts';

/** One that waits in the queue. */
export interface Waiting {
  workId: string;
  target: string;
  /** 0 is the most urgent. */
  priority: number;
  /** Epoch milliseconds. */
  since: number;
}

/** Those that failed together and are tried apart from now on, group by group. */
export type Suspects = readonly (readonly string[])[];

export type QueuePlan =
  /** `suspects` is what is left of them then. */
  | { kind: 'try'; batch: readonly string[]; suspects: Suspects }
  /** Others may come that are tried with it. */
  | { kind: 'wait'; until: number }
  | { kind: 'idle' };

/** So long in the queue counts as much as one level of priority, in ms: whatever comes, nothing waits for ever. */
export const agingMs = 3_600_000;

/** The order in which they come: by priority, which rises with the time that they have waited; then the oldest first. */
export function inOrder<T extends Waiting>(waiting: readonly T[], now: number): T[] {
  const rank = ({ priority, since }: T): number => priority - Math.max(0, now - since) / agingMs;
  return [...waiting].sort(
    (a, b) => rank(a) - rank(b) || a.since - b.since || (a.workId < b.workId ? -1 : a.workId > b.workId ? 1 : 0),
  );
}

/**
 * The next batch: what is left of one that failed, else the first ones in order that go to the same target. One place of a
 * batch of several is for whoever has waited longest, so that a steady stream of urgent ones holds up nobody.
 */
export function planQueue(
  waiting: readonly Waiting[],
  suspects: Suspects,
  { batchSize, batchWaitMs }: Pick<MergeQueuePolicy, 'batchSize' | 'batchWaitMs'>,
  now: number,
): QueuePlan {
  const known = new Map(waiting.map((each) => [each.workId, each]));
  for (const [index, group] of suspects.entries()) {
    const batch = group.filter((workId) => known.has(workId));
    if (batch.length > 0) return { kind: 'try', batch, suspects: suspects.slice(index + 1) };
  }
  const oldest = [...waiting].sort((a, b) => a.since - b.since)[0];
  const ordered = inOrder(waiting, now);
  const [first] = ordered;
  if (!first || !oldest) return { kind: 'idle' };
  const together = ordered.filter(({ target }) => target === first.target);
  const batch = together.slice(0, batchSize);
  if (batchSize > 1 && !batch.includes(oldest) && oldest.target === first.target)
    batch.splice(batchSize - 1, 1, oldest);
  const until = oldest.since + batchWaitMs;
  // One from a time to come is from before the clock was set back: it has waited.
  if (batch.length < batchSize && until > now && oldest.since <= now) return { kind: 'wait', until };
  return { kind: 'try', batch: batch.map(({ workId }) => workId), suspects: [] };
}

/** After a batch of several has failed: its halves are tried apart, before all others. */
export function divide(batch: readonly string[], suspects: Suspects): Suspects {
  const half = Math.ceil(batch.length / 2);
  return [batch.slice(0, half), batch.slice(half), ...suspects];
}
