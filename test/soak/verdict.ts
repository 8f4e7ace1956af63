import type { Books } from './books.ts';
import type { SoakReport } from './figures.ts';
import { groupBy } from './group-by.ts';
import { judgeMessages } from './judge-messages.ts';
import type { OutboxEntry } from './judge-messages.ts';
import { judgeWork } from './judge-work.ts';
import { latencies } from './latency.ts';
import type { TimedDelivery } from './latency.ts';

export interface Verdict {
  figures: Pick<SoakReport, 'messages' | 'work' | 'latencyMs'>;
  /** Each a line for people; none where everything is as it has to be. */
  problems: string[];
}

/** Pure. */
export function judge({ messages, work, states, integrity }: Books): Verdict {
  const sent = judgeMessages(messages);
  const done = judgeWork(work);
  return {
    figures: { messages: sent.figures, work: done.figures, latencyMs: latencies(timed(messages.entries), states) },
    problems: [
      ...sent.problems,
      ...done.problems,
      ...(integrity === 'ok' ? [] : [`the database is damaged: ${integrity}`]),
    ],
  };
}

/** Nudges and broadcasts: mail is delivered by being read, when the reader likes. */
function timed(entries: readonly OutboxEntry[]): TimedDelivery[] {
  return [...groupBy(entries, ({ to }) => to).values()].flatMap((mates) =>
    mates.flatMap(({ id, kind, to, sentAt, deliveredAt }) => {
      if ((kind !== 'nudge' && kind !== 'broadcast') || deliveredAt === undefined) return [];
      const behind = mates.some(
        (mate) => mate.id !== id && mate.kind !== 'mail' && mate.sentAt < sentAt && endOf(mate) > sentAt,
      );
      return [{ to, sentAt, deliveredAt, behind }];
    }),
  );
}

const endOf = ({ deliveredAt, closedAt }: OutboxEntry): number => deliveredAt ?? closedAt ?? Number.POSITIVE_INFINITY;
