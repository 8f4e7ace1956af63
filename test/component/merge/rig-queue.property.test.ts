import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mergeQueuePolicy } from '../../../shared/config/merge-queue-settings.ts';
import type { QueueActs } from '../../../shared/merge/queue-acts.ts';
import type { Proposal } from '../../../shared/merge/propose.ts';
import { RigQueue } from '../../../shared/merge/rig-queue.ts';
import type { Stack } from '../../../shared/merge/stack.ts';
import { silentLogger } from '../../../shared/platform/logger.ts';
import { Store } from '../../../shared/store/store.ts';
import { MergeService } from '../../../shared/work/merges.ts';
import { makeClock } from '../../support/core.ts';

const runs = Number(process.env['GASTOWN_RUNS'] ?? 80);

interface Unit {
  priority: number;
  /** Its gates fail, with whatever it is tried. */
  bad: boolean;
  /** It changes this file: two that change the same one conflict. */
  file: number;
  /** Gates fail where it is together with a unit of the same number (never with number 0). */
  clash: number;
  /** With it the gates pass on a target that fails them by itself. */
  mends: boolean;
}

type Step =
  | { kind: 'arrive' | 'round'; unit: number }
  | { kind: 'dirty' | 'clean' | 'by-hand' }
  /** Somebody breaks the target by hand, or mends it. */
  | { kind: 'redden' | 'green' }
  | { kind: 'vanish'; unit: number }
  /** The host dies at its next act but so many, of a landing before or after the target has moved. */
  | { kind: 'crash'; in: number; late: boolean }
  /** A good gate fails at its next run. */
  | { kind: 'flake' }
  | { kind: 'settle' };

interface Commit {
  parent: string | undefined;
  /** Heads that it has. */
  heads: ReadonlySet<string>;
  /** Its gates fail by themselves. */
  red: boolean;
}

/** A repository of which only that is known which a merge queue can see. */
class World {
  readonly units: readonly Unit[];
  readonly commits = new Map<string, Commit>([['root', { parent: undefined, heads: new Set(), red: false }]]);
  readonly gated = new Set<string>();
  readonly rounds = new Map<number, number>();
  readonly gone = new Set<number>();
  /** Pull requests, by unit: what its branch is at. */
  readonly pulls = new Map<number, string>();
  target = 'root';
  /** What was tried last is on top of it. */
  onto = 'root';
  dirty = false;
  flake = false;
  crash: { in: number; late: boolean } | undefined;
  violations: string[] = [];

  constructor(units: readonly Unit[]) {
    this.units = units;
  }

  /** As a proposer does it: what is there already is brought up to date. */
  propose(head: string): void {
    const unit = numberOf(head);
    if (![...this.gated].some((commit) => this.heads(commit).has(head)))
      this.violations.push(`${head} was pushed without its gates`);
    this.pulls.set(unit, head);
  }

  head = (unit: number): string => `h${unit}.${this.rounds.get(unit) ?? 1}`;

  commit(parent: string, heads: ReadonlySet<string>, red = this.commits.get(parent)?.red ?? false): string {
    const id = `c${this.commits.size}`;
    const mended = [...heads].some((head) => !this.heads(parent).has(head) && this.units[numberOf(head)]?.mends);
    this.commits.set(id, { parent, heads, red: red && !mended });
    return id;
  }

  passes(commit: string): boolean {
    const units = this.unitsIn(commit);
    const clashes = units.map(({ clash }) => clash);
    const clash = clashes.some((number, at) => number !== 0 && clashes.indexOf(number) !== at);
    return !clash && !units.some(({ bad }) => bad) && !this.commits.get(commit)?.red;
  }

  unitsIn(commit: string): Unit[] {
    return [...this.heads(commit)].flatMap((head) => this.units[numberOf(head)] ?? []);
  }

  heads = (commit: string): ReadonlySet<string> => this.commits.get(commit)?.heads ?? new Set();

  isAncestor(commit: string, of: string): boolean {
    if (commit.startsWith('h')) return this.heads(of).has(commit);
    for (let at: string | undefined = of; at; at = this.commits.get(at)?.parent) if (at === commit) return true;
    return false;
  }

  move(from: string, to: string): void {
    if (!this.gated.has(to)) this.violations.push(`${to} landed without its gates`);
    const before = [...this.heads(from)].map(numberOf);
    for (const head of this.heads(to))
      if (!this.heads(from).has(head) && before.includes(numberOf(head)))
        // Another round of the same unit is another head, which is merged on purpose.
        if (head.endsWith('.1')) this.violations.push(`${head} landed twice`);
    this.target = to;
  }
}

