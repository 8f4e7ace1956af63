import * as z from 'zod/mini';

const seconds = z.number().check(z.minimum(0), z.maximum(86_400));

/** What is done when a model or its provider does not answer. */
export const backendTrouble = z.looseObject({
  patience_seconds: z.optional(
    seconds.check(
      z.describe(
        'How long {{persistent}} may go on trying within one turn; then the turn is broken off. 120 when absent. ({{givesUp}} by itself.)',
      ),
    ),
  ),
  grace_seconds: z.optional(
    seconds.check(
      z.describe(
        'A rate limit that ends within this time is waited for, even where another agent could take over. 60 when absent.',
      ),
    ),
  ),
  pause_seconds: z.optional(
    seconds.check(
      z.describe(
        'How long a session rests after a failed turn where the provider names no time; each further failure doubles it. 30 when absent.',
      ),
    ),
  ),
  longest_pause_seconds: z.optional(seconds.check(z.describe('The longest such rest. 600 when absent.'))),
  max_redeliveries: z.optional(
    z
      .int()
      .check(
        z.minimum(0),
        z.maximum(100),
        z.describe(
          'How often in a row a session is told to go on after failed turns; then you are asked. 5 when absent.',
        ),
      ),
  ),
  max_repeats: z.optional(
    z
      .int()
      .check(
        z.minimum(0),
        z.maximum(1000),
        z.describe(
          'How often in a row a turn may compact its conversation, meet the same error, or call the same tool to the same end; then it is broken off, and you are asked. 20 when absent; 0 means any number.',
        ),
      ),
  ),
});

/** The same with everything filled in; times in ms. */
export interface TroublePolicy {
  patienceMs: number;
  graceMs: number;
  pauseMs: number;
  longestPauseMs: number;
  maxRedeliveries: number;
  /** 0: any number. */
  maxRepeats: number;
}

/** Pure. */
export function troublePolicy(settings: z.output<typeof backendTrouble> = {}): TroublePolicy {
  return {
    patienceMs: (settings.patience_seconds ?? 120) * 1000,
    graceMs: (settings.grace_seconds ?? 60) * 1000,
    pauseMs: (settings.pause_seconds ?? 30) * 1000,
    longestPauseMs: (settings.longest_pause_seconds ?? 600) * 1000,
    maxRedeliveries: settings.max_redeliveries ?? 5,
    maxRepeats: settings.max_repeats ?? 20,
  };
}
