import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { awakeTime, TownClock } from '../../../shared/platform/town-clock.ts';

const minute = 60_000;
const hour = 60 * minute;
const start = 100 * hour;

let wall: number;
let awake: number;
let clock: TownClock;
const jumps: number[] = [];

const pass = (ms: number): void => {
  wall += ms;
  awake += ms;
};

beforeEach(() => {
  vi.useFakeTimers();
  wall = start;
  awake = 0;
  jumps.length = 0;
  clock = new TownClock({ wall: () => wall, awake: () => awake }, (error) => {
    throw error;
  });
  clock.onDidJump((by) => jumps.push(by));
  clock.now();
});
afterEach(() => {
  clock.dispose();
  vi.useRealTimers();
});

test('time that passes, however long nobody asks, and a clock that is set right by seconds, are no jump', () => {
  pass(30 * hour);
  expect(clock.now()).toBe(start + 30 * hour);
  wall += 4_000;
  clock.now();
  wall -= 9_000;
  clock.now();
  expect(jumps).toEqual([]);
  expect(clock.countedFrom(start)).toBe(start);
});

test.each([
  ['set back', -hour],
  ['set forward, or the machine sleeps', 8 * hour],
])('a clock that is %s is noticed, once', (_how, by) => {
  pass(minute);
  wall += by;
  clock.now();
  pass(minute);
  clock.now();
  expect(jumps).toEqual([by]);
});

test('what has been going on before the jump counts from the jump, what begins after it from its beginning', () => {
  pass(10 * minute);
  wall += 8 * hour;
  const woke = clock.now();
  pass(20 * minute);
  expect(clock.countedFrom(start)).toBe(woke);
  expect(clock.countedFrom(woke + minute)).toBe(woke + minute);
});

test('what was noted before the clock was set back counts from then on, also where the host began only after that', () => {
  const noted = clock.now();
  wall -= hour;
  const set = clock.now();
  pass(5 * minute);
  expect(clock.countedFrom(noted)).toBe(set);
  const next = new TownClock({ wall: () => wall, awake: () => awake }, () => undefined);
  const began = next.now();
  pass(5 * minute);
  expect(next.countedFrom(noted)).toBe(began);
});

test('a jump is noticed also while nobody asks for the time', () => {
  clock.start();
  wall += 8 * hour;
  vi.advanceTimersByTime(minute);
  expect(jumps).toEqual([8 * hour]);
  clock.dispose();
  wall -= hour;
  vi.advanceTimersByTime(10 * minute);
  expect(jumps).toHaveLength(1);
});

test('a system whose own clock goes on in sleep is not taken for awake for longer than a beat', () => {
  let system = 5_000;
  const elapsed = awakeTime(() => system);
  system += minute;
  expect(elapsed()).toBe(minute);
  system += 8 * hour;
  expect(elapsed()).toBeLessThan(3 * minute);
});
