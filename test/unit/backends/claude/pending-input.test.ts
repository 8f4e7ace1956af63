import fc from 'fast-check';
import { expect, test } from 'vitest';
import { clearing, strokesFor } from '../../../../shared/backends/claude/pending-input.ts';

test('there are strokes for every line on the screen, however narrow the terminal, and some more', () => {
  const onScreen = (text: string, columns: number): number =>
    text.split('\n').reduce((sum, line) => sum + Math.max(1, Math.ceil([...line].length / columns)), 0);
  fc.assert(
    fc.property(fc.string({ maxLength: 2000 }), fc.integer({ min: 20, max: 300 }), (text, columns) => {
      expect(strokesFor(text)).toBeGreaterThan(onScreen(text, columns));
    }),
  );
});

test('a stroke deletes a line and joins the one before', () => {
  expect(clearing(2)).toBe('\u0015\u007f\u0015\u007f');
});
