import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { DriverHost } from '../../../../shared/backends/driver.ts';
import type { RecordEntry } from '../../../../shared/backends/claude/record-entry.ts';
import { Turn } from '../../../../shared/backends/claude/turn.ts';
import type { TurnFailure } from '../../../../shared/domain/run.ts';

let ends: (TurnFailure | undefined)[];
/** What the host was told, in order. */
let told: string[];
/** What the record of the conversation says. */
let recorded: TurnFailure | undefined;
const failure: TurnFailure = { kind: 'provider', reason: 'API Error: 500' };

beforeEach(() => {
  vi.useFakeTimers();
  ends = [];
  told = [];
  recorded = undefined;
});
afterEach(() => void vi.useRealTimers());

function newTurn(hooked = true, look = (): void => undefined): Turn {
  const host = {
    delivered: (_runId: string, id: string) => void told.push(id),
    turnEnded: (_runId: string, why?: TurnFailure) => {
      ends.push(why);
      told.push('end');
    },
  } as unknown as DriverHost;
  return new Turn({
    runId: 'run_1',
    host,
    hooked,
    handedOver: undefined,
    look: async () => look(),
    lastFailure: async () => recorded,
    over: () => undefined,
  });
}

function turnOf(hooked = true): Turn {
  const turn = newTurn(hooked);
  if (hooked) turn.submitted('Do it.', undefined);
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
  const turn = newTurn();
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
  turn.submitted('And this.', undefined);
  expect(ends).toEqual([undefined]);
  vi.advanceTimersByTime(5_000);
  expect(ends).toEqual([undefined]);
});

test('a session without hooks has the word of the file only', async () => {
  const turn = turnOf(false);
  turn.idle();
  await vi.advanceTimersByTimeAsync(0);
  expect(ends).toEqual([undefined]);
});

describe('a receipt', () => {
  const text = '[gt msg_1] Nudge from the user: hello';
  const record = (of: Partial<RecordEntry> = {}): RecordEntry => ({
    kind: 'given',
    text,
    at: 0,
    promptId: 'p1',
    ...of,
  });
  const typed = (turn: Turn) => turn.receipts.expect({ id: 'msg_1', text }, text);

  test('comes from the record, not from the hook before which another may refuse', async () => {
    const turn = newTurn();
    const receipt = typed(turn);
    expect(turn.submitted(text, 'p1')).toBe(true);
    expect(told).toEqual([]);
    turn.recorded(record());
    expect(await receipt).toEqual({ kind: 'has' });
    turn.end(undefined, 'p1');
    expect(told).toEqual(['msg_1', 'end']);
  });

  test.each(['asked', 'answer'] as const)(
    'waits until the model has been asked with it: the record says %s',
    (kind) => {
      const turn = newTurn();
      void typed(turn);
      turn.submitted(text, 'p1');
      turn.recorded(record({ kind, text: '', at: 1 }));
      turn.recorded(record({ at: 2 }));
      expect([told, turn.owesReceipt]).toEqual([[], true]);
      turn.recorded(record({ kind, text: '', at: 3 }));
      expect([told, turn.owesReceipt]).toEqual([['msg_1'], false]);
    },
  );

  test('comes with the text where the record has the request before it, as when a conversation is resumed', () => {
    const turn = newTurn();
    void typed(turn);
    turn.submitted(text, 'p1');
    turn.recorded(record({ kind: 'asked', text: '', at: 3 }));
    turn.recorded(record({ at: 2 }));
    expect(told).toEqual(['msg_1']);
  });

  test('comes from the first sign of life of the turn that it opened, before the end of that', async () => {
    const turn = newTurn();
    void typed(turn);
    turn.submitted(text, 'p1');
    turn.alive('p0');
    expect(told).toEqual([]);
    turn.alive('p1');
    turn.end(undefined, 'p1');
    turn.recorded(record());
    expect(told).toEqual(['msg_1', 'end']);
  });

  test("does not come where a hook of the user refused it: by the record, with that hook's words", async () => {
    const turn = newTurn();
    const receipt = typed(turn);
    turn.submitted(text, 'p1');
    turn.recorded(
      record({ kind: 'refused', text: `operation blocked by hook:\nno such prompts\n\nOriginal prompt: ${text}` }),
    );
    expect(await receipt).toEqual({ kind: 'refused', reason: expect.stringContaining('no such prompts') });
    turn.end();
    expect(told).toEqual(['end']);
  });

  test('does not come where the session rests and the record has nothing of it', async () => {
    const turn = newTurn();
    const receipt = typed(turn);
    turn.submitted(text, 'p1');
    turn.idle();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await receipt).toMatchObject({ kind: 'refused' });
    expect(told).toEqual(['end']);
  });

  test("is looked for in the record before the session's rest is taken for its end", async () => {
    const turn: Turn = newTurn(false, () => turn.recorded(record()));
    void typed(turn);
    turn.busy();
    turn.idle();
    await vi.advanceTimersByTimeAsync(0);
    expect(told).toEqual(['msg_1', 'end']);
  });

  test("of what was typed into a running turn comes with its own turn, and that one's end is its end", () => {
    const turn = newTurn();
    turn.submitted('Do it.', 'p1');
    void typed(turn);
    // Claude names the running turn in the hook of a prompt that it queues.
    turn.submitted(text, 'p1');
    turn.alive('p1');
    turn.end(undefined, 'p1');
    expect(told).toEqual(['end']);
    turn.recorded(record({ promptId: 'p2' }));
    turn.end(undefined, 'p2');
    expect(told).toEqual(['end', 'msg_1', 'end']);
  });

  test('that is read after the end of its turn was heard has been acted on', () => {
    const turn = newTurn();
    turn.submitted('Do it.', 'p1');
    void typed(turn);
    turn.submitted(text, 'p1');
    turn.end(undefined, 'p1');
    turn.end(undefined, 'p2');
    turn.recorded(record({ promptId: 'p2' }));
    expect(told).toEqual(['end', 'msg_1', 'end']);
  });

  test('is not acted on by the late end of an earlier turn', () => {
    const turn = newTurn();
    turn.submitted('Do it.', 'p1');
    turn.idle();
    void typed(turn);
    turn.submitted(text, 'p2');
    turn.recorded(record({ promptId: 'p2' }));
    turn.recorded(record({ kind: 'asked', text: '', promptId: 'p2' }));
    turn.end(undefined, 'p1');
    expect(told).toEqual(['end', 'msg_1']);
  });

  test("of a torn text never comes: it is refused before the model sees it; a prompt of the user's is not", async () => {
    const turn = newTurn();
    const receipt = typed(turn);
    expect(turn.submitted('What do you think?', 'p1')).toBe(true);
    turn.end(undefined, 'p1');
    expect(turn.submitted(`my draft ${text}`, 'p2')).toBe(false);
    expect(await receipt).toEqual({ kind: 'torn', surplus: 'my draft' });
    expect(told).toEqual(['end']);
  });
});