const numberOf = (head: string): number => Number(/^h(\d+)\./.exec(head)?.[1]);

class Crash extends Error {}

function actsIn(world: World, alive: () => boolean, die: () => void): QueueActs {
  const act = async <T>(work: () => T, late?: () => void): Promise<T> => {
    await Promise.resolve();
    if (!alive()) throw new Crash();
    if (world.crash && (world.crash.in -= 1) < 0) {
      if (world.crash.late) late?.();
      world.crash = undefined;
      die();
      throw new Crash();
    }
    return work();
  };
  return {
    headOf: (branch) =>
      act(() => {
        if (branch === 'main') return world.target;
        const unit = Number(branch.slice(1));
        return world.gone.has(unit) ? undefined : world.head(unit);
      }),
    isAncestor: (commit, of) => act(() => world.isAncestor(commit, of)),
    stack: (onto, merges) =>
      act((): Stack => {
        const [members, contained, conflicts, crossed]: [Stack['members'][number][], string[], Files[], Files[]] = [
          [],
          [],
          [],
          [],
        ];
        let tip = onto;
        world.onto = onto;
        for (const { workId, head } of merges) {
          const file = world.units[numberOf(head)]?.file;
          const touches = (commit: string): boolean =>
            [...world.heads(commit)].some(
              (other) => numberOf(other) !== numberOf(head) && world.units[numberOf(other)]?.file === file,
            );
          if (world.heads(onto).has(head)) contained.push(workId);
          else if (touches(onto)) conflicts.push({ workId, files: [`file-${file}`] });
          else if (touches(tip)) crossed.push({ workId, files: [`file-${file}`] });
          else {
            const commit = world.commit(tip, new Set([...world.heads(tip), head]));
            members.push({ workId, commit, previous: tip });
            tip = commit;
          }
        }
        return { tip, members, contained, conflicts, crossed };
      }),
    gates: (commit) =>
      act(() => {
        const passes = !world.flake && world.passes(commit);
        world.flake = false;
        if (passes) world.gated.add(commit);
        const state = passes ? ('passed' as const) : ('failed' as const);
        return { state, results: [{ name: 'test', state, took: 1 }] };
      }),
    gatesKey: () => 'test',
    land: ({ from, to }) => {
      const move = (): void => {
        if (world.target === from && !world.dirty) world.move(from, to);
      };
      return act(() => {
        if (world.target !== from) return { kind: 'refused', why: 'moved', words: 'stale info' } as const;
        if (world.dirty) return { kind: 'refused', why: 'dirty', words: 'unstaged changes' } as const;
        move();
        return { kind: 'landed' } as const;
      }, move);
    },
    tipOf: () => act(() => world.target),
    touching: () => act(() => []),
    push: () => act(() => undefined),
    lookAtPull: () => act(() => (world.dirty ? offline : { kind: 'none' as const })),
    propose: ({ head }) => {
      const propose = (): void => {
        if (!world.dirty) world.propose(head);
      };
      return act(() => {
        propose();
        return world.dirty ? offline : { kind: 'open' as const };
      }, propose);
    },
  };
}

const offline: Proposal = { kind: 'problem', problem: { kind: 'unreachable', words: 'offline' } };

interface Files {
  workId: string;
  files: string[];
}

const unit = fc.record({
  priority: fc.integer({ min: 0, max: 4 }),
  bad: fc.boolean().map((bad) => bad),
  file: fc.integer({ min: 0, max: 9 }),
  clash: fc.integer({ min: 0, max: 6 }),
  mends: fc.boolean(),
});
const which = fc.integer({ min: 0, max: 7 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('arrive' as const), unit: which }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('round' as const), unit: which }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('vanish' as const), unit: which }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constantFrom('dirty' as const, 'clean' as const, 'by-hand' as const) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('crash' as const),
      in: fc.integer({ min: 0, max: 12 }),
      late: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('flake' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('redden' as const, 'green' as const) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('settle' as const) }) },
);

