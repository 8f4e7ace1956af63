import { describe, expect, test } from 'vitest';
import { Announcer, gathering, reasonBound } from '../../../extension/notifications/announcer.ts';
import { causesIn } from '../../../extension/notifications/causes.ts';
import type { Cause } from '../../../extension/notifications/causes.ts';
import type { SessionView, WorktreeView } from '../../../shared/town/snapshot.ts';
import { ask, asking, session, town } from './fixtures.ts';

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
    const escalation = { id: 'esc_1', severity: 'high' as const, message: 'x', by: 'host', raisedAt: 1 };
    const kept = session({ state: 'failed', quarantined: { at: 1, reason: 'died too often' } });
    expect(causesIn(town({ sessions: [kept], escalations: [escalation] })).map(({ key }) => key)).toEqual(['esc_1']);
  });

  test('a worktree that was removed is one, again when it is removed again; one that stays is none', () => {
    const worktree = { id: 'wt_1', session: 'a', rig: 'r', path: '/w', state: 'removed' as const, at: 1 };
    const told = (...worktrees: WorktreeView[]) => causesIn(town({ worktrees })).map(({ key }) => key);
    expect(told(worktree, { ...worktree, id: 'wt_2', state: 'kept', reason: 'x' })).toEqual(['wt_1/1']);
    expect(told({ ...worktree, at: 2 })).not.toEqual(told(worktree));
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
          isInView: (cause: Cause) =>
            cause.kind !== 'escalated' &&
            cause.kind !== 'removed' &&
            (options.inView?.includes(cause.session.id) ?? false),
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
