import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { failurePolicy } from '../../../shared/config/failure-policy.ts';
import type { FailurePolicySettings } from '../../../shared/config/failure-policy.ts';
import type { EscalationKey } from '../../../shared/domain/escalation-key.ts';
import type { Facts, SessionFacts, UnitFacts } from '../../../shared/reconcile/facts.ts';
import { missedEndMs, reconcile } from '../../../shared/reconcile/rules.ts';
import type { Verdict } from '../../../shared/reconcile/rules.ts';
import type { WorkState } from '../../../shared/domain/work-state.ts';

const now = 10_000_000;
const minute = 60_000;
const policy = (settings: FailurePolicySettings = {}) => failurePolicy(settings);

const session = (changes: Partial<SessionFacts> = {}): SessionFacts => ({
  id: 'alpha-toast',
  role: 'polecat',
  runId: 'run-1',
  state: 'running',
  activity: 'idle',
  since: now - 1000,
  cause: 'idle',
  endedUnseen: false,
  settled: false,
  quarantined: false,
  failedStarts: 0,
  restarts: 0,
  progressAt: now - 1000,
  waiting: 0,
  unreadMail: 0,
  inHand: false,
  policy: policy(),
  ...changes,
});
const dead = (changes: Partial<SessionFacts> = {}) =>
  session({ state: 'failed', activity: 'unknown', cause: 'it was killed', ...changes });
const unseen = (changes: Partial<SessionFacts> = {}) =>
  session({
    state: 'stopped',
    activity: 'unknown',
    cause: 'it ended while no host was there',
    endedUnseen: true,
    ...changes,
  });
const busyFor = (ms: number, changes: Partial<SessionFacts> = {}) =>
  session({ activity: 'busy', since: now - ms, progressAt: now - ms, ...changes });

const unit = (changes: Partial<UnitFacts> = {}): UnitFacts => ({
  id: 'issue-1',
  state: 'running',
  owner: 'alpha-toast',
  runId: 'run-1',
  changedAt: now - 500,
  attempts: 0,
  priority: 2,
  sequence: 1,
  waits: false,
  delivered: true,
  reminded: false,
  startFailed: false,
  byOwner: false,
  toldClosed: false,
  canBeSlung: true,
  inHand: false,
  policy: policy(),
  ...changes,
});

const facts = (sessions: SessionFacts[], units: UnitFacts[] = [], raised: EscalationKey[] = []): Facts => ({
  now,
  sessions,
  units,
  countedFrom: (at) => at,
  wasRaised: (key) => raised.some((each) => isDeepStrictEqual(each, key)),
});
/** What the rules say, in short: `alpha-toast dead-process restart`. */
/** When the first of the facts means something else by itself. */
const dueOf = ({ later }: Verdict): number => Math.min(...later.map(({ at }) => at));

const verdict = (given: Facts): string[] =>
  reconcile(given).actions.map(
    (action) => `${'session' in action ? action.session : action.work} ${action.rule} ${action.act.kind}`,
  );
const reasons = (given: Facts): string[] => reconcile(given).actions.map(({ reason }) => reason);

describe('at rest nothing is done', () => {
  test.each([
    ['an idle session without work', facts([session()])],
    ['a session at work', facts([busyFor(minute)], [unit()])],
    [
      'one that waits for the user, however long',
      facts([session({ activity: 'attention', since: 0, progressAt: 0 })], [unit()]),
    ],
    [
      'one that is rate-limited, however long',
      facts([session({ activity: 'rate-limited', since: 0, progressAt: 0 })], [unit()]),
    ],
    [
      'one that starts',
      facts(
        [session({ state: 'starting', activity: 'unknown', since: 0 })],
        [unit({ state: 'assigned', delivered: false })],
      ),
    ],
    ['a unit that is being slung', facts([], [unit({ state: 'assigned', delivered: false })])],
    [
      'a unit that is being slung to the name of one that has ended',
      facts([session({ state: 'stopped' })], [unit({ state: 'assigned', delivered: false, assignedAt: now })]),
    ],
    ['E17: a session that was stopped', facts([session({ state: 'stopped' })])],
    ['a session that is settled', facts([dead({ settled: true })])],
    ['open work', facts([], [unit({ state: 'open' })])],
    ['closed work of nobody', facts([], [unit({ state: 'done' }), unit({ id: 'issue-2', state: 'cancelled' })])],
  ])('%s', (_name, given) => expect(verdict(given)).toEqual([]));
});

