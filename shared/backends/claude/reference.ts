import * as z from 'zod/mini';
import { pendingInputSchema } from './pending-input.ts';

const referenceSchema = z.object({
  /** Name of the terminal. */
  terminal: z.string(),
  /** Claude's id of the conversation; `/clear` changes it. */
  claudeSession: z.string(),
  /** Set by an older version: the run's hooks go to this port by HTTP, where nobody of ours listens any more. */
  hookPort: z.optional(z.number()),
  configDir: z.string(),
  /** The message that the program was started with. */
  firstPrompt: z.optional(z.string()),
  halfTyped: z.nullish(pendingInputSchema),
  /** Absent while the terminal is being opened. */
  process: z.optional(z.object({ pid: z.number(), startTime: z.string() })),
});

/** By what a run is found again after a host restart. */
export type ClaudeReference = z.output<typeof referenceSchema>;

export function parseReference(reference: Record<string, unknown>): ClaudeReference | undefined {
  return referenceSchema.safeParse(reference).data;
}
