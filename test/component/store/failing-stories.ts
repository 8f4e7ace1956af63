import { expect, vi } from 'vitest';
import type { Params } from '../../../shared/channel/protocol.ts';
import type { FailurePolicySettings } from '../../../shared/config/failure-policy.ts';
import { failWrite } from '../../support/failing-writes.ts';
import { makeFakeTown } from '../../support/fake-town.ts';
import type { FakeTown } from '../../support/fake-town.ts';
import { patience } from '../../support/patience.ts';
import { asking, Program, quiet } from './failing-support.ts';

/** A town in which something happens, with its programs. */
export interface Scene {
  town: FakeTown;
  program: Program;
  /** What a session reports of a unit, when it has it. */
  reports: Map<string, Params<'work.done'>>;
  /** As the user, or the session of that id; whoever is refused because it cannot be stored asks once more. */
  ask: FakeTown['request'];
  /** What can be done at once is done; every text that a program was given has become a turn. */
  rest(): Promise<void>;
  /** The same, and time passes, until this is so. */
  until(check: () => unknown): Promise<void>;
}

export type Story = (scene: Scene) => Promise<void>;

/** A removal that is not ended, and why, is told until it is. */
const told = /its removal (could not begin|broke off)/;

/** Ids and places differ each time. */
const words = (text: string): string =>
  text.replace(/gastown-fake-town-\w+/g, '').replace(/\b(?:esc|msg)_[0-9a-z]+/gi, '<id>');

/**
 * What a town has come to, as far as people and programs notice it. How often something was tried on the way there is not part
 * of it.
 */
function booksOf({ town, program }: Scene) {
  const { store, registry } = town;
  const view = town.snapshot();
  const messages = store.messages.latest(1_000);
  const work = messages.filter(({ kind, state }) => kind === 'work' && state !== 'refused');
  const others = messages.filter(({ kind }) => kind !== 'work');
  const times = (id: string): number => program.got.filter((got) => got === id).length;
  const merges = [...store.merges.open(), ...store.merges.endedSince(0)];
  return {
    units: view.work.map(({ id, state, owner, batch, after }) => [
      ...[id, state, owner === undefined ? '' : registry.find(owner)?.state, batch],
      ...[after, work.filter(({ workId, state: now }) => workId === id && now === 'accepted').length],
    ]),
    deliveries: work.map(({ id }) => times(id)).filter((count) => count > 1),
    messages: others
      .filter(({ from }) => from !== 'host')
      .map(({ id, from, to, kind, body, state, reason, readAt }) => [
        ...[from, to, kind, words(body), state, words(reason ?? ''), readAt !== undefined, times(id)],
      ]),
    sessions: view.sessions.map(({ id, role, state, agent, activity, quarantined }) => [
      ...[role === 'polecat' ? role : id, state, agent, activity.kind, quarantined?.reason],
    ]),
    problems: view.problems.map(({ message }) => words(message)).filter((message) => !told.test(message)),
    worktrees: store.worktrees
      .all()
      .filter(({ state, reason }) => state !== 'removed' && !told.test(reason ?? ''))
      .map(({ path, state }) => [words(path), state]),
    breakers: [...store.breakers.all()].map(([key, { state }]) => [key, state]),
    rigs: view.rigs.map(({ name, toReview }) => [name, toReview !== undefined]),
    handoffs: store.handoffs.all(),
    batches: view.batches.map(({ title, state, done, total }) => [title, state, done, total]),
    merges: merges.map(({ workId, state, round, reviewedHead }) => [
      ...[workId, state, round, reviewedHead !== undefined],
      store.reviews
        .threadsOf(workId)
        .map(({ number, path, line, state: now }) => [
          ...[path, line, now],
          store.reviews.commentsOf(number).map(({ by, body, messageId }) => [by, body, messageId !== undefined]),
        ]),
    ]),
  };
}

/** What the host tells. It may tell more: of the failure. */
function toldIn({ town: { store }, program }: Scene): string[] {
  const heard = store.messages
    .latest(1_000)
    .filter(({ from, kind }) => from === 'host' && kind === 'nudge')
    .map(({ id, to, body, state }) => [to, words(body), state, program.got.filter((got) => got === id).length]);
  const raised = store.escalations
    .latest(1_000)
    .map(({ severity, message, closedAt, mailedAt }) => [
      severity,
      words(message),
      closedAt !== undefined,
      mailedAt !== undefined,
    ]);
  return [...heard, ...raised].map((row) => JSON.stringify(row));
}

