import { groupBy } from './group-by.ts';
import type { MessageBooks, OutboxEntry } from './judge-messages.ts';
import type { Unit, WorkBooks } from './judge-work.ts';
import type { StateChange } from './latency.ts';
import type { Confirmed } from './people.ts';
import { doubleOwners } from './ownership.ts';
import type { Passing, Past } from './ownership.ts';
import { acceptedIn, askedIn, idsIn, reportedIn, sightingsIn } from './sightings.ts';
import type { SoakTown } from './town.ts';
import { eventsOf, historyRows, integrityOf, messageRows, unitRows } from '../support/questions.ts';
import type { Row } from '../support/questions.ts';

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
      entries: messageRows(town).map(entryOf),
      seen: sightingsIn(model.messages()),
      read: idsIn(results),
      claimed: new Set([...confirmed.messages, ...acceptedIn(results)]),
      refusedAtOnce: confirmed.refused,
      stopped: new Set(states.flatMap(({ runId, state }) => (state === 'stopped' ? [runId] : []))),
      runs: new Map([...runs].map(([session, starts]) => [session, starts.length])),
      asked: askedIn(model.requests),
    },
    work: {
      units: unitRows(town).map(unitOf),
      confirmed: confirmed.units,
      reported: reportedIn(results),
      live: new Set(town.live.map(({ id }) => id)),
      twice: doubleOwners(passings, historyRows(town).map(pastOf)),
    },
    states,
    integrity: integrityOf(town),
  };
}

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
    ...optional('actedAt', row['acted_at'], Number),
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
  const events = eventsOf(town).filter(({ type }) => type === 'session.starting' || type === 'session.status');
  return events.map(({ session, run: runId, at, type, detail: text }) => {
    const detail = JSON.parse(text) as { state?: string; activity?: string };
    const state =
      type === 'session.starting'
        ? 'starting'
        : detail.state === 'running'
          ? (detail.activity ?? 'unknown')
          : (detail.state ?? 'unknown');
    return { session, runId, at, state };
  });
}
