import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { RetryBudget } from '../../../../shared/backends/opencode/retry-budget.ts';
import type { TurnFailure } from '../../../../shared/domain/run.ts';

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
});
afterEach(() => {
  vi.useRealTimers();
});

const failing: TurnFailure = { kind: 'provider', reason: 'Internal Server Error' };
const limited: TurnFailure = { kind: 'rate-limit', reason: 'Too many requests' };

function patience(): { patience: RetryBudget; given: { at: number; failure: TurnFailure }[] } {
  const given: { at: number; failure: TurnFailure }[] = [];
  const giveUp = (failure: TurnFailure): void => void given.push({ at: Date.now(), failure });
  return {
    given,
    patience: new RetryBudget({ lasts: () => 10_000, now: () => Date.now(), awake: () => performance.now(), giveUp }),
  };
}

test('one request is tried for as long as the patience lasts, however often', () => {
  const { patience: one, given } = patience();
  one.retries({ attempt: 1, next: 2000, failure: failing });
  vi.advanceTimersByTime(2000);
  one.retries({ attempt: 2, next: 6000, failure: failing });
  vi.advanceTimersByTime(7999);
  expect(given).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(given).toEqual([{ at: 10_000, failure: failing }]);
});

test('a try that is under way is not broken off, but it is the last one', () => {
  const { patience: one, given } = patience();
  one.retries({ attempt: 1, next: 2000, failure: failing });
  vi.advanceTimersByTime(2000);
  one.tries();
  vi.advanceTimersByTime(60_000);
  expect(given).toEqual([]);
  one.retries({ attempt: 2, next: 64_000, failure: failing });
  expect(given).toEqual([{ at: 62_000, failure: failing }]);
});

test('a next try that comes too late is not waited for, and a limit says when it ends', () => {
  const { patience: one, given } = patience();
  one.retries({ attempt: 1, next: 3_600_000, failure: limited });
  expect(given).toEqual([{ at: 0, failure: { ...limited, until: 3_600_000 } }]);
});

test('each request of a turn has the whole patience, and an answer ends it', () => {
  const { patience: one, given } = patience();
  one.retries({ attempt: 1, next: 2000, failure: failing });
  vi.advanceTimersByTime(9000);
  one.retries({ attempt: 1, next: 11_000, failure: failing });
  vi.advanceTimersByTime(9000);
  expect(given).toEqual([]);
  one.over();
  vi.advanceTimersByTime(100_000);
  expect(given).toEqual([]);
});

test('a machine that sleeps between two tries uses up no patience, and a clock that is set back gives no more', () => {
  let slept = 0;
  const given: TurnFailure[] = [];
  const one = new RetryBudget({
    lasts: () => 10_000,
    now: () => Date.now() + slept,
    awake: () => Date.now(),
    giveUp: (failure) => void given.push(failure),
  });
  one.retries({ attempt: 1, next: 2000, failure: failing });
  vi.advanceTimersByTime(2000);
  slept = 8 * 3_600_000;
  one.retries({ attempt: 2, next: slept + 6000, failure: failing });
  expect(given).toEqual([]);
  vi.advanceTimersByTime(1000);
  slept = -3_600_000;
  one.retries({ attempt: 3, next: slept + 7000, failure: failing });
  vi.advanceTimersByTime(7000);
  expect(given).toEqual([failing]);
});
