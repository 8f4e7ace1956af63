import { describe, expect, test } from 'vitest';
import { Announcer, finishing, gathering, reasonBound } from '../../../extension/notifications/announcer.ts';
import { causesIn } from '../../../extension/notifications/causes.ts';
import type { Cause } from '../../../extension/notifications/causes.ts';
import { ReviewQuestions } from '../../../extension/notifications/review-questions.ts';
import type { BatchView, MergeView, SessionView, WorktreeView, WorkView } from '../../../shared/channel/views.ts';
import { ask, asking, escalation, rig, session, town, work } from './fixtures.ts';

const mergeOf = (id: string): MergeView => ({
  ...{ work: id, rig: 'myproject', branch: `polecat/a/${id}`, target: 'main', base: 'b', head: 'abc' },
  ...{ state: 'review', round: 1, reviewed: false, openThreads: 0, comments: 0, createdAt: 1, changedAt: 2 },
});

const keys = (...sessions: SessionView[]) => causesIn(town({ sessions })).map((cause) => cause.key);

describe('causes', () => {
  test('each ask is one, the same for as long as it is open', () => {
    const first = keys(asking([ask()]), session({ id: 'other' }));
    expect(keys(asking([ask(), ask({ id: 'ask-2' })], { since: 5 }))).toEqual([...first, 'run-1/ask-2']);
  });

  test('a new run that asks under the same id is a new one', () => {
    expect(keys(asking([ask()], { runId: 'run-2' }))).not.toEqual(keys(asking([ask()])));
  });

  test('a session that only says that it waits is one for as long as it does', () => {
    expect(keys(asking([], { since: 5, cause: 'waiting' }))).toEqual(
      keys(asking([], { since: 5, cause: 'still waiting' })),
    );
    expect(keys(asking([], { since: 5 }))).not.toEqual(keys(asking([], { since: 6 })));
  });

  test('a run that has failed is one, and waits for nobody; what ended in order is none', () => {
    expect(keys(asking([ask()], { state: 'failed' }))).toEqual(['run-1/failed']);
    expect(keys(session({ state: 'stopped' }), session())).toEqual([]);
  });

  test('an escalation is one; a session that is kept from running has its escalation only', () => {
    const raised = escalation({ id: 'esc_1', message: 'x' });
    const kept = session({ state: 'failed', quarantined: { at: 1, reason: 'died too often' } });
    expect(causesIn(town({ sessions: [kept], escalations: [raised] })).map(({ key }) => key)).toEqual(['esc_1']);
  });

  test('a batch that is finished or stuck is one, where no session that runs has started it', () => {
    const batch: BatchView = {
      id: 'batch-1',
      title: 'Roofs',
      startedBy: 'overseer',
      createdAt: 0,
      units: ['a'],
      done: 1,
      total: 1,
      state: 'finished',
      since: 7,
    };
    const told = (change: Partial<BatchView>) =>
      causesIn(town({ sessions: [session()], batches: [{ ...batch, ...change }] })).map(({ key }) => key);
    expect(told({})).toEqual(['batch-1/finished/7']);
    expect(told({ state: 'stuck', since: 9 })).toEqual(['batch-1/stuck/9']);
    expect(told({ state: 'open' })).toEqual([]);
    expect(told({ startedBy: session().id })).toEqual([]);
    expect(told({ startedBy: 'gone' })).toHaveLength(1);
  });

  test('a worktree that was removed is one, again when it is removed again; one that stays is none', () => {
    const worktree = { id: 'wt_1', session: 'a', rig: 'r', path: '/w', state: 'removed' as const, at: 1 };
    const told = (...worktrees: WorktreeView[]) => causesIn(town({ worktrees })).map(({ key }) => key);
    expect(told(worktree, { ...worktree, id: 'wt_2', state: 'kept', reason: 'x' })).toEqual(['wt_1/1']);
    expect(told({ ...worktree, at: 2 })).not.toEqual(told(worktree));
  });
});

