import * as z from 'zod/mini';

const command = (what: string) => z.optional(z.string().check(z.maxLength(10_000), z.describe(what)));
const duration = (what: string) =>
  z.optional(
    z.string().check(z.regex(/^\d+(\.\d+)?(ms|s|m|h)$/, 'must be a time such as "30s" or "10m"'), z.describe(what)),
  );

/** When a gate runs: with the branch alone before it is tried with others, or with the commit that is to land. */
const phases = ['pre-merge', 'post-squash'] as const;

const gate = z.looseObject({
  cmd: z.string().check(z.minLength(1), z.maxLength(10_000), z.describe('The command, for a shell.')),
  timeout: duration('After so long it has failed; 10 minutes when absent.'),
  phase: z.optional(
    z
      .enum(phases)
      .check(
        z.describe('`pre-merge`: with the branch alone; `post-squash` (the default): with the commit that is to land.'),
      ),
  ),
});

/** `merge_queue` of a rig's settings, in Gas Town's format (internal/config/types.go, MergeQueueConfig). Unknown keys are kept. */
export const mergeQueueSettings = z.looseObject({
  enabled: z.optional(
    z.boolean().check(z.describe('Whether approved branches are merged by themselves. Off when absent.')),
  ),
  merge_strategy: z.optional(
    z
      .enum(['direct', 'pr'])
      .check(
        z.describe(
          '`direct` (the default) moves the target branch; `pr` pushes the branch and makes a pull request on GitHub, by `gh`, and leaves the rest to whoever merges there.',
        ),
      ),
  ),
  style: z.optional(
    z
      .enum(['merge', 'squash', 'rebase'])
      .check(
        z.describe('How a branch comes into its target. `merge` when absent: git itself can tell then that it has.'),
      ),
  ),
  target: z.optional(
    z
      .string()
      .check(
        z.minLength(1),
        z.maxLength(250),
        z.describe("The branch that work goes into; the rig's default branch when absent."),
      ),
  ),
  require_review: z.optional(
    z.boolean().check(z.describe('Whether nothing is merged that you have not approved. Yes when absent.')),
  ),
  on_conflict: z.optional(
    z
      .enum(['assign_back', 'auto_rebase'])
      .check(z.describe('Who gets a branch that conflicts: its author (the default), or the refinery.')),
  ),
  run_tests: z.optional(z.boolean().check(z.describe('Whether `test_command` runs. Yes when absent.'))),
  setup_command: command(
    'Makes a new worktree ready, before its agent starts; `worktrees.setup_command` goes before it. Needs your agreement.',
  ),
  typecheck_command: command('A gate: it has to succeed before anything lands.'),
  lint_command: command('A gate: it has to succeed before anything lands.'),
  test_command: command('A gate: it has to succeed before anything lands.'),
  build_command: command('A gate: it has to succeed before anything lands.'),
  gates: z.optional(
    z.record(z.string().check(z.minLength(1), z.maxLength(60)), gate).check(z.describe('Further gates, by name.')),
  ),
  gates_parallel: z.optional(z.boolean().check(z.describe('Whether gates run beside each other. Yes when absent.'))),
  delete_merged_branches: z.optional(
    z.boolean().check(z.describe('Whether branches go when they are merged. Yes when absent.')),
  ),
  retry_flaky_tests: z.optional(
    z
      .int()
      .check(z.minimum(0), z.maximum(5), z.describe('How often a gate that failed is tried again. Once when absent.')),
  ),
  max_retry_count: z.optional(
    z
      .int()
      .check(
        z.minimum(0),
        z.maximum(20),
        z.describe('After so many conflicts or failed gates of one unit you are asked. 2 when absent.'),
      ),
  ),
  auto_push: z.optional(
    z
      .boolean()
      .check(z.describe("Whether the target is pushed to the rig's remote when it has moved here. No when absent.")),
  ),
  batch: z.optional(
    z.looseObject({
      max_batch_size: z.optional(
        z.int().check(z.minimum(1), z.maximum(50), z.describe('So many branches are tried together. 5 when absent.')),
      ),
      batch_wait_time: duration('So long a branch waits for others to be tried with it. Not at all when absent.'),
    }),
  ),
});
export type MergeQueueSettings = z.output<typeof mergeQueueSettings>;

export interface Gate {
  name: string;
  /** Where it stands in the rig's settings; what the user agrees to goes by it. */
  subject: string;
  command: string;
  timeoutMs: number;
  phase: (typeof phases)[number];
}

/** What holds for a rig, with all defaults. */
export interface MergeQueuePolicy {
  enabled: boolean;
  strategy: 'direct' | 'pr';
  style: 'merge' | 'squash' | 'rebase';
  /** Undefined: the rig's default branch. */
  target: string | undefined;
  requireReview: boolean;
  onConflict: 'assign_back' | 'auto_rebase';
  gates: readonly Gate[];
  gatesParallel: boolean;
  deleteMergedBranches: boolean;
  retries: number;
  maxRounds: number;
  autoPush: boolean;
  batchSize: number;
  batchWaitMs: number;
}

const usualTimeoutMs = 600_000;

/** Pure. */
export function mergeQueuePolicy(settings: MergeQueueSettings = {}): MergeQueuePolicy {
  return {
    enabled: settings.enabled ?? false,
    strategy: settings.merge_strategy ?? 'direct',
    style: settings.style ?? 'merge',
    target: settings.target,
    requireReview: settings.require_review ?? true,
    onConflict: settings.on_conflict ?? 'assign_back',
    gates: gatesOf(settings),
    gatesParallel: settings.gates_parallel ?? true,
    deleteMergedBranches: settings.delete_merged_branches ?? true,
    retries: settings.retry_flaky_tests ?? 1,
    maxRounds: settings.max_retry_count ?? 2,
    autoPush: settings.auto_push ?? false,
    batchSize: settings.batch?.max_batch_size ?? 5,
    batchWaitMs: durationMs(settings.batch?.batch_wait_time) ?? 0,
  };
}

function gatesOf(settings: MergeQueueSettings): Gate[] {
  const { typecheck_command, lint_command, test_command, build_command } = settings;
  const tests = settings.run_tests === false ? undefined : test_command;
  const commands = { typecheck_command, lint_command, test_command: tests, build_command };
  return [
    ...Object.entries(commands).flatMap(([name, given]) =>
      given === undefined || given.trim() === ''
        ? []
        : [
            {
              name,
              subject: `merge_queue.${name}`,
              command: given,
              timeoutMs: usualTimeoutMs,
              phase: 'post-squash' as const,
            },
          ],
    ),
    ...Object.entries(settings.gates ?? {}).map(([name, { cmd, timeout, phase = 'post-squash' }]) => ({
      name,
      subject: `merge_queue.gates.${name}`,
      command: cmd,
      timeoutMs: durationMs(timeout) ?? usualTimeoutMs,
      phase,
    })),
  ];
}

const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Pure. `90s`, `10m`, as Go writes the simple ones. */
export function durationMs(text: string | undefined): number | undefined {
  const parts = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text ?? '');
  return parts === null ? undefined : Number(parts[1]) * (units[parts[2] ?? ''] ?? 1);
}