describe('a dead process', () => {
  test.each<[string, SessionFacts, UnitFacts[], string[]]>([
    ['is restarted for its work', dead(), [unit()], ['alpha-toast dead-process restart']],
    ['is restarted where others rely on it', dead({ role: 'mayor' }), [], ['alpha-toast dead-process restart']],
    [
      'is not restarted for what the next one of its name is to have',
      dead(),
      [unit({ state: 'assigned', assignedAt: now })],
      ['alpha-toast dead-process settle'],
    ],
    ['is not restarted for nothing', dead(), [], ['alpha-toast dead-process settle']],
    [
      'E8: is not restarted for a unit that is closed',
      dead(),
      [unit({ state: 'done', byOwner: true })],
      ['alpha-toast dead-process settle'],
    ],
    ['is restarted for its work when it ended unseen', unseen(), [unit()], ['alpha-toast dead-process restart']],
    [
      'is left alone without work when it ended unseen',
      unseen({ role: 'crew' }),
      [],
      ['alpha-toast dead-process settle'],
    ],
    [
      'keeps its work where it is not restarted for it',
      unseen({ settled: true }),
      [unit()],
      ['issue-1 dead-session-unit stall'],
    ],
    [
      'is restarted where its work has stalled: the user may just have told it something',
      dead(),
      [unit({ state: 'stalled' })],
      ['alpha-toast dead-process restart'],
    ],
    [
      'is not restarted for what has stalled where that ended unseen, be it a polecat',
      unseen(),
      [unit({ state: 'stalled' })],
      ['alpha-toast dead-process settle'],
    ],
    [
      'is not restarted for what has stalled when it ended unseen',
      unseen({ role: 'mayor' }),
      [unit({ state: 'stalled' })],
      ['alpha-toast dead-process settle'],
    ],
    ['is left alone while something is done about it', dead({ inHand: true }), [unit()], []],
    ['is restarted the third time', dead({ restarts: 2 }), [unit()], ['alpha-toast dead-process restart']],
    ['is quarantined after the third', dead({ restarts: 3 }), [unit()], ['alpha-toast dead-process quarantine']],
    [
      'E12: is started once more when it did not get ready',
      dead({ failedStarts: 1 }),
      [unit()],
      ['alpha-toast dead-process restart'],
    ],
    [
      'E12: is quarantined when it did not get ready twice',
      dead({ failedStarts: 2 }),
      [unit()],
      ['alpha-toast dead-process quarantine'],
    ],
    [
      'is not restarted where the policy says so',
      dead({ policy: policy({ restarts: { max: 0 } }) }),
      [unit()],
      ['alpha-toast dead-process settle'],
    ],
    [
      'stays quarantined',
      dead({ quarantined: true, policy: policy({ stalled: 'leave' }) }),
      [unit({ state: 'stalled' })],
      [],
    ],
  ])('%s', (_name, given, units, expected) => expect(verdict(facts([given], units))).toEqual(expected));

  test('the reason says truly why it is not restarted', () => {
    const why = (...units: UnitFacts[]) => reasons(facts([unseen()], units));
    expect(why(unit({ state: 'stalled' }))).toEqual([
      'it ended while no host was there; its work has stalled and waits for you, so it is not restarted',
    ]);
    expect(why()).toEqual(['it ended while no host was there; it has no work, so it is not restarted']);
  });

  test('the reason says how often and why', () => {
    expect(reasons(facts([dead({ restarts: 3 })], [unit()]))).toEqual([
      'it was restarted 3 times in 300 s and ended again: it was killed',
    ]);
    expect(reasons(facts([dead({ failedStarts: 2, cause: 'no hooks' })], [unit()]))).toEqual([
      'it did not start 2 times in a row: no hooks',
    ]);
  });

  test('a lost server takes its sessions along, and all with work are restarted', () => {
    const lost = ['a', 'b', 'c'].map((id) => dead({ id, runId: `run-${id}`, lostWith: 'server-1' }));
    const units = ['a', 'b'].map((owner) => unit({ id: `issue-${owner}`, owner }));
    expect(verdict(facts(lost, units))).toEqual([
      'a lost-server restart',
      'b lost-server restart',
      'c lost-server settle',
    ]);
    // The same words say nothing: another server, or none.
    const earlier = [dead({ id: 'd', lostWith: 'server-0' }), dead({ id: 'e', lostWith: 'server-1', settled: true })];
    expect(verdict(facts([lost[0]!, ...earlier], [units[0]!]))).toEqual([
      'a dead-process restart',
      'd dead-process settle',
    ]);
  });
});

