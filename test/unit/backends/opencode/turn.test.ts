import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Turn } from '../../../../shared/backends/opencode/turn.ts';
import type { Reporter } from '../../../../shared/backends/opencode/turn.ts';

const delivery = { id: 'd1', text: 'hello' };

type Step = 'announced' | 'user' | 'text' | 'busy' | 'answer' | 'idle';
const story: Step[] = ['user', 'text', 'busy', 'answer', 'idle', 'idle'];
/** The plugin tells no texts of messages; its hook does, before there is a message. */
const insideStory: Step[] = ['announced', 'user', 'busy', 'answer', 'idle', 'idle'];
/** What the plugin may still have to tell of the turn before. */
const before: Step[] = ['busy', 'answer', 'idle', 'idle'];

function tell(turn: Turn, step: Step, reporter: Reporter, message: string): { ended: boolean; receipt: boolean } {
  if (step === 'busy') turn.busy(reporter);
  if (step === 'answer') turn.answer(message, true, reporter);
  const receipt = (): unknown => {
    if (step === 'announced') return turn.announce(message, ['hello'], reporter);
    if (step === 'user') return turn.userMessage(message, reporter);
    return step === 'text' ? turn.text(message, 'hello', reporter) : undefined;
  };
  return {
    receipt: receipt() !== undefined,
    ended: step === 'idle' && turn.idle(reporter),
  };
}

describe('Turn', () => {
  it('gives the receipt for the exact text of a user message only', () => {
    const turn = new Turn();
    turn.begin(delivery);
    expect(turn.text('msg_1', 'hello', 'program')).toBeUndefined();
    turn.userMessage('msg_1', 'program');
    expect(turn.text('msg_1', 'hello ', 'program')).toBeUndefined();
    expect(turn.text('msg_1', 'hello', 'program')).toBe(delivery);
  });

  it('gives no receipt for a message that is only announced, and one for the message that it becomes, by whoever tells', () => {
    for (const reporter of ['program', 'inside'] as const) {
      const turn = new Turn();
      turn.begin(delivery);
      expect(turn.announce('msg_1', ['hello'], 'inside')).toBeUndefined();
      expect(turn.userMessage('msg_2', reporter)).toBeUndefined();
      expect(turn.userMessage('msg_1', reporter)).toBe(delivery);
      // Of an earlier attempt.
      turn.begin(delivery);
      expect(turn.userMessage('msg_1', reporter)).toBeUndefined();
      expect(turn.announce('msg_1', ['hello'], 'inside')).toBe(delivery);
    }
  });

  it('does not end with what is still told of the turn before', () => {
    const turn = new Turn();
    turn.begin(delivery);
    for (const step of story.slice(0, 3)) tell(turn, step, 'program', 'msg_2');
    for (const step of before) expect(tell(turn, step, 'inside', 'msg_1').ended).toBe(false);
    expect(turn.open).toBe(true);
  });

  it('ends after an error, also where the text never became a message', () => {
    const turn = new Turn();
    turn.begin(delivery);
    turn.error('program');
    expect(turn.idle('program')).toBe(false);
    turn.busy('program');
    expect(turn.idle('program')).toBe(true);
  });

  it('ends exactly once however the two reporters interleave, and however late the plugin is', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 2 * insideStory.length + before.length }), (choices) => {
        const turn = new Turn();
        turn.begin(delivery);
        const left: Record<Reporter, { step: Step; message: string }[]> = {
          program: story.map((step) => ({ step, message: 'msg_2' })),
          inside: [
            ...before.map((step) => ({ step, message: 'msg_1' })),
            ...insideStory.map((step) => ({ step, message: 'msg_2' })),
          ],
        };
        let ends = 0;
        let receipts = 0;
        const next = (reporter: Reporter): void => {
          const event = left[reporter].shift();
          if (!event) return;
          const { ended, receipt } = tell(turn, event.step, reporter, event.message);
          // The story is over for whoever ends it: nothing but its last steps may be left.
          if (ended) expect(left[reporter].length).toBeLessThan(2);
          ends += Number(ended);
          receipts += Number(receipt);
        };
        for (const choice of choices) next(choice ? 'program' : 'inside');
        while (left.program.length > 0) next('program');
        while (left.inside.length > 0) next('inside');
        expect(ends).toBe(1);
        expect(receipts).toBeGreaterThanOrEqual(1);
        expect(turn.open).toBe(false);
      }),
    );
  });
});
