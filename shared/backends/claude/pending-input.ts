import * as z from 'zod/mini';

/**
 * What may be left of us in the composer: recorded before anything is written and forgotten when it has been submitted, so
 * that the next delivery, or the next host, can take it back. The user's draft is put aside meanwhile.
 */
export const pendingInputSchema = z.object({
  /** The messages that were being typed; empty where nothing but the draft was touched. */
  messages: z.array(z.string()),
  /** How often a line is to be deleted to be sure that none of the text is left. */
  strokes: z.number(),
});
export type PendingInput = z.output<typeof pendingInputSchema>;

/** A terminal is hardly ever narrower, in characters: a line on the screen is what one stroke deletes. */
const narrowest = 20;

/** Pure. Of an encoded text. */
export function strokesFor(encoded: string): number {
  return encoded.split('\n').length + Math.ceil([...encoded].length / narrowest) + 3;
}

/** Pure. Ctrl+U deletes what is left of the cursor in its line, Backspace joins the line before. Harmless in an empty composer. */
export const clearing = (strokes: number): string => '\u0015\u007f'.repeat(strokes);

/** Pure. How long Claude Code takes for it (measured: 1000 strokes in less than 3 s), in ms. */
export const clearingMs = (strokes: number): number => 200 + 4 * strokes;