describe('a hung turn', () => {
  const due = 30 * minute;
  test('is judged by progress, not by how long the turn takes', () => {
    expect(verdict(facts([busyFor(10 * due, { progressAt: now - minute })], [unit()]))).toEqual([]);
    expect(dueOf(reconcile(facts([busyFor(due - 5)], [unit()])))).toBe(now + 5);
  });

  test('escalates once', () => {
    expect(reconcile(facts([busyFor(due)], [unit()])).actions).toEqual([
      {
        rule: 'hung-turn',
        reason: 'busy without any progress for 30 minutes',
        session: 'alpha-toast',
        act: {
          kind: 'escalate',
          severity: 'high',
          key: { kind: 'hung', subject: 'alpha-toast', run: 'run-1', since: now - due },
        },
      },
    ]);
    expect(
      verdict(
        facts([busyFor(due)], [unit()], [{ kind: 'hung', subject: 'alpha-toast', run: 'run-1', since: now - due }]),
      ),
    ).toEqual([]);
  });

  test('restarts where the policy says so, within the bound', () => {
    const restarts = (count: number) =>
      busyFor(2 * minute, { restarts: count, policy: policy({ hung: 'restart', hung_minutes: 1 }) });
    expect(verdict(facts([restarts(0)], [unit()]))).toEqual(['alpha-toast hung-turn restart']);
    expect(verdict(facts([restarts(3)], [unit()]))).toEqual(['alpha-toast hung-turn escalate']);
  });
});

describe('a polecat without work', () => {
  const patient = policy({ idle_stop_minutes: 10 });
  const idle = (changes: Partial<SessionFacts> = {}) =>
    session({ since: now - 10 * minute, policy: patient, ...changes });
  test.each<[string, SessionFacts, UnitFacts[], string[]]>([
    ['is stopped after the time', idle(), [], ['alpha-toast idle-session stop']],
    ['is not stopped by default', session({ since: 0 }), [], []],
    ['not with work', idle(), [unit({ state: 'stalled', policy: policy({ stalled: 'leave' }) })], []],
    ['not while something waits for it', idle({ waiting: 1 }), [], []],
    ['not with unread mail', idle({ unreadMail: 1 }), [], []],
    ['not another role', idle({ role: 'crew' }), [], []],
    [
      'so is a role that runs on demand',
      idle({ role: 'witness', sleepAfterMs: 5 * minute }),
      [],
      ['alpha-toast idle-session stop'],
    ],
    ['but not while something waits for it', idle({ role: 'witness', sleepAfterMs: 5 * minute, waiting: 1 }), [], []],
  ])('%s', (_name, given, units, expected) => expect(verdict(facts([given], units))).toEqual(expected));

  test('the time is one deadline', () =>
    expect(dueOf(reconcile(facts([idle({ since: now - 4 * minute })])))).toBe(now + 6 * minute));
});

describe('a missed event', () => {
  test.each<[string, SessionFacts, UnitFacts, string[]]>([
    [
      'the receipt of a unit',
      session({ activity: 'busy' }),
      unit({ state: 'assigned' }),
      ['issue-1 missed-event running'],
    ],
    ['no receipt', session(), unit({ state: 'assigned', delivered: false }), []],
    ['the deliberate end of the session', session({ state: 'stopped' }), unit(), ['issue-1 missed-event release']],
    [
      'the end of a turn',
      session({ since: now - missedEndMs }),
      unit({ changedAt: now - missedEndMs }),
      ['issue-1 missed-event remind'],
    ],
    [
      'the end of the turn after the reminder',
      session({ since: now - missedEndMs }),
      unit({ changedAt: 0, reminded: true }),
      ['issue-1 missed-event stall'],
    ],
    ['a turn that has not begun', session({ since: now - missedEndMs }), unit({ changedAt: now }), []],
    ['something is on its way', session({ since: 0, waiting: 1 }), unit({ changedAt: 0 }), []],
    ['E27: the end of a run that is being replaced', session({ state: 'stopped', inHand: true }), unit(), []],
  ])('%s', (_name, owner, given, expected) => expect(verdict(facts([owner], [given]))).toEqual(expected));
});

