import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Turn } from '../../../shared/backends/opencode/turn.ts';
import type { Reporter } from '../../../shared/backends/opencode/turn.ts';

const delivery = { id: 'd1', text: 'hello' };

describe('Turn', () => {
  it('gives the receipt for the exact text of a user message only', () => {
    const turn = new Turn();
    turn.begin(delivery);
    expect(turn.text('msg_1', 'hello')).toBeUndefined();
    turn.userMessage('msg_1');
    expect(turn.text('msg_1', 'hello ')).toBeUndefined();
    expect(turn.text('msg_1', 'hello')).toBe('d1');
  });

  it('does not end with an idle of the turn before', () => {
    const turn = new Turn();
    turn.begin(delivery);
    expect(turn.idle('program')).toBe(false);
    turn.userMessage('msg_1');
    turn.text('msg_1', 'hello');
    expect(turn.idle('inside')).toBe(false);
    expect(turn.open).toBe(true);
  });

  it('ends once, with the idle after the answer', () => {
    const turn = new Turn();
    turn.begin(delivery);
    turn.userMessage('msg_1');
    turn.text('msg_1', 'hello');
    turn.answer('msg_0', true);
    expect(turn.ending).toBe(false);
    turn.answer('msg_1', true);
    expect(turn.idle('inside')).toBe(true);
    expect(turn.idle('program')).toBe(false);
  });

  it('ends after an error, also where the text never became a message', () => {
    const turn = new Turn();
    turn.begin(delivery);
    turn.error();
    expect(turn.idle('program')).toBe(true);
  });

  it('ends exactly once however the two reporters interleave', () => {
    const story = ['user', 'text', 'busy', 'answer', 'idle', 'idle'] as const;
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 2 * story.length }), (choices) => {
        const turn = new Turn();
        turn.begin(delivery);
        const left: Record<Reporter, string[]> = { program: [...story], inside: [...story] };
        let ends = 0;
        let receipts = 0;
        const step = (reporter: Reporter): void => {
          const next = left[reporter].shift();
          if (next === 'user') turn.userMessage('msg_1');
          if (next === 'text' && turn.text('msg_1', 'hello') !== undefined) receipts += 1;
          if (next === 'busy') turn.busy(reporter);
          if (next === 'answer') turn.answer('msg_1', true);
          if (next === 'idle' && turn.idle(reporter)) ends += 1;
        };
        for (const choice of choices) step(choice ? 'program' : 'inside');
        while (left.program.length > 0) step('program');
        while (left.inside.length > 0) step('inside');
        expect(ends).toBe(1);
        expect(receipts).toBeGreaterThanOrEqual(1);
        expect(turn.open).toBe(false);
      }),
    );
  });
});