test.each([
  ['direct', 'the target only gains gated merges, each unit at most once'],
  ['pr', 'the target stays, pull requests are only of what has passed its gates'],
] as const)(
  'whatever comes, with the strategy %s %s, and everybody is served, or blamed for their own',
  async (strategy, _what) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(unit, { minLength: 8, maxLength: 8 }),
        fc.array(step, { minLength: 4, maxLength: 40 }),
        fc.integer({ min: 1, max: 5 }),
        async (units, steps, batchSize) => {
          const world = new World(units);
          const isDirect = strategy === 'direct';
          const { now } = makeClock();
          const store = new Store(':memory:');
          const merges = new MergeService(store, now, silentLogger);
          let queue!: RigQueue;
          const begin = (): void => {
            const host = { alive: true };
            queue = new RigQueue({
              rig: 'alpha',
              store: {
                transaction: (work) => store.transaction(work),
                backlog: store.backlog,
                get isOpen() {
                  return host.alive;
                },
              },
              merges,
              acts: actsIn(
                world,
                () => host.alive,
                () => {
                  host.alive = false;
                },
              ),
              policy: () => ({ ...mergeQueuePolicy(), batchSize, strategy }),
              priorityOf: (id) => units[Number(id.slice(5))]?.priority ?? 2,
              sharesBranch: () => false,
              standsStill: () => Promise.resolve(undefined),
              onFailed: ({ workId, state }) => {
                if (state === 'gate-failed' && !world.gated.has(world.onto))
                  world.violations.push(`${workId} is blamed, and nobody knows whether ${world.onto} passes by itself`);
              },
              onTargetRed: () => undefined,
              onHeld: () => undefined,
              onMerged: () => undefined,
              onReady: () => undefined,
              now,
              log: silentLogger,
            });
            const mine = queue;
            subscription?.dispose();
            subscription = merges.onDidChange(({ state }) => {
              if (state === 'queued') mine.wake();
            });
            isAlive = () => host.alive;
            queue.wake('checkout');
          };
          let subscription: { dispose(): unknown } | undefined;
          let isAlive = (): boolean => true;
          const settle = async (): Promise<void> => {
            await queue.settled();
            while (!isAlive()) {
              begin();
              await queue.settled();
            }
          };
          /** `gt done` with what it has now, and the user's word. */
          const approve = (number: number): void => {
            const [workId, head] = [`task-${number}`, world.head(number)];
            if (['merged', 'queued'].includes(merges.find(workId)?.state ?? '')) return;
            const branch = `b${number}`;
            const merge = merges.begin({ workId, rig: 'alpha', branch, target: 'main', base: 'root', head }, 'session');
            merges.move(merge, 'queued', { by: 'user' }, { approvedHead: head, approvedBy: 'user', queuedAt: now() });
          };
          begin();
          for (const each of steps) {
            if (each.kind === 'arrive') approve(each.unit);
            else if (each.kind === 'round') {
              world.rounds.set(each.unit, (world.rounds.get(each.unit) ?? 1) + 1);
              if (merges.find(`task-${each.unit}`)) approve(each.unit);
            } else if (each.kind === 'vanish') world.gone.add(each.unit);
            else if (each.kind === 'dirty') world.dirty = true;
            else if (each.kind === 'clean') {
              world.dirty = false;
              queue.wake('checkout');
            } else if (each.kind === 'by-hand') {
              world.target = world.commit(world.target, world.heads(world.target));
              queue.wake('checkout');
            } else if (each.kind === 'redden' || each.kind === 'green') {
              world.target = world.commit(world.target, world.heads(world.target), each.kind === 'redden');
              queue.wake('checkout');
            } else if (each.kind === 'crash') world.crash = { in: each.in, late: each.late };
            else if (each.kind === 'flake') world.flake = true;
            else await settle();
            await Promise.resolve();
          }
          world.dirty = false;
          world.flake = false;
          await settle();
          world.target = world.commit(world.target, world.heads(world.target), false);
          queue.wake('checkout');
          await settle();
          const left = merges.open().filter(({ state }) => ['queued', 'merging', 'ready'].includes(state));
          expect(world.violations).toEqual([]);
          expect(left.map(({ workId, state }) => `${workId} is ${state}`)).toEqual([]);
          for (const { workId, head, state } of merges.open())
            expect(world.heads(world.target).has(head), `${workId} is ${state} and in the target`).toBe(false);
          for (const { workId, head, state } of merges.open()) {
            if (state !== 'proposed') continue;
            expect(isDirect, `${workId} is ${state}`).toBe(false);
            expect(world.pulls.get(Number(workId.slice(5)))).toBe(head);
          }
          if (!isDirect) expect(world.heads(world.target)).toEqual(new Set());
          for (const { workId, head, detail } of store.merges.endedSince(0)) {
            expect(world.heads(world.target).has(head), `${workId} is merged but not in the target`).toBe(true);
            expect(world.isAncestor(detail.landed?.commit ?? 'nothing', world.target)).toBe(true);
          }
          await queue.dispose();
          subscription?.dispose();
          store.close();
        },
      ),
      { numRuns: runs },
    );
  },
  120_000 + runs * 1_000,
);