describe('the unit of a session that does not come back', () => {
  test.each<[string, SessionFacts[], UnitFacts, string[]]>([
    ['stalls when the session is given up', [dead({ settled: true })], unit(), ['issue-1 dead-session-unit stall']],
    [
      'stalls when it is quarantined',
      [dead({ quarantined: true })],
      unit({ state: 'assigned' }),
      ['issue-1 dead-session-unit stall'],
    ],
    ['is free when it is not there any more', [], unit(), ['issue-1 dead-session-unit release']],
    ['waits while the session may be restarted', [dead()], unit(), ['alpha-toast dead-process restart']],
  ])('%s', (_name, sessions, given, expected) => expect(verdict(facts(sessions, [given]))).toEqual(expected));
});

describe('a stalled unit', () => {
  const stalled = (settings: FailurePolicySettings, changes: Partial<UnitFacts> = {}) =>
    unit({ state: 'stalled', policy: policy(settings), ...changes });
  test.each<[string, SessionFacts, UnitFacts, string[]]>([
    ['escalates', session(), stalled({}), ['issue-1 stalled-unit escalate']],
    ['is left', session(), stalled({ stalled: 'leave' }), []],
    ['goes to another session', session(), stalled({ stalled: 'reassign' }), ['issue-1 stalled-unit requeue']],
    [
      'goes to another session when its own is dead',
      dead({ settled: true }),
      stalled({ stalled: 'reassign' }),
      ['issue-1 stalled-unit requeue'],
    ],
    [
      'escalates when that was tried',
      session(),
      stalled({ stalled: 'reassign' }, { attempts: 1 }),
      ['issue-1 stalled-unit escalate'],
    ],
    [
      'escalates when it belongs to no rig',
      session(),
      stalled({ stalled: 'reassign' }, { canBeSlung: false }),
      ['issue-1 stalled-unit escalate'],
    ],
    ["is told by its session's quarantine", dead({ quarantined: true }), stalled({}), []],
  ])('%s', (_name, owner, given, expected) => expect(verdict(facts([owner], [given]))).toEqual(expected));

  test('goes to a session that takes the place of a polecat with nothing else to do', () => {
    const stops = (owner: SessionFacts, ...others: UnitFacts[]) => {
      const { actions } = reconcile(facts([owner], [stalled({ stalled: 'reassign' }), ...others]));
      return actions.find(({ rule }) => rule === 'stalled-unit')?.act;
    };
    expect(stops(session())).toMatchObject({ kind: 'requeue', stop: 'alpha-toast' });
    expect(stops(session({ waiting: 1 }))).not.toHaveProperty('stop');
    expect(stops(session({ unreadMail: 1 }))).not.toHaveProperty('stop');
    expect(stops(session({ activity: 'busy' }))).not.toHaveProperty('stop');
    expect(stops(session({ role: 'crew' }))).not.toHaveProperty('stop');
    expect(stops(session(), unit({ id: 'issue-2', state: 'running' }))).not.toHaveProperty('stop');
    expect(stops(dead({ settled: true }))).not.toHaveProperty('stop');
  });

  test('escalates once', () => {
    expect(
      verdict(facts([session()], [stalled({})], [{ kind: 'stalled', subject: 'issue-1', since: now - 500 }])),
    ).toEqual([]);
  });
});

