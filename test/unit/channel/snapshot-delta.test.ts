import fc from 'fast-check';
import { expect, test } from 'vitest';
import { applyDelta, deltaOf } from '../../../shared/channel/snapshot-delta.ts';
import type { TownSnapshot } from '../../../shared/channel/views.ts';

const base: TownSnapshot = {
  revision: 1,
  root: '/town',
  name: 'town',
  rigs: [],
  sessions: [],
  work: [],
  merges: [],
  batches: [],
  escalations: [],
  problems: [],
  backends: [],
  worktrees: [],
  starting: [],
  messagesRevision: 0,
};

/** Entries with few ids, so that lists share many; `value` is what one says. */
const list = (key: string) =>
  fc
    .uniqueArray(fc.record({ id: fc.integer({ min: 0, max: 12 }), value: fc.integer({ min: 0, max: 2 }) }), {
      selector: ({ id }) => id,
      maxLength: 12,
    })
    .map((entries) => entries.map(({ id, value }) => ({ [key]: `x-${id}`, value })));

const snapshots = fc.array(
  fc.record({ sessions: list('id'), work: list('id'), merges: list('work'), messagesRevision: fc.nat(3) }),
  { minLength: 2, maxLength: 6 },
);

/** As the host keeps them: an entry that says the same stays the same object. */
function sharing(before: TownSnapshot, now: TownSnapshot): TownSnapshot {
  const shared = <T>(old: readonly T[], entries: readonly T[]): readonly T[] => {
    const made = entries.map((entry) => old.find((each) => JSON.stringify(each) === JSON.stringify(entry)) ?? entry);
    return made.length === old.length && made.every((entry, index) => entry === old[index]) ? old : made;
  };
  return {
    ...now,
    sessions: shared(before.sessions, now.sessions),
    work: shared(before.work, now.work),
    merges: shared(before.merges, now.merges),
  };
}

const asSent = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

test('who is told of each change has what everybody has who looks, whatever came, went, changed or moved', () => {
  fc.assert(
    fc.property(snapshots, (all) => {
      let host = base;
      let window = asSent(base);
      for (const [index, lists] of all.entries()) {
        const next = sharing(host, { ...base, ...(lists as unknown as Partial<TownSnapshot>), revision: index + 2 });
        window = applyDelta(window, asSent(deltaOf(host, next)));
        host = next;
        expect(window).toEqual(asSent(host));
      }
    }),
  );
});

test('a change of one unit among thousands is told by that unit alone', () => {
  const work = Array.from({ length: 5_000 }, (_, index) => ({ id: `issue-${index}`, state: 'open' }));
  const before = { ...base, work } as unknown as TownSnapshot;
  const changed = work.map((each) => (each.id === 'issue-7' ? { ...each, state: 'queued' } : each));
  const after = { ...before, revision: 2, work: changed } as unknown as TownSnapshot;
  expect(deltaOf(before, after)).toEqual({
    from: 1,
    whole: { revision: 2 },
    work: { set: [{ id: 'issue-7', state: 'queued' }] },
  });
  const { work: shown } = applyDelta(before, deltaOf(before, after));
  expect(shown[3]).toBe(before.work[3]);
});
