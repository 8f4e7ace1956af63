/**
 * The status of a session: a pure reducer over reported events (DESIGN D1). A session is reported by up to three
 * sources, each ordered in itself but not against the others. Every source fills a slot of its own, and the status is
 * a pure function of the slots: so however the sources interleave, and however often an event is repeated, the same
 * events end in the same status.
 */
import type { SessionState } from '../domain/orchestrator.ts';
import type { Activity, Ask } from '../domain/activity.ts';
import type { Source, StatusReport } from '../domain/status-report.ts';

export interface StatusEvent {
  /** The incarnation of the session that this is about; another one's status is not changed by it. */
  runId: string;
  source: Source;
  /** Counts up within one source of one run; a number that is not higher than the last is a repetition. */
  seq: number;
  /** Epoch milliseconds on the host's clock. */
  at: number;
  fact: StatusReport;
  /** What happened, in the reporting program's words, e.g. `session.status busy`. */
  cause: string;
}

interface Reading {
  activity: Activity;
  at: number;
  since: number;
  cause: string;
}

interface Slot {
  seq: number;
  reading?: Reading;
  asked: Record<string, Ask>;
  answered: Record<string, number>;
  ready?: { at: number; cause: string };
  parked?: { at: number; activity: Activity; cause: string };
  stopping?: { at: number };
  ended?: { at: number; cause: string; error?: string; unseen?: true; lostWith?: string };
  failed?: { at: number; error: string };
  givenUp?: { at: number; cause: string };
}

export interface StatusModel {
  runId: string;
  startedAt: number;
  slots: Record<Source, Slot>;
}

/** What everything else sees. */
export interface Status {
  state: SessionState;
  activity: Activity;
  asks: Ask[];
  since: number;
  cause: string;
  /** It ended while no host was there: not because anybody wanted that, and not for a fault that anybody saw. */
  endedUnseen: boolean;
  /** What it shared with others and ended with. */
  lostWith: string | undefined;
}

const emptySlot = (): Slot => ({ seq: -1, asked: {}, answered: {} });

/** A run that has just been asked for: `starting`. */
export function newStatusModel(runId: string, at: number): StatusModel {
  return { runId, startedAt: at, slots: { host: emptySlot(), program: emptySlot(), inside: emptySlot() } };
}

/** Pure. Returns the same object when the event changes nothing (another run, repetition). */
export function reduceStatus(model: StatusModel, event: StatusEvent): StatusModel {
  const slot = model.slots[event.source];
  if (event.runId !== model.runId || event.seq <= slot.seq) return model;
  return { ...model, slots: { ...model.slots, [event.source]: withFact({ ...slot, seq: event.seq }, event) } };
}

function withFact(slot: Slot, { fact, at, cause }: StatusEvent): Slot {
  const read = (activity: Activity): Slot => {
    const same = slot.reading !== undefined && sameActivity(slot.reading.activity, activity);
    return { ...slot, reading: { activity, at, since: same ? slot.reading!.since : at, cause } };
  };
  switch (fact.kind) {
    case 'ready':
      return slot.ready ? slot : { ...slot, ready: { at, cause } };
    case 'busy':
    case 'idle':
      return read({ kind: fact.kind });
    case 'waiting':
      return read({ kind: 'attention', ask: fact.ask });
    case 'rate-limited':
      return read(limitOf(fact));
    case 'parked':
      return { ...slot, parked: { at, activity: limitOf(fact), cause } };
    case 'resumed': {
      const { parked: _over, ...others } = slot;
      return others;
    }
    case 'asked':
      return { ...slot, asked: { ...slot.asked, [fact.ask.id]: fact.ask } };
    case 'answered':
      return { ...slot, answered: { ...slot.answered, [fact.askId]: at } };
    case 'stopping':
      return { ...slot, stopping: { at } };
    case 'ended':
      return slot.ended
        ? slot
        : {
            ...slot,
            ended: {
              at,
              cause,
              ...(fact.error ? { error: fact.error } : {}),
              ...(fact.unseen ? { unseen: true } : {}),
              ...(fact.lostWith ? { lostWith: fact.lostWith } : {}),
            },
          };
    case 'failed':
      return slot.failed ? slot : { ...slot, failed: { at, error: fact.error } };
    case 'given-up':
      return slot.givenUp ? slot : { ...slot, givenUp: { at, cause } };
  }
}

/** Pure. The same with all its times moved by so many ms: what was before stays before when the clock was set. */
export function shiftStatus(model: StatusModel, by: number): StatusModel {
  const { host, program, inside } = model.slots;
  const slots = { host: shiftSlot(host, by), program: shiftSlot(program, by), inside: shiftSlot(inside, by) };
  return { ...model, startedAt: model.startedAt + by, slots };
}

/** What is asked keeps its time: it is known by that elsewhere. */
function shiftSlot({ reading, ready, parked, stopping, ended, failed, givenUp, ...slot }: Slot, by: number): Slot {
  const moved = <T extends { at: number }>(each: T): T => ({ ...each, at: each.at + by });
  return {
    ...slot,
    answered: Object.fromEntries(Object.entries(slot.answered).map(([id, at]) => [id, at + by])),
    ...(reading && { reading: { ...moved(reading), since: reading.since + by } }),
    ...(ready && { ready: moved(ready) }),
    ...(parked && { parked: moved(parked) }),
    ...(stopping && { stopping: moved(stopping) }),
    ...(ended && { ended: moved(ended) }),
    ...(failed && { failed: moved(failed) }),
    ...(givenUp && { givenUp: moved(givenUp) }),
  };
}