describe('finished work', () => {
  const told = (units: WorkView[], merges: MergeView[] = []) =>
    causesIn(town({ work: units, merges })).map(({ key }) => key);

  test('is one cause for each round, until the user has looked at it', () => {
    const merge = mergeOf('task-1');
    const done = work({ id: 'task-1', state: 'done' });
    expect(told([done], [merge])).toEqual(['task-1/ready/1/abc']);
    expect(told([done], [{ ...merge, round: 2, head: 'def' }])).toEqual(['task-1/ready/2/def']);
    expect(told([done], [{ ...merge, reviewed: true }])).toEqual([]);
    expect(told([done], [{ ...merge, state: 'queued' }])).toEqual([]);
  });

  test('is one where there is nothing to review and the user slung it', () => {
    const failed = work({ id: 'task-1', state: 'failed', changedAt: 7 });
    expect(told([failed])).toEqual([]);
    expect(told([{ ...failed, slungBy: 'hq-mayor' }])).toEqual([]);
    expect(told([{ ...failed, slungBy: 'overseer' }])).toEqual(['task-1/failed/7']);
    const done = work({ id: 'task-2', state: 'done', changedAt: 8, slungBy: 'overseer' });
    expect(told([{ ...done, result: { head: 'a', commits: 0 } }])).toEqual(['task-2/done/8']);
    // Its merge is over, and not in the snapshot any more.
    expect(told([{ ...done, result: { head: 'a', commits: 2 } }])).toEqual([]);
  });

  test('that comes within a short while is told together', () => {
    const announcer = new Announcer();
    const ready = (...ids: string[]) =>
      town({ work: ids.map((id) => work({ id, state: 'done' })), merges: ids.map(mergeOf) });
    announcer.update(causesIn(town()), 0);
    announcer.update(causesIn(ready('task-1')), 0);
    announcer.update(causesIn(ready('task-1', 'task-2')), finishing - 1);
    const moment = { mayTell: true, isOn: () => true, isInView: () => false };
    expect(announcer.take({ ...moment, now: finishing - 1 })).toEqual([]);
    expect(announcer.take({ ...moment, now: finishing }).map(({ key }) => key)).toEqual([
      'task-1/ready/1/abc',
      'task-2/ready/1/abc',
    ]);
    expect(announcer.nextAt).toBeUndefined();
  });
});