/** The order in which things came about is not part of it, either. */
const inOrder = (books: ReturnType<typeof booksOf>): Record<string, string[]> =>
  Object.fromEntries(
    Object.entries(books).map(([what, rows]) => [what, rows.map((row: unknown) => JSON.stringify(row)).sort()]),
  );

type Books = ReturnType<typeof inOrder>;

/** Where in the product a write comes from, so that a second one from there need not fail as well. */
function siteOf(sql: string): string {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 40;
  const frames = (new Error().stack ?? '')
    .split('\n')
    .filter((line) => line.includes('/shared/'))
    .slice(0, 6);
  Error.stackTraceLimit = stackTraceLimit;
  return [sql, ...frames].join('\n');
}

interface Failing {
  sql: string;
  nth: number;
  expected: Pick<Played, 'books' | 'told'>;
}

interface Played {
  books: Books;
  told: string[];
  /** What was written, with where that came from. */
  writes: { sql: string; site: string }[];
  failed: string | undefined;
}

async function play(story: Story, policy: FailurePolicySettings, failing?: Failing): Promise<Played> {
  const town = await makeFakeTown(policy);
  const program = new Program(town);
  const scene: Scene = {
    town,
    program,
    reports: new Map(),
    ask: (method, params, by) => asking(() => town.request(method, params, by)),
    rest: async () => {
      await program.works();
      await town.settled();
      await program.works();
    },
    until: async (check) => {
      const end = performance.now() + patience();
      for (let passed = performance.now(); !check() && performance.now() < end;) {
        await scene.rest();
        await new Promise((resolve) => setTimeout(resolve, 1));
        // What could not be done at once is paused for a while.
        if (check() || performance.now() - passed < 100) continue;
        passed = performance.now();
        await town.pass(40_000);
      }
      expect(check(), String(check)).toBeTruthy();
    },
  };
  program.onTurn = async (session) => {
    for (const { id } of town.work.ownedBy(session)) {
      const report = scene.reports.get(id);
      scene.reports.delete(id);
      if (report) await scene.ask('work.done', { ...report, id }, session);
    }
  };
  const writes: Played['writes'] = [];
  const write = failWrite(town.paths.database, failing?.nth ?? 0, {
    ...(failing && { of: failing.sql }),
    onWrite: (sql) => failing ?? writes.push({ sql, site: siteOf(sql) }),
  });
  try {
    await story(scene);
    for (let pause = 0; pause < 3; pause += 1) {
      await scene.rest();
      await town.pass(40_000);
    }
    await scene.rest();
    if (failing) {
      const { books, told: expectedTold } = failing.expected;
      await vi.waitFor(
        () => {
          expect(inOrder(booksOf(scene))).toEqual(books);
          expect(toldIn(scene)).toEqual(expect.arrayContaining(expectedTold));
        },
        { timeout: patience(), interval: 10 },
      );
    }
    return { books: inOrder(booksOf(scene)), told: toldIn(scene), writes, failed: write.failed };
  } finally {
    write.restore();
    await quiet(town);
    town.close();
  }
}

/**
 * Tells the story once for each write of it that comes from another place in the product, with that one failing: it has to end
 * as it does where none fails. `about`: only of these writes. Returns what has failed.
 */
export async function tell(story: Story, policy: FailurePolicySettings = {}, about = /^/): Promise<Set<string>> {
  const { writes, ...expected } = await play(story, policy);
  const failed = new Set<string>();
  const sites = new Set<string>();
  const times = new Map<string, number>();
  for (const { sql, site } of writes) {
    const nth = (times.get(sql) ?? 0) + 1;
    times.set(sql, nth);
    if (sites.has(site) || !about.test(sql)) continue;
    sites.add(site);
    const played = await play(story, policy, { sql, nth, expected }).catch((error: unknown) => {
      throw new Error(`where this failed, the ${nth}. time, in ${site}`, { cause: error });
    });
    if (played.failed !== undefined) failed.add(played.failed);
  }
  return failed;
}
