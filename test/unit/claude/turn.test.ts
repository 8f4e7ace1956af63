import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { DriverHost, TurnFailure } from '../../../shared/backends/driver.ts';
import { Turn } from '../../../shared/backends/claude/turn.ts';

let ends: (TurnFailure | undefined)[];
/** What the record of the conversation says. */
let recorded: TurnFailure | undefined;
const failure: TurnFailure = { kind: 'provider', reason: 'API Error: 500' };

beforeEach(() => {
  vi.useFakeTimers();
  ends = [];
  recorded = undefined;
});
afterEach(() => void vi.useRealTimers());

function turnOf(hooked = true): Turn {
  const host = { delivered: () => undefined, turnEnded: (_runId: string, why?: TurnFailure) => void ends.push(why) } as unknown as DriverHost;
  const turn = new Turn({ runId: 'run_1', host, hooked, firstPrompt: undefined, handedOver: undefined, lastFailure: async () => recorded });
  if (hooked) turn.submitted('Do it.');
  else turn.busy();
  return turn;
}

test('a failure that is heard after the file has said idle is the end of the turn, told once', () => {
  const turn = turnOf();
  turn.idle();
  vi.advanceTimersByTime(500);
  turn.end(failure);
  vi.advanceTimersByTime(5_000);
  expect(ends).toEqual([failure]);
});

test('a turn that was taken up in its middle fails like any other; its ordinary end is told by the idle session', () => {
  const host = { turnEnded: (_runId: string, why?: TurnFailure) => void ends.push(why) } as unknown as DriverHost;
  const turn = new Turn({ runId: 'run_1', host, hooked: true, firstPrompt: undefined, handedOver: undefined, lastFailure: async () => recorded });
  turn.end();
  expect(ends).toEqual([]);
  turn.end(failure);
  turn.end();
  expect(ends).toEqual([failure]);
});

test('without a hook, an interrupted turn is over a moment after the file has said idle', async () => {
  const turn = turnOf();
  turn.idle();
  expect(ends).toEqual([]);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(ends).toEqual([undefined]);
});

test('where the hook was lost, the record tells of the failure', async () => {
  const turn = turnOf();
  recorded = failure;
  turn.idle();
  await vi.advanceTimersByTimeAsync(1_000);
  turn.end();
  // It was only late.
  turn.end(failure);
  expect(ends).toEqual([failure]);
});

test('a turn that begins meanwhile ends the one before, and is not ended by its idle', () => {
  const turn = turnOf();
  turn.idle();
  turn.submitted('And this.');
  expect(ends).toEqual([undefined]);
  vi.advanceTimersByTime(5_000);
  expect(ends).toEqual([undefined]);
});

test('a session without hooks has the word of the file only', () => {
  const turn = turnOf(false);
  turn.idle();
  expect(ends).toEqual([undefined]);
});
