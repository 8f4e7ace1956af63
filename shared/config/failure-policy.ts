import * as z from 'zod/mini';

const restarts = z.looseObject({
  max: z.optional(
    z
      .int()
      .check(
        z.minimum(0),
        z.maximum(100),
        z.describe(
          'How often a session is restarted within the window before it is quarantined; 3 when absent, 0 means never.',
        ),
      ),
  ),
  window_seconds: z.optional(
    z.int().check(z.minimum(1), z.describe('Length of the window, in seconds; 300 when absent.')),
  ),
});

/** What is done when something fails. In a rig's settings for its sessions and work; in the town's for everything else. */
export const failurePolicySettings = z
  .looseObject({
    spawn_failure: z.optional(
      z
        .enum(['retry', 'fail', 'escalate'])
        .check(
          z.describe(
            'A session for a unit of work could not be started: `retry` queues the unit again, up to `retries` times, and then escalates (the default); `fail` leaves it failed; `escalate` tells you at once. What a retry cannot cure (a missing program, a mistake in the settings) fails at once.',
          ),
        ),
    ),
    work_failure: z.optional(
      z
        .enum(['leave', 'retry', 'reassign', 'escalate'])
        .check(
          z.describe(
            'A session reported its unit as failed: `leave` leaves it so (the default); `retry` gives it to the same session again, `reassign` to another one, up to `retries` times, and then escalates; `escalate` tells you at once.',
          ),
        ),
    ),
    stalled: z.optional(
      z
        .enum(['leave', 'reassign', 'escalate'])
        .check(
          z.describe(
            'A unit whose session stopped working on it without a report: `escalate` tells you (the default); `reassign` gives it to another session, up to `retries` times, and stops a polecat that has nothing else to do; `leave` only shows it.',
          ),
        ),
    ),
    retries: z.optional(
      z.int().check(z.minimum(0), z.maximum(20), z.describe('How often a unit is tried again; 1 when absent.')),
    ),
    backoff_seconds: z.optional(
      z
        .int()
        .check(
          z.minimum(0),
          z.describe(
            'How long the first retry waits, in seconds; each further one waits twice as long. 30 when absent.',
          ),
        ),
    ),
    restarts: z.optional(restarts.check(z.describe('How often a session that died is restarted.'))),
    hung: z.optional(
      z
        .enum(['escalate', 'restart'])
        .check(
          z.describe(
            'A session is busy without any progress: `escalate` tells you (the default); `restart` restarts it.',
          ),
        ),
    ),
    hung_minutes: z.optional(
      z
        .number()
        .check(
          z.positive(),
          z.describe(
            'After how many minutes without a word of the model or a tool a busy session counts as hung; 30 when absent.',
          ),
        ),
    ),
    idle_stop_minutes: z.optional(
      z
        .number()
        .check(
          z.positive(),
          z.describe('After how many minutes a polecat without work is stopped; never when absent.'),
        ),
    ),
  })
  .check(z.describe('What is done when sessions or work fail.'));
export type FailurePolicySettings = z.output<typeof failurePolicySettings>;

/** The same with everything filled in; times in milliseconds. */
export interface FailurePolicy {
  spawnFailure: 'retry' | 'fail' | 'escalate';
  workFailure: 'leave' | 'retry' | 'reassign' | 'escalate';
  stalled: 'leave' | 'reassign' | 'escalate';
  retries: number;
  backoffMs: number;
  restarts: { max: number; windowMs: number };
  hung: 'escalate' | 'restart';
  hungMs: number;
  /** Absent: never. */
  idleStopMs?: number;
}

/** Pure. What the rig says goes before what the town says, key by key. */
export function failurePolicy(town: FailurePolicySettings | undefined, rig?: FailurePolicySettings): FailurePolicy {
  const idleStop = rig?.idle_stop_minutes ?? town?.idle_stop_minutes;
  return {
    spawnFailure: rig?.spawn_failure ?? town?.spawn_failure ?? 'retry',
    workFailure: rig?.work_failure ?? town?.work_failure ?? 'leave',
    stalled: rig?.stalled ?? town?.stalled ?? 'escalate',
    retries: rig?.retries ?? town?.retries ?? 1,
    backoffMs: (rig?.backoff_seconds ?? town?.backoff_seconds ?? 30) * 1000,
    restarts: {
      max: rig?.restarts?.max ?? town?.restarts?.max ?? 3,
      windowMs: (rig?.restarts?.window_seconds ?? town?.restarts?.window_seconds ?? 300) * 1000,
    },
    hung: rig?.hung ?? town?.hung ?? 'escalate',
    hungMs: (rig?.hung_minutes ?? town?.hung_minutes ?? 30) * 60_000,
    ...(idleStop === undefined ? {} : { idleStopMs: idleStop * 60_000 }),
  };
}