function limitOf({ until, reason, failing }: { until: number; reason: string; failing?: true }): Activity {
  return { kind: 'rate-limited', until, reason, ...(failing ? { failing } : {}) };
}

function sameActivity(a: Activity, b: Activity): boolean {
  if (a.kind === 'attention' && b.kind === 'attention') return a.ask === b.ask;
  if (a.kind === 'rate-limited' && b.kind === 'rate-limited') return a.until === b.until;
  return a.kind === b.kind;
}

const sources: readonly Source[] = ['host', 'program', 'inside'];

/** Pure: the status that the slots add up to. */
export function deriveStatus(model: StatusModel): Status {
  const slots = sources.map((source) => model.slots[source]);
  const givenUp = earliest(slots.flatMap((slot) => slot.givenUp ?? []));
  if (givenUp) return ended('stopped', givenUp.at, givenUp.cause);
  const failed = earliest(slots.flatMap((slot) => slot.failed ?? []));
  if (failed) return ended('failed', failed.at, failed.error);
  const end = earliest(slots.flatMap((slot) => slot.ended ?? []));
  const stopping = earliest(slots.flatMap((slot) => slot.stopping ?? []));
  if (end) {
    // A death that we asked for is a stop, whatever exit code it came with.
    if (end.unseen && !stopping) return { ...ended('stopped', end.at, end.cause), endedUnseen: true };
    if (stopping || end.error === undefined) return ended('stopped', end.at, end.cause);
    return { ...ended('failed', end.at, end.error), lostWith: end.lostWith };
  }
  const ready = earliest(slots.flatMap((slot) => slot.ready ?? []));
  const asks = openAsks(model);
  if (!ready) {
    // A dialog before the session begins (about trust in the folder): only the user can let it go on.
    const dialog = newest(model);
    if (dialog?.activity.kind === 'attention') {
      return alive({ state: 'starting', activity: dialog.activity, asks, since: dialog.since, cause: dialog.cause });
    }
    return alive({
      state: 'starting',
      activity: { kind: 'unknown' },
      asks,
      since: model.startedAt,
      cause: 'spawn requested',
    });
  }
  const first = asks[0];
  if (first) {
    return alive({
      state: 'running',
      activity: { kind: 'attention', ask: first.kind },
      asks,
      since: first.since,
      cause: `waits: ${first.title}`,
    });
  }
  const reading = newest(model);
  const answered = lastAnswer(model);
  if (reading?.activity.kind === 'attention' && answered !== undefined && answered >= reading.at) {
    // The program has not yet said that it goes on after the answer.
    return alive({ state: 'running', activity: { kind: 'busy' }, asks, since: answered, cause: 'answered' });
  }
  const parked = model.slots.host.parked;
  if (
    parked &&
    (reading === undefined || reading.activity.kind === 'idle' || reading.activity.kind === 'rate-limited')
  ) {
    return alive({ state: 'running', activity: parked.activity, asks, since: parked.at, cause: parked.cause });
  }
  if (!reading)
    return alive({ state: 'running', activity: { kind: 'unknown' }, asks, since: ready.at, cause: ready.cause });
  return alive({ state: 'running', activity: reading.activity, asks, since: reading.since, cause: reading.cause });
}

function alive(status: Omit<Status, 'endedUnseen' | 'lostWith'>): Status {
  return { ...status, endedUnseen: false, lostWith: undefined };
}

function ended(state: SessionState, at: number, cause: string): Status {
  return { state, activity: { kind: 'unknown' }, asks: [], since: at, cause, endedUnseen: false, lostWith: undefined };
}

function earliest<T extends { at: number }>(items: T[]): T | undefined {
  return items.reduce<T | undefined>((a, b) => (a === undefined || b.at < a.at ? b : a), undefined);
}

/** The newest reading; at the same millisecond the program's own word counts more than the reporter inside it. */
function newest(model: StatusModel): Reading | undefined {
  const { program, inside } = model.slots;
  if (!program.reading || !inside.reading) return program.reading ?? inside.reading;
  return inside.reading.at > program.reading.at ? inside.reading : program.reading;
}

function lastAnswer(model: StatusModel): number | undefined {
  const times = sources.flatMap((source) => Object.values(model.slots[source].answered));
  return times.length === 0 ? undefined : Math.max(...times);
}

/** Asked by any source, and answered by none; oldest first. */
function openAsks(model: StatusModel): Ask[] {
  const asked = new Map<string, Ask>();
  for (const source of sources) {
    for (const ask of Object.values(model.slots[source].asked)) if (!asked.has(ask.id)) asked.set(ask.id, ask);
  }
  for (const source of sources) for (const id of Object.keys(model.slots[source].answered)) asked.delete(id);
  return [...asked.values()].sort((a, b) => a.since - b.since || a.id.localeCompare(b.id));
}
