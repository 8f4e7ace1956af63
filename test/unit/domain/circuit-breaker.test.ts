import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { closedBreaker, reduceBreaker, stateAt } from '../../../shared/domain/circuit-breaker.ts';
import type { Breaker, BreakerEvent } from '../../../shared/domain/circuit-breaker.ts';

const policy = { failures: 3, coolDownMs: 100, longestCoolDownMs: 1000 };
const failed: BreakerEvent = { kind: 'failed', reason: 'it did not start' };

/** Feeds events, each with its time. */
function after(...events: [number, BreakerEvent][]): Breaker {
  return events.reduce((breaker, [at, event]) => reduceBreaker(breaker, event, at, policy), closedBreaker(0));
}

describe('a circuit breaker', () => {
  test.each<[string, [number, BreakerEvent][], number, 'closed' | 'open' | 'half-open', number | undefined]>([
    ['is closed at first', [], 0, 'closed', undefined],
    [
      'stays closed below the threshold',
      [
        [1, failed],
        [2, failed],
      ],
      3,
      'closed',
      undefined,
    ],
    [
      'opens at the third failure in a row',
      [
        [1, failed],
        [2, failed],
        [3, failed],
      ],
      4,
      'open',
      103,
    ],
    [
      'lets a trial through after the cool-down',
      [
        [1, failed],
        [2, failed],
        [3, failed],
      ],
      103,
      'half-open',
      103,
    ],
    [
      'opens for twice as long when the trial fails',
      [
        [1, failed],
        [2, failed],
        [3, failed],
        [110, failed],
      ],
      200,
      'open',
      310,
    ],
    [
      'closes when the trial starts',
      [
        [1, failed],
        [2, failed],
        [3, failed],
        [110, { kind: 'started' }],
      ],
      110,
      'closed',
      undefined,
    ],
    [
      'opens at once, for longer, where what had started fails again',
      [
        [1, failed],
        [2, failed],
        [3, failed],
        [110, { kind: 'started' }],
        [120, failed],
      ],
      121,
      'open',
      320,
    ],
    [
      'begins anew after a success',
      [
        [1, failed],
        [2, failed],
        [3, { kind: 'succeeded' }],
        [4, failed],
        [5, failed],
      ],
      6,
      'closed',
      undefined,
    ],
    ['opens at once where trying again cannot help', [[1, { ...failed, final: true }]], 2, 'open', 101],
    ['opens at a rate limit until its end', [[1, { kind: 'limited', until: 5000, reason: '429' }]], 4999, 'open', 5000],
    [
      'is half-open at the end of the limit',
      [[1, { kind: 'limited', until: 5000, reason: '429' }]],
      5000,
      'half-open',
      5000,
    ],
    [
      'does not open for a limit that is over',
      [[9, { kind: 'limited', until: 5, reason: '429' }]],
      9,
      'closed',
      undefined,
    ],
    [
      'lets a trial through when the user says so',
      [
        [1, { kind: 'limited', until: 5000, reason: '429' }],
        [7, { kind: 'try-now' }],
      ],
      7,
      'half-open',
      7,
    ],
  ])('%s', (_what, events, at, state, until) => {
    const breaker = after(...events);
    expect(stateAt(breaker, at)).toBe(state);
    expect(breaker.until).toBe(until);
  });

  test('never cools down for longer than the longest time, and always says why it is open', () => {
    const event = fc.oneof(
      fc.constant<BreakerEvent>(failed),
      fc.constant<BreakerEvent>({ kind: 'started' }),
      fc.constant<BreakerEvent>({ kind: 'succeeded' }),
      fc.constant<BreakerEvent>({ kind: 'try-now' }),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        let at = 0;
        let breaker = closedBreaker(0);
        for (const each of events) {
          at += 50;
          breaker = reduceBreaker(breaker, each, at, policy);
          if (breaker.state === 'closed') expect(breaker.until).toBeUndefined();
          else expect(breaker.reason).not.toBe('');
          expect((breaker.until ?? at) - at).toBeLessThanOrEqual(policy.longestCoolDownMs);
        }
        const good = reduceBreaker(breaker, { kind: 'succeeded' }, at, policy);
        expect(good).toMatchObject({ state: 'closed', failures: 0 });
      }),
    );
  });
});
