import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Timer, Timers } from '../../../shared/platform/timer.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());
const pass = (ms: number) => vi.advanceTimersByTime(ms);

test('a timer rings once, at the newest time that it was set to, and is set until then', () => {
  const rung = vi.fn<() => void>();
  const timer = new Timer(() => rung());
  timer.set(10);
  timer.set(50);
  pass(49);
  expect([timer.isSet, rung.mock.calls.length]).toEqual([true, 0]);
  pass(1);
  expect([timer.isSet, rung.mock.calls.length]).toEqual([false, 1]);
  timer.set(10);
  timer.set(undefined);
  pass(100);
  expect([timer.isSet, rung.mock.calls.length]).toEqual([false, 1]);
});

test('a timer that is disposed never rings, whatever it is set to [holds 10]', () => {
  const rung = vi.fn<() => void>();
  const timer = new Timer(() => rung());
  timer.set(10);
  timer.dispose();
  timer.set(10);
  pass(100);
  expect(rung).not.toHaveBeenCalled();
});

describe('timers by key', () => {
  test('ring each for itself, and one that is set anew takes the place of the one before', () => {
    const rung: string[] = [];
    const timers = new Timers();
    timers.set('a', 10, () => rung.push('a too soon'));
    timers.set('b', 20, () => rung.push('b'));
    timers.set('c', 20, () => rung.push('c'));
    timers.set('a', 30, () => rung.push('a'));
    timers.clear('c');
    expect([timers.isSet('a'), timers.isSet('c')]).toEqual([true, false]);
    pass(100);
    expect(rung).toEqual(['b', 'a']);
    expect(timers.isSet('a')).toBe(false);
  });

  test('may be set again as they ring, and none rings after the end [holds 10]', () => {
    let rung = 0;
    const timers = new Timers();
    const again = (): void => {
      rung += 1;
      timers.set('a', 10, again);
    };
    timers.set('a', 10, again);
    pass(25);
    timers.dispose();
    timers.set('a', 10, again);
    pass(100);
    expect(rung).toBe(2);
  });
});
