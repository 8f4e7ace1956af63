import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Unheard } from '../../../../shared/backends/claude/unheard.ts';

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }));
afterEach(() => void vi.useRealTimers());

function scene() {
  const told: (string | undefined)[] = [];
  let spoken = 0;
  const unheard = new Unheard({
    now: Date.now,
    hasSpokenSince: async (since) => spoken >= since,
    tell: (problem) => void told.push(problem?.split(':')[0]),
  });
  const speak = (): void => {
    spoken = Date.now();
  };
  const later = (ms: number) => vi.advanceTimersByTimeAsync(ms);
  return { unheard, told, speak, later };
}
const lost = 'Its hooks are not heard any more';

test('a turn of the model in which no hook is heard is told, once, and taken back with the next hook', async () => {
  const { unheard, told, speak, later } = scene();
  for (let turn = 0; turn < 2; turn += 1) {
    unheard.busy();
    await later(1000);
    speak();
    unheard.idle();
    await later(60_000);
  }
  expect(told).toEqual([lost]);
  unheard.heard();
  expect(told).toEqual([lost, undefined]);
});

test('the hook of the start stands for no hook of the first turn, however soon that follows', async () => {
  const { unheard, told, speak, later } = scene();
  unheard.started();
  await later(100);
  unheard.busy();
  await later(1000);
  speak();
  unheard.idle();
  await later(60_000);
  expect(told).toEqual([lost]);
});

test('a long turn is told while it goes on', async () => {
  const { unheard, told, speak, later } = scene();
  unheard.busy();
  await later(5000);
  speak();
  await later(11_000);
  expect(told).toEqual([lost]);
});

test.each([
  ['a hook is heard in the turn', { heard: true, spoken: true }],
  ["the model says nothing: a command of the user's", { heard: false, spoken: false }],
])('nothing is told where %s', async (_what, { heard, spoken }) => {
  const { unheard, told, speak, later } = scene();
  unheard.busy();
  await later(1000);
  if (heard) unheard.heard();
  if (spoken) speak();
  unheard.idle();
  await later(60_000);
  expect(told).toEqual([]);
});

test('the hook that begins a turn may be heard a moment before the state file says so', async () => {
  const { unheard, told, speak, later } = scene();
  unheard.heard();
  await later(500);
  unheard.busy();
  speak();
  unheard.idle();
  await later(60_000);
  expect(told).toEqual([]);
});