describe('a failed unit', () => {
  const failed = (settings: FailurePolicySettings, changes: Partial<UnitFacts> = {}) =>
    unit({ state: 'failed', byOwner: true, policy: policy(settings), ...changes });
  test.each<[string, UnitFacts, string[]]>([
    ['is left by default', failed({}), []],
    ['is tried again', failed({ work_failure: 'retry' }), ['issue-1 failed-unit requeue']],
    ['goes to another session', failed({ work_failure: 'reassign' }), ['issue-1 failed-unit requeue']],
    ['escalates', failed({ work_failure: 'escalate' }), ['issue-1 failed-unit escalate']],
    [
      'escalates after the last try',
      failed({ work_failure: 'retry', retries: 2 }, { attempts: 2 }),
      ['issue-1 failed-unit escalate'],
    ],
    [
      'is left where the user said that it failed',
      failed({ work_failure: 'retry' }, { byOwner: false, toldClosed: true }),
      [],
    ],
    [
      'whose session did not start is tried again',
      failed({}, { byOwner: false, startFailed: true, toldClosed: true }),
      ['issue-1 failed-start requeue'],
    ],
    [
      'E26: whose session did not start escalates after the last try',
      failed({}, { byOwner: false, startFailed: true, toldClosed: true, attempts: 1 }),
      ['issue-1 failed-start escalate'],
    ],
    [
      'whose session did not start is left where the policy says so',
      failed({ spawn_failure: 'fail' }, { byOwner: false, startFailed: true, toldClosed: true }),
      [],
    ],
  ])('%s', (_name, given, expected) => expect(verdict(facts([session()], [given]))).toEqual(expected));

  test('E26: each try waits twice as long as the one before', () => {
    const notBefore = (attempts: number) =>
      reconcile(facts([], [failed({ work_failure: 'retry', retries: 9, backoff_seconds: 10 }, { attempts })]))
        .actions[0]?.act;
    expect([0, 1, 2, 3].map(notBefore)).toEqual(
      [10, 20, 40, 80].map((seconds) => ({ kind: 'requeue', notBefore: now + seconds * 1000 })),
    );
  });

  test('a retry is for the same session while it lives, a reassignment never', () => {
    const to = (wanted: 'retry' | 'reassign', owner: SessionFacts) =>
      reconcile(facts([owner], [failed({ work_failure: wanted })])).actions[0]?.act;
    expect(to('retry', session())).toMatchObject({ to: 'alpha-toast' });
    expect(to('retry', dead({ settled: true }))).not.toHaveProperty('to');
    expect(to('reassign', session())).not.toHaveProperty('to');
  });
});

describe('other units', () => {
  test.each<[string, SessionFacts[], UnitFacts, string[]]>([
    [
      'that a session is beyond is told to the user',
      [session()],
      unit({ state: 'escalated', byOwner: true }),
      ['issue-1 escalated-unit escalate'],
    ],
    ['that is queued is slung', [], unit({ state: 'queued' }), ['issue-1 due-unit dispatch']],
    ['that is queued behind others waits', [], unit({ state: 'queued', waits: true }), []],
    ['that is queued for later waits', [], unit({ state: 'queued', notBefore: now + 1 }), []],
    [
      'that somebody closed: its session is told',
      [session()],
      unit({ state: 'cancelled' }),
      ['issue-1 closed-unit tell-closed'],
    ],
    ['that somebody closed: it is told once', [session()], unit({ state: 'cancelled', toldClosed: true }), []],
    ['that it closed itself', [session()], unit({ state: 'done', byOwner: true }), []],
    ['that an earlier run of the session had', [session({ runId: 'run-2' })], unit({ state: 'cancelled' }), []],
  ])('%s', (_name, sessions, given, expected) => expect(verdict(facts(sessions, [given]))).toEqual(expected));

  test('that may begin at once begin the most urgent first, then the oldest, whatever comes first', () => {
    const units = [
      unit({ id: 'young', state: 'queued', sequence: 3 }),
      unit({ id: 'low', state: 'queued', priority: 4, sequence: 1 }),
      unit({ id: 'urgent', state: 'queued', priority: 0, sequence: 4 }),
      unit({ id: 'old', state: 'queued', sequence: 2 }),
    ];
    const expected = ['urgent', 'old', 'young', 'low'].map((id) => `${id} due-unit dispatch`);
    expect(verdict(facts([], units))).toEqual(expected);
    expect(verdict(facts([], units.toReversed()))).toEqual(expected);
  });

  test('the next time that means something is the earliest of all', () => {
    const queued = [5, 3, 9].map((ms) => unit({ id: `issue-${ms}`, state: 'queued', notBefore: now + ms }));
    expect(dueOf(reconcile(facts([busyFor(minute)], queued)))).toBe(now + 3);
  });
});

