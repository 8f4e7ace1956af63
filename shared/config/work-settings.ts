import * as z from 'zod/mini';
import type { StartAfter } from '../domain/dependency.ts';

/** `work` in the town's and the rigs' settings. */
export const workSettings = z.looseObject({
  start_after: z.optional(
    z
      .enum(['merged', 'done'])
      .check(
        z.describe(
          'When a unit that waits for another one starts: when that is `merged` (the default; done, where it has nothing to merge), or already when it is `done`.',
        ),
      ),
  ),
});
type WorkSettings = z.output<typeof workSettings>;

/** Pure. What the rig says goes before what the town says. */
export function startAfter(town: WorkSettings | undefined, rig?: WorkSettings): StartAfter {
  return rig?.start_after ?? town?.start_after ?? 'merged';
}