describe('what is told when', () => {
  /** A window over some time; every step says what is told then. */
  function watch(options: { off?: Cause['kind'][]; inView?: string[] } = {}) {
    const announcer = new Announcer();
    let now = 0;
    return {
      announcer,
      see: (...sessions: SessionView[]) => announcer.update(causesIn(town({ sessions })), now),
      after: (ms: number, mayTell = true): string[] => {
        now += ms;
        const moment = {
          now,
          mayTell,
          isOn: (kind: Cause['kind']) => !options.off?.includes(kind),
          isInView: (cause: Cause) => 'session' in cause && (options.inView?.includes(cause.session.id) ?? false),
        };
        return announcer.take(moment).map(({ key }) => key);
      },
    };
  }
  const one = asking([ask()]);
  const two = asking([ask()], { id: 'two', runId: 'run-2' });
  const failed = session({ id: 'three', runId: 'run-3', state: 'failed' });

  test('each cause once, what comes together together', () => {
    const { see, after } = watch();
    see();
    see(one);
    expect(after(gathering - 1)).toEqual([]);
    see(one, two, failed);
    expect(after(1)).toEqual(['run-1/ask-1']);
    expect(after(gathering)).toEqual(['run-2/ask-1', 'run-3/failed']);
    see(one, two, failed);
    expect(after(10_000)).toEqual([]);
  });

  test('not what was there before the window, but what comes after', () => {
    const { see, after } = watch();
    see(one, failed);
    see(one, two, failed);
    expect(after(gathering)).toEqual(['run-2/ask-1']);
  });

  test('not what is over before it is told: the allow-list may have answered', () => {
    const { see, after, announcer } = watch();
    see();
    see(one);
    see(session());
    expect(after(gathering)).toEqual([]);
    expect(announcer.nextAt).toBeUndefined();
  });

  test('a wait without a reason only when it lasts', () => {
    const { see, after, announcer } = watch();
    see();
    see(asking([], { since: 5 }));
    expect(announcer.nextAt).toBe(reasonBound);
    expect(after(gathering)).toEqual([]);
    expect(after(reasonBound - gathering)).toEqual(['run-1/since 5']);
  });

  test('in the background nothing, and all that still holds when the window is used again', () => {
    const { see, after } = watch();
    see();
    see(one, two);
    expect(after(10_000, false)).toEqual([]);
    see(two, failed);
    expect(after(10_000, false)).toEqual([]);
    expect(after(0)).toEqual(['run-2/ask-1', 'run-3/failed']);
  });

  test('not what the person is looking at, nor later when they look away', () => {
    const inView = ['two'];
    const { see, after } = watch({ inView });
    see();
    see(one, two);
    expect(after(gathering)).toEqual(['run-1/ask-1']);
    inView.pop();
    expect(after(gathering)).toEqual([]);
  });

  test.each([
    ['waiting', ['run-3/failed']],
    ['failed', ['run-1/ask-1']],
  ] as const)('each kind can be switched off: %s', (kind, told) => {
    const { see, after } = watch({ off: [kind] });
    see();
    see(one, failed);
    expect(after(gathering)).toEqual(told);
  });

  test('after another town was joined it begins anew', () => {
    const { see, after, announcer } = watch();
    see();
    see(one);
    announcer.reset();
    see(one);
    expect(after(gathering)).toEqual([]);
  });
});

describe('what a rig brings', () => {
  const brings = (toReview?: string) => town({ rigs: [{ ...rig, ...(toReview === undefined ? {} : { toReview }) }] });
  const question = { root: '/town', rig: 'myproject' };

  test('is asked about once for each content', () => {
    const questions = new ReviewQuestions();
    expect(questions.take(undefined)).toEqual([]);
    expect(questions.take(brings())).toEqual([]);
    expect(questions.take(brings('one'))).toEqual([question]);
    expect(questions.take(brings('one'))).toEqual([]);
    questions.close(question, brings('one'), false);
    expect(questions.take(brings('one'))).toEqual([]);
    expect(questions.take(brings('two'))).toEqual([question]);
  });

  test('is asked about in one notification at a time, and anew only where it is another one when that closes', () => {
    const questions = new ReviewQuestions();
    questions.take(brings('one'));
    for (const content of ['two', 'three', 'one']) expect(questions.take(brings(content))).toEqual([]);
    questions.close(question, brings('one'), false);
    expect(questions.take(brings('one'))).toEqual([]);
    expect(questions.take(brings('four'))).toEqual([question]);
    expect(questions.take(brings('five'))).toEqual([]);
    questions.close(question, brings('five'), false);
    expect(questions.take(brings('five'))).toEqual([question]);
  });

  test('is not asked about again where the user looks at the newest', () => {
    const questions = new ReviewQuestions();
    questions.take(brings('one'));
    questions.close(question, brings('two'), true);
    expect(questions.take(brings('two'))).toEqual([]);
  });

  test('is asked about for each rig and each town by itself', () => {
    const questions = new ReviewQuestions();
    const both = {
      rigs: [
        { ...rig, toReview: 'one' },
        { ...rig, name: 'other', toReview: 'one' },
      ],
    };
    expect(questions.take(town(both)).map((each) => each.rig)).toEqual(['myproject', 'other']);
    expect(questions.take(town({ ...both, root: '/elsewhere' }))).toHaveLength(2);
  });
});
