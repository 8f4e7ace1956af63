import type { StoredMessage } from '../store/messages.ts';

/** At most so many entries, and so many bytes of text (UTF-8), are put before a model at once; the rest follows in the next turn. */
export const deliveryBounds = { entries: 20, bytes: 24_000 } as const;

type Facts = Pick<StoredMessage, 'kind' | 'priority' | 'attempts'>;

/**
 * Which of the due entries (in the order of acceptance) go into the next delivery, in which order: urgent ones first. Work
 * comes before the rest, one unit at a time: it is what the turn is about, a message that came before it is often about
 * it, and nothing has to wait for the end of what may be a long turn. An entry that failed before goes alone when it is
 * its turn, so that it cannot take others down with it. Pure.
 */
export function nextBatch<T extends Facts>(
  due: readonly T[],
  bytesOf: (entry: T) => number,
  bounds: typeof deliveryBounds = deliveryBounds,
): T[] {
  const urgent = due.filter(({ priority }) => priority === 'urgent');
  const ordered = [...urgent, ...due.filter(({ priority }) => priority !== 'urgent')];
  const work = ordered.find(({ kind }) => kind === 'work');
  const queue = [...(work ? [work] : []), ...ordered.filter(({ kind }) => kind !== 'work')];
  const batch: T[] = [];
  let bytes = 0;
  for (const entry of queue) {
    bytes += bytesOf(entry);
    const fits = batch.length < bounds.entries && bytes <= bounds.bytes && entry.attempts === 0;
    if (batch.length > 0 && !fits) break;
    batch.push(entry);
    if (entry.attempts > 0) break;
  }
  return batch;
}
