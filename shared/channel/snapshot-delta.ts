/** What has changed between two snapshots of a town, so that windows are not sent all of it after every change. Pure. */
import { withoutUndefined } from '../platform/objects.ts';
import type { MergeView, SessionView, TownSnapshot, WorkView } from './views.ts';

/** The lists that grow with use, by what an entry is known by. Everything else is small, and goes as a whole. */
const keyed = {
  sessions: (session: SessionView) => session.id,
  work: (work: WorkView) => work.id,
  merges: (merge: MergeView) => merge.work,
} as const;

type KeyedList = keyof typeof keyed;

/** `set`: entries that are others, at their places; `gone`: their keys; `put`: new ones with their places in the new list, from the first on. */
interface ListDelta<T> {
  set?: readonly T[];
  gone?: readonly string[];
  put?: readonly (readonly [place: number, entry: T])[];
}

export interface SnapshotDelta {
  /** The revision of the snapshot that it is to be applied to. */
  from: number;
  /** What is not named here is as it was. */
  whole: Partial<Omit<TownSnapshot, KeyedList>> & { revision: number };
  sessions?: ListDelta<SessionView>;
  work?: ListDelta<WorkView>;
  merges?: ListDelta<MergeView>;
}

/** What is the same object in both is taken to be the same. */
export function deltaOf(before: TownSnapshot, now: TownSnapshot): SnapshotDelta {
  const whole = Object.fromEntries(
    Object.entries(now).filter(([key, value]) => !(key in keyed) && before[key as keyof TownSnapshot] !== value),
  );
  return {
    from: before.revision,
    whole: { ...whole, revision: now.revision },
    ...withoutUndefined({
      sessions: listDelta(before.sessions, now.sessions, keyed.sessions),
      work: listDelta(before.work, now.work, keyed.work),
      merges: listDelta(before.merges, now.merges, keyed.merges),
    }),
  };
}

/** Entries that have not changed stay the same objects, and so do lists. */
export function applyDelta(before: TownSnapshot, { whole, sessions, work, merges }: SnapshotDelta): TownSnapshot {
  return {
    ...before,
    ...whole,
    ...(sessions && { sessions: applied(before.sessions, sessions, keyed.sessions) }),
    ...(work && { work: applied(before.work, work, keyed.work) }),
    ...(merges && { merges: applied(before.merges, merges, keyed.merges) }),
  };
}

function listDelta<T>(before: readonly T[], now: readonly T[], keyOf: (entry: T) => string): ListDelta<T> | undefined {
  if (before === now) return undefined;
  const inPlace = changedInPlace(before, now, keyOf);
  if (inPlace) return inPlace.length === 0 ? undefined : { set: inPlace };
  const known = new Map(before.map((entry) => [keyOf(entry), entry]));
  const stays = new Set<string>();
  const set: T[] = [];
  const put: [number, T][] = [];
  // An entry that has another place among those that stay is taken out, and put in there.
  const order = new Map(before.map((entry, index) => [keyOf(entry), index]));
  let last = -1;
  for (const [place, entry] of now.entries()) {
    const key = keyOf(entry);
    const at = order.get(key) ?? -1;
    if (at <= last) {
      put.push([place, entry]);
      continue;
    }
    last = at;
    stays.add(key);
    if (known.get(key) !== entry) set.push(entry);
  }
  const gone = before.map(keyOf).filter((key) => !stays.has(key));
  return {
    ...(set.length === 0 ? {} : { set }),
    ...(gone.length === 0 ? {} : { gone }),
    ...(put.length === 0 ? {} : { put }),
  };
}

/** The entries that are others, where none has come, gone or moved: how it mostly is. */
function changedInPlace<T>(
  before: readonly T[],
  now: readonly T[],
  keyOf: (entry: T) => string,
): readonly T[] | undefined {
  if (before.length !== now.length) return undefined;
  const set: T[] = [];
  for (const [index, entry] of now.entries()) {
    const old = before[index]!;
    if (old === entry) continue;
    if (keyOf(old) !== keyOf(entry)) return undefined;
    set.push(entry);
  }
  return set;
}

function applied<T>(
  before: readonly T[],
  { set = [], gone = [], put = [] }: ListDelta<T>,
  keyOf: (entry: T) => string,
): T[] {
  const others = new Map(set.map((entry) => [keyOf(entry), entry]));
  const left = new Set(gone);
  const stay = before.filter((entry) => !left.has(keyOf(entry))).map((entry) => others.get(keyOf(entry)) ?? entry);
  const now: T[] = [];
  let next = 0;
  for (const [place, entry] of put) {
    while (now.length < place && next < stay.length) now.push(stay[next++]!);
    now.push(entry);
  }
  while (next < stay.length) now.push(stay[next++]!);
  return now;
}
