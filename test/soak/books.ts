import { groupBy } from './group-by.ts';
import type { MessageBooks, OutboxEntry } from './judge-messages.ts';
import type { Unit, WorkBooks } from './judge-work.ts';
import type { StateChange } from './latency.ts';
import type { Confirmed } from './people.ts';
import { doubleOwners } from './ownership.ts';
import type { Passing, Past } from './ownership.ts';
import { acceptedIn, idsIn, reportedIn, sightingsIn } from './sightings.ts';
import type { SoakTown } from './town.ts';

/** Everything that is compared in the end. */
export interface Books {
  messages: MessageBooks;
  work: WorkBooks;
  states: RunState[];
  integrity: string;
}

/** Reads the store and the model's record; nothing may move meanwhile. */
export function readBooks(town: SoakTown, confirmed: Confirmed, passings: readonly Passing[]): Books {
  const { model } = town.folder;
  const results = new Set(model.requests.flatMap((request) => request.results));
  const states = stateChanges(town);
  const runs = groupBy(
    states.filter(({ state }) => state === 'starting'),
    ({ session }) => session,
  );
  return {
    messages: {
      entries: town.stored('SELECT * FROM messages ORDER BY sent_at').map(entryOf),
      seen: sightingsIn(model.messages()),
      read: idsIn(results),
      claimed: new Set([...confirmed.messages, ...acceptedIn(results)]),
      refusedAtOnce: confirmed.refused,
      stopped: new Set(states.flatMap(({ runId, state }) => (state === 'stopped' ? [runId] : []))),
      runs: new Map([...runs].map(([session, starts]) => [session, starts.length])),
    },
    work: {
      units: town.stored('SELECT * FROM work ORDER BY created_at').map(unitOf),
      confirmed: confirmed.units,
      reported: reportedIn(results),
      live: new Set(town.live.map(({ id }) => id)),
      twice: doubleOwners(passings, town.stored('SELECT * FROM work_history').map(pastOf)),
    },
    states,
    integrity: town
      .stored('PRAGMA integrity_check')
      .map((row) => String(row['integrity_check']))
      .join('; '),
  };
}

type Row = Record<string, unknown>;

const optional = <K extends string, T>(key: K, value: unknown, read: (value: unknown) => T): Partial<Record<K, T>> =>
  value === null || value === undefined ? {} : ({ [key]: read(value) } as Partial<Record<K, T>>);

function entryOf(row: Row): OutboxEntry {
  return {
    id: String(row['id']),
    from: String(row['sender']),
    to: String(row['recipient']),
    kind: String(row['kind']),
    state: String(row['state']),
    repeated: Number(row['repeated'] ?? 0) > 0,
    sentAt: Number(row['sent_at']),
    ...optional('reason', row['reason'], String),
    ...optional('deliveredAt', row['delivered_at'], Number),
    ...optional('closedAt', row['closed_at'], Number),
    ...optional('runId', row['run_id'], String),
  };
}

const pastOf = (row: Row): Past => ({
  unit: String(row['work_id']),
  state: String(row['state']),
  at: Number(row['at']),
});

function unitOf(row: Row): Unit {
  return {
    id: String(row['id']),
    state: String(row['state']),
    ...optional('owner', row['owner'], String),
    ...optional('note', row['note'], String),
  };
}

interface RunState extends StateChange {
  runId: string;
}

/** From the timeline: what each session was doing, from when. */
function stateChanges(town: SoakTown): RunState[] {
  const rows = town.stored(
    "SELECT at, session_id, run_id, type, detail FROM events WHERE type IN ('session.starting', 'session.status') ORDER BY seq",
  );
  return rows.map((row) => {
    const detail = JSON.parse(String(row['detail'])) as { state?: string; activity?: string };
    const state =
      row['type'] === 'session.starting'
        ? 'starting'
        : detail.state === 'running'
          ? (detail.activity ?? 'unknown')
          : (detail.state ?? 'unknown');
    return { session: String(row['session_id']), runId: String(row['run_id']), at: Number(row['at']), state };
  });
}
