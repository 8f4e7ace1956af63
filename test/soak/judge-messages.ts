import type { SoakReport } from './figures.ts';
import type { Asked, Sighting } from './sightings.ts';

/** An entry of the outbox, as the store has it in the end. */
export interface OutboxEntry {
  id: string;
  from: string;
  to: string;
  kind: string;
  state: string;
  reason?: string;
  /** Marked as possibly put before the model more than once. */
  repeated: boolean;
  sentAt: number;
  deliveredAt?: number;
  actedAt?: number;
  closedAt?: number;
  /** The run whose model has it. */
  runId?: string;
}

export interface MessageBooks {
  entries: readonly OutboxEntry[];
  seen: ReadonlyMap<string, Sighting>;
  /** Ids in what tools told the models. */
  read: ReadonlySet<string>;
  /** Ids that the host has told a sender are accepted. */
  claimed: ReadonlySet<string>;
  /** Sends that were refused at once, with a reason. */
  refusedAtOnce: number;
  /** Runs that were stopped deliberately. */
  stopped: ReadonlySet<string>;
  /** How many runs each session has had; the notice of unread mail is due once in each. */
  runs: ReadonlyMap<string, number>;
  /** When models were asked with what was put before them, by id. */
  asked: ReadonlyMap<string, Asked>;
}

export interface MessageVerdict {
  figures: SoakReport['messages'];
  /** Each a line for people. */
  problems: string[];
}

/**
 * A request is on its way for some milliseconds between the program that writes down that it asks and the model's process,
 * which is this one and has more to do. Before the request is made receipts came 200–1,700 ms early.
 */
const onTheWayMs = 100;

/** The user, who reads mail in the editor. */
const person = 'overseer';

/** Pure. Compares what the store says of every message with what the models saw. */
export function judgeMessages(books: MessageBooks): MessageVerdict {
  const { entries, refusedAtOnce } = books;
  const problems: string[] = [];
  const count = (holds: (entry: OutboxEntry) => boolean): number => entries.filter(holds).length;
  const lost = entries.flatMap((entry) => lossOf(entry, books) ?? []);
  const known = new Set(entries.map(({ id }) => id));
  for (const id of books.claimed)
    if (!known.has(id)) lost.push(`${id}: its sender was told "accepted", but the store does not know it`);
  const early = entries.flatMap((entry) => {
    const { delivered, acted } = earliness(entry, books);
    return [
      ...(delivered > onTheWayMs
        ? [`${nameOf(entry)}: "delivered" came ${delivered} ms before the model was asked`]
        : []),
      ...(acted > 0 ? [`${nameOf(entry)}: "acted" came ${acted} ms before its turn was over`] : []),
    ];
  });
  let doubled = 0;
  for (const entry of entries) {
    const more = repetitionsOf(entry, books);
    if (more === 0) continue;
    doubled += more;
    problems.push(`doubled: ${nameOf(entry)} was put before the model ${more + 1} times`);
  }
  return {
    figures: {
      sent: entries.length + refusedAtOnce,
      delivered: count(({ state }) => isDelivered(state)),
      lost: lost.length,
      doubled,
      falseReceipts: early.length,
      onTheWay: count((entry) => {
        const { delivered } = earliness(entry, books);
        return delivered > 0 && delivered <= onTheWayMs;
      }),
      markedRepeated: count(({ repeated }) => repeated),
      refused: count(({ state }) => isClosed(state)) + refusedAtOnce,
    },
    problems: [...lost.map((line) => `lost: ${line}`), ...early.map((line) => `false receipt: ${line}`), ...problems],
  };
}

const isDelivered = (state: string): boolean => state === 'delivered' || state === 'acted';
const isClosed = (state: string): boolean => state === 'refused' || state === 'expired' || state === 'dead';
const nameOf = ({ id, kind, from, to, state }: OutboxEntry): string => `${kind} ${id} from ${from} to ${to} (${state})`;

/** Why the entry's receipt is not true; undefined where it is. */
function lossOf(entry: OutboxEntry, { seen, read, stopped }: MessageBooks): string | undefined {
  const { id, to, kind, state, reason, runId } = entry;
  if (to === person) return undefined;
  if (isDelivered(state)) {
    // `gt mail inbox` prints broadcasts, too.
    const has = kind === 'mail' ? read.has(id) : seen.has(id) || (kind === 'broadcast' && read.has(id));
    // Whoever stops a session stops what has just been put before it; work is told anew to whoever goes on with it.
    const cut =
      state === 'delivered' && (kind === 'work' || kind === 'reminder' || (runId !== undefined && stopped.has(runId)));
    if (has || cut) return undefined;
    return `${nameOf(entry)}: the model never saw it`;
  }
  if (isClosed(state)) {
    if (reason === undefined || reason === '') return `${nameOf(entry)}: closed without a reason`;
    return seen.has(id) && kind !== 'mail' && !entry.repeated
      ? `${nameOf(entry)}: the model has it, but the receipt says ${reason}`
      : undefined;
  }
  // Mail waits until it is read.
  return kind === 'mail'
    ? undefined
    : `${nameOf(entry)}: neither delivered nor closed in the end${reason === undefined ? '' : ` (${reason})`}`;
}

/** How long before what it is for a receipt came, in ms; 0 or less where it did not. Of mail receipts say that it was read. */
function earliness({ id, kind, repeated, deliveredAt, actedAt }: OutboxEntry, { asked }: MessageBooks) {
  const at = asked.get(id);
  // Of what may have come twice the times of both are one.
  if (at === undefined || repeated || kind === 'mail') return { delivered: 0, acted: 0 };
  return { delivered: at.first - (deliveredAt ?? at.first), acted: at.last - (actedAt ?? at.last) };
}

function repetitionsOf({ id, to, kind, repeated }: OutboxEntry, { seen, runs }: MessageBooks): number {
  const sighting = seen.get(id);
  if (!sighting || repeated) return 0;
  return Math.max(0, sighting.times - (kind === 'mail' ? Math.max(1, runs.get(to) ?? 1) : 1));
}
