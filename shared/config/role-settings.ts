import * as z from 'zod/mini';
import type { Role } from '../domain/orchestrator.ts';

/** Roles that the host calls when something needs a judgement. */
export const calledRoles = ['witness', 'refinery', 'deacon'] as const satisfies readonly Role[];
export type CalledRole = (typeof calledRoles)[number];

/** What is in force where the settings say nothing. */
const defaults = { sleep_after_minutes: 5, calls_per_hour: 12 } as const;

/** `roles` in the town's settings: ours, not Gas Town's. */
export const roleSettings = z.looseObject({
  on_demand: z.optional(
    z
      .array(z.enum(calledRoles))
      .check(
        z.describe(
          'Roles that are started when they are called, and stopped again when they have been idle for `sleep_after_minutes`. The others are called only where they run.',
        ),
      ),
  ),
  sleep_after_minutes: z.optional(
    z
      .number()
      .check(
        z.positive(),
        z.describe(
          `After how many idle minutes a role of \`on_demand\` is stopped; ${defaults.sleep_after_minutes} when absent.`,
        ),
      ),
  ),
  calls_per_hour: z.optional(
    z
      .int()
      .check(
        z.minimum(1),
        z.describe(
          `How often a session is called within an hour; what is more is escalated to you. ${defaults.calls_per_hour} when absent.`,
        ),
      ),
  ),
});

export interface RolePolicy {
  onDemand: readonly CalledRole[];
  sleepAfterMs: number;
  callsPerHour: number;
}

/** Pure. */
export function rolePolicy(settings: z.output<typeof roleSettings> | undefined): RolePolicy {
  return {
    onDemand: settings?.on_demand ?? [],
    sleepAfterMs: (settings?.sleep_after_minutes ?? defaults.sleep_after_minutes) * 60_000,
    callsPerHour: settings?.calls_per_hour ?? defaults.calls_per_hour,
  };
}
