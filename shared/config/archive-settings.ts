import * as z from 'zod/mini';

/** What stays in the town's database of what is over. */
export interface ArchivePolicy {
  afterDays: number;
  /** So many of each kind stay at most. */
  keep: number;
}

/** What is in force where the settings say nothing. */
const defaults = { after_days: 90, keep: 10_000 } as const;

/** `archive` in the town's settings. */
export const archiveSettings = z.looseObject({
  after_days: z.optional(
    z
      .int()
      .check(
        z.minimum(1),
        z.maximum(36_500),
        z.describe(`After how many days what is over goes into the archive. ${defaults.after_days} when absent.`),
      ),
  ),
  keep: z.optional(
    z
      .int()
      .check(
        z.minimum(100),
        z.describe(
          `How many of each kind stay at most: of more the oldest go sooner, but not before they have been over for a day. ${defaults.keep} when absent.`,
        ),
      ),
  ),
});

/** Pure. */
export function archivePolicy(settings: z.output<typeof archiveSettings> | undefined): ArchivePolicy {
  return {
    afterDays: settings?.after_days ?? defaults.after_days,
    keep: settings?.keep ?? defaults.keep,
  };
}
