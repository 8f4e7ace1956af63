import { z } from 'zod';

const seconds = z.number().min(0).max(86_400);

/** What is done when a model or its provider does not answer. */
export const backendTrouble = z.looseObject({
  patience_seconds: seconds
    .describe(
      'How long Opencode may go on trying within one turn; then the turn is broken off. 120 when absent. (Claude Code gives up by itself.)',
    )
    .optional(),
  grace_seconds: seconds
    .describe(
      'A rate limit that ends within this time is waited for, even where another agent could take over. 60 when absent.',
    )
    .optional(),
  pause_seconds: seconds
    .describe(
      'How long a session rests after a failed turn where the provider names no time; each further failure doubles it. 30 when absent.',
    )
    .optional(),
  longest_pause_seconds: seconds.describe('The longest such rest. 600 when absent.').optional(),
  max_redeliveries: z
    .int()
    .min(0)
    .max(100)
    .describe('How often in a row a session is told to go on after failed turns; then you are asked. 5 when absent.')
    .optional(),
});

/** The same with everything filled in; times in ms. */
export interface TroublePolicy {
  patienceMs: number;
  graceMs: number;
  pauseMs: number;
  longestPauseMs: number;
  maxRedeliveries: number;
}

/** Pure. */
export function troublePolicy(settings: z.output<typeof backendTrouble> = {}): TroublePolicy {
  return {
    patienceMs: (settings.patience_seconds ?? 120) * 1000,
    graceMs: (settings.grace_seconds ?? 60) * 1000,
    pauseMs: (settings.pause_seconds ?? 30) * 1000,
    longestPauseMs: (settings.longest_pause_seconds ?? 600) * 1000,
    maxRedeliveries: settings.max_redeliveries ?? 5,
  };
}