describe('whatever the facts are', () => {
  const states: WorkState[] = [
    'open',
    'queued',
    'assigned',
    'running',
    'stalled',
    'done',
    'failed',
    'escalated',
    'cancelled',
  ];
  const anyPolicy = fc
    .record({
      spawn_failure: fc.constantFrom('retry', 'fail', 'escalate'),
      work_failure: fc.constantFrom('leave', 'retry', 'reassign', 'escalate'),
      stalled: fc.constantFrom('leave', 'reassign', 'escalate'),
      hung: fc.constantFrom('escalate', 'restart'),
      retries: fc.nat(3),
      idle_stop_minutes: fc.constantFrom(1, 100),
    } as const)
    .map((settings) => policy(settings));
  const time = fc.nat(now);
  const anySession = (id: string) =>
    fc
      .record({
        role: fc.constantFrom('polecat', 'mayor', 'crew'),
        state: fc.constantFrom('starting', 'running', 'stopped', 'failed'),
        activity: fc.constantFrom('idle', 'busy', 'unknown', 'attention', 'rate-limited'),
        since: time,
        progressAt: time,
        settled: fc.boolean(),
        quarantined: fc.boolean(),
        endedUnseen: fc.boolean(),
        failedStarts: fc.nat(3),
        restarts: fc.nat(4),
        waiting: fc.nat(1),
        inHand: fc.boolean(),
        policy: anyPolicy,
      } as const)
      .map((changes) => session({ id, runId: `run-${id}`, ...changes }));
  const anyUnit = (id: string) =>
    fc
      .record({
        state: fc.constantFrom(...states),
        owner: fc.constantFrom('a', 'b', 'gone'),
        changedAt: time,
        notBefore: time,
        attempts: fc.nat(4),
        delivered: fc.boolean(),
        reminded: fc.boolean(),
        startFailed: fc.boolean(),
        byOwner: fc.boolean(),
        toldClosed: fc.boolean(),
        canBeSlung: fc.boolean(),
        inHand: fc.boolean(),
        policy: anyPolicy,
      } as const)
      .map((changes) => unit({ id, runId: `run-${changes.owner}`, ...changes }));
  const anyFacts = fc.record({
    sessions: fc.tuple(anySession('a'), anySession('b')),
    units: fc.tuple(anyUnit('u'), anyUnit('v'), anyUnit('w')),
  });

  test('each session and each unit gets one action at most, and none while it is in hand', () => {
    fc.assert(
      fc.property(anyFacts, ({ sessions, units }) => {
        const subjects = reconcile(facts(sessions, units)).actions.map((action) =>
          'session' in action ? action.session : action.work,
        );
        expect(new Set(subjects).size).toBe(subjects.length);
        const held = [...sessions, ...units].filter(({ inHand }) => inHand).map(({ id }) => id);
        expect(subjects.filter((id) => held.includes(id))).toEqual([]);
      }),
    );
  });

  test('in whatever order they are looked at, the verdict is the same [holds 9]', () => {
    fc.assert(
      fc.property(anyFacts, ({ sessions, units }) => {
        const inOrder = reconcile(facts(sessions, units));
        const reversed = reconcile(facts(sessions.toReversed(), units.toReversed()));
        expect(new Set(reversed.actions.map((action) => JSON.stringify(action)))).toEqual(
          new Set(inOrder.actions.map((action) => JSON.stringify(action))),
        );
        expect(new Set(reversed.later.map((each) => JSON.stringify(each)))).toEqual(
          new Set(inOrder.later.map((each) => JSON.stringify(each))),
        );
      }),
    );
  });

  test('what the cause of a state says decides nothing [holds 8]', () => {
    const verdictOf = ({ actions, later }: Verdict): unknown => ({
      later,
      actions: actions.map(({ reason: _, ...action }) => action),
    });
    fc.assert(
      fc.property(anyFacts, fc.string(), ({ sessions, units }, cause) => {
        const inOtherWords = sessions.map((each) => ({ ...each, cause }));
        expect(verdictOf(reconcile(facts(inOtherWords, units)))).toEqual(verdictOf(reconcile(facts(sessions, units))));
      }),
    );
  });

  test('what was stopped, quarantined or restarted too often is never started, and no unit of a live session is given away but a stalled one', () => {
    fc.assert(
      fc.property(anyFacts, ({ sessions, units }) => {
        for (const action of reconcile(facts(sessions, units)).actions) {
          if ('session' in action) {
            const about = sessions.find(({ id }) => id === action.session)!;
            if (action.act.kind !== 'restart') continue;
            expect(about.state === 'stopped' && !about.endedUnseen).toBe(false);
            expect(about.restarts).toBeLessThan(about.policy.restarts.max);
            if (about.state === 'failed') expect(about.quarantined || about.settled).toBe(false);
          } else {
            const about = units.find(({ id }) => id === action.work)!;
            const owner = sessions.find(({ id }) => id === about.owner);
            if (action.act.kind === 'requeue' && owner?.state === 'running')
              expect(['stalled', 'failed']).toContain(about.state);
            if (action.act.kind === 'requeue') expect(about.attempts).toBeLessThan(about.policy.retries);
            if (action.act.kind === 'release') expect(owner === undefined || owner.state === 'stopped').toBe(true);
          }
        }
      }),
    );
  });
});
