import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { deriveStatus, newStatusModel, reduceStatus } from '../../../shared/sessions/status.ts';
import type { StatusEvent } from '../../../shared/sessions/status.ts';
import type { StatusReport, Source } from '../../../shared/domain/status-report.ts';

const runId = 'run_current';
const start = 1_000;

function event(source: Source, seq: number, at: number, fact: StatusReport, run = runId): StatusEvent {
  return { runId: run, source, seq, at, fact, cause: `${source} ${fact.kind}` };
}

const statusAfter = (events: StatusEvent[]) => deriveStatus(events.reduce(reduceStatus, newStatusModel(runId, start)));

const ask = (id: string, since: number) =>
  ({ id, kind: 'permission', title: `bash: ${id}`, detail: '', options: [], resolvable: true, since }) as const;

const fact: fc.Arbitrary<StatusReport> = fc.oneof(
  fc.constant<StatusReport>({ kind: 'ready' }),
  fc.constant<StatusReport>({ kind: 'busy' }),
  fc.constant<StatusReport>({ kind: 'idle' }),
  fc.constant<StatusReport>({ kind: 'waiting', ask: 'permission' }),
  fc.record({
    kind: fc.constant('rate-limited' as const),
    until: fc.integer({ min: 1, max: 9 }),
    reason: fc.constant('429'),
  }),
  fc.record({ kind: fc.constant('asked' as const), ask: fc.constantFrom('a', 'b', 'c').map((id) => ask(id, 7)) }),
  fc.record({
    kind: fc.constant('answered' as const),
    askId: fc.constantFrom('a', 'b', 'c'),
    by: fc.constant('terminal' as const),
  }),
  fc.constant<StatusReport>({ kind: 'stopping' }),
  fc.constant<StatusReport>({ kind: 'ended' }),
  fc.constant<StatusReport>({ kind: 'ended', error: 'exit code 1' }),
  fc.constant<StatusReport>({ kind: 'failed', error: 'lost' }),
  fc.constant<StatusReport>({ kind: 'given-up' }),
);

/** One source's events, in its own order; the times go forward as they do on one clock. */
const history = (source: Source): fc.Arbitrary<StatusEvent[]> =>
  fc.array(fc.tuple(fact, fc.integer({ min: 0, max: 5 })), { maxLength: 12 }).map((steps) => {
    let at = start;
    return steps.map(([what, pause], index) => event(source, index, (at += pause), what));
  });

/** Merges the lists in an order drawn from `choices`; each list keeps its own order. */
function interleave(lists: StatusEvent[][], choices: number[]): StatusEvent[] {
  const rest = lists.map((list) => [...list]);
  const merged: StatusEvent[] = [];
  for (let i = 0; rest.some((list) => list.length > 0); i += 1) {
    const open = rest.filter((list) => list.length > 0);
    merged.push(open[(choices[i % choices.length] ?? 0) % open.length]!.shift()!);
  }
  return merged;
}

const choices = fc.array(fc.nat(), { minLength: 1, maxLength: 40 });

