import * as z from 'zod/mini';

/** What a session may have under way at once. */
export interface SessionLimits {
  openEscalations: number;
  openUnits: number;
}

/** What is in force where the settings say nothing. */
const defaults = { open_escalations: 20, open_units: 200 } as const;

const count = (what: string, value: number) =>
  z.optional(
    z
      .int()
      .check(
        z.minimum(1),
        z.describe(
          `How many ${what} a session may have at once. What you do yourself is not counted. ${value} when absent.`,
        ),
      ),
  );

/** `limits` in the town's settings. */
export const sessionLimitSettings = z.looseObject({
  open_escalations: count('open escalations that it has raised', defaults.open_escalations),
  open_units: count('units of work that it has added and that are neither done nor cancelled', defaults.open_units),
});

/** Pure. */
export function sessionLimits(settings: z.output<typeof sessionLimitSettings> | undefined): SessionLimits {
  return {
    openEscalations: settings?.open_escalations ?? defaults.open_escalations,
    openUnits: settings?.open_units ?? defaults.open_units,
  };
}