describe('status reducer', () => {
  test('however two sources interleave, they end in the same status [holds 9]', () => {
    fc.assert(
      fc.property(
        history('host'),
        history('program'),
        history('inside'),
        choices,
        choices,
        (host, program, inside, one, two) => {
          const lists = [host, program, inside];
          expect(statusAfter(interleave(lists, one))).toEqual(statusAfter(interleave(lists, two)));
        },
      ),
    );
  });

  test('repeated events change nothing', () => {
    fc.assert(
      fc.property(history('program'), history('inside'), choices, choices, (program, inside, order, again) => {
        const once = interleave([program, inside], order);
        const doubled = once.flatMap((item, index) => {
          const earlier = once[(again[index % again.length] ?? 0) % (index + 1)]!;
          return [item, item, earlier];
        });
        expect(statusAfter(doubled)).toEqual(statusAfter(once));
      }),
    );
  });

  test('late events of an older run change nothing [holds 3]', () => {
    fc.assert(
      fc.property(history('program'), history('inside'), choices, (current, older, order) => {
        const late = older.map((item) => ({ ...item, runId: 'run_older' }));
        expect(statusAfter(interleave([current, late], order))).toEqual(statusAfter(current));
      }),
    );
  });

  test('starting until something is ready, then unknown until something is read', () => {
    expect(statusAfter([])).toMatchObject({ state: 'starting', activity: { kind: 'unknown' }, since: start });
    const ready = event('host', 0, 1_200, { kind: 'ready' });
    expect(statusAfter([ready])).toMatchObject({ state: 'running', activity: { kind: 'unknown' }, since: 1_200 });
  });

  test('the newer reading counts; at the same moment the program is believed', () => {
    const ready = event('host', 0, 1_100, { kind: 'ready' });
    const idle = event('program', 0, 1_200, { kind: 'idle' });
    const sooner = event('inside', 0, 1_150, { kind: 'busy' });
    const later = event('inside', 0, 1_250, { kind: 'busy' });
    const same = event('inside', 0, 1_200, { kind: 'busy' });
    expect(statusAfter([ready, idle, sooner]).activity.kind).toBe('idle');
    expect(statusAfter([ready, idle, later]).activity.kind).toBe('busy');
    expect(statusAfter([ready, idle, same]).activity.kind).toBe('idle');
  });

  test('an open ask is attention, oldest first, until any source says that it was answered', () => {
    const events = [
      event('host', 0, 1_100, { kind: 'ready' }),
      event('inside', 0, 1_300, { kind: 'asked', ask: ask('second', 1_300) }),
      event('inside', 1, 1_310, { kind: 'asked', ask: ask('first', 1_290) }),
      event('program', 0, 1_320, { kind: 'busy' }),
    ];
    const waiting = statusAfter(events);
    expect(waiting.activity).toEqual({ kind: 'attention', ask: 'permission' });
    expect(waiting.asks.map(({ id }) => id)).toEqual(['first', 'second']);
    const answered = statusAfter([
      ...events,
      event('program', 1, 1_400, { kind: 'answered', askId: 'first', by: 'terminal' }),
      event('inside', 2, 1_400, { kind: 'answered', askId: 'second', by: 'terminal' }),
    ]);
    expect(answered).toMatchObject({ activity: { kind: 'busy' }, asks: [] });
  });

  test('between the answer and the program going on, the session is busy and waits for nobody', () => {
    const events = [
      event('host', 0, 1_100, { kind: 'ready' }),
      event('inside', 0, 1_300, { kind: 'asked', ask: ask('first', 1_300) }),
      event('program', 0, 1_310, { kind: 'waiting', ask: 'permission' }),
      event('inside', 1, 1_400, { kind: 'answered', askId: 'first', by: 'terminal' }),
    ];
    expect(statusAfter(events).activity.kind).toBe('busy');
    expect(statusAfter([...events, event('program', 1, 1_500, { kind: 'waiting', ask: 'dialog' })]).activity.kind).toBe(
      'attention',
    );
  });

  test('a death is a failure, unless it was asked for', () => {
    const ready = event('host', 0, 1_100, { kind: 'ready' });
    const death = event('program', 0, 1_500, { kind: 'ended', error: 'killed by signal 9' });
    expect(statusAfter([ready, death])).toMatchObject({ state: 'failed', cause: 'killed by signal 9', since: 1_500 });
    const stop = event('host', 1, 1_400, { kind: 'stopping' });
    expect(statusAfter([ready, stop, death]).state).toBe('stopped');
    expect(statusAfter([ready, event('program', 0, 1_500, { kind: 'ended' })]).state).toBe('stopped');
  });

  test('what failed is stopped when somebody gives it up', () => {
    const lost = event('host', 0, 1_500, { kind: 'failed', error: 'it did not start again' });
    const givenUp = event('host', 1, 1_900, { kind: 'given-up' });
    expect(statusAfter([lost, givenUp])).toMatchObject({ state: 'stopped', since: 1_900 });
    expect(statusAfter([lost, givenUp, event('program', 0, 2_000, { kind: 'busy' })]).state).toBe('stopped');
  });

  test('since tells when the activity began, not when it was last said', () => {
    const events = [
      event('host', 0, 1_100, { kind: 'ready' }),
      event('program', 0, 1_200, { kind: 'busy' }),
      event('program', 1, 1_300, { kind: 'busy' }),
    ];
    expect(statusAfter(events).since).toBe(1_200);
  });
});
