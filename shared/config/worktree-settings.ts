import * as z from 'zod/mini';
import { durationMs } from './merge-queue-settings.ts';
import type { MergeQueueSettings } from './merge-queue-settings.ts';

const entry = z
  .string()
  .check(z.regex(/[^*/.\s]/, 'Names at least one character that is not * / or .'), z.maxLength(200));

const command = (what: string) =>
  z.optional(
    z.string().check(z.maxLength(10_000), z.meta({ examples: ['npm ci', './scripts/setup.sh'] }), z.describe(what)),
  );
const duration = (what: string) =>
  z.optional(
    z.string().check(z.regex(/^\d+(\.\d+)?(ms|s|m|h)$/, 'must be a time such as "30s" or "10m"'), z.describe(what)),
  );
/** Nothing that git takes for more than a branch's name: it goes into a refspec. Whether there is such a branch git says. */
const branchName = /^(?![-/.])(?!.*(?:\.\.|@\{))[^\s~^:?*[\\]+$/;

/** `worktrees` in the town's and the rigs' settings: how the worktrees of workers begin and end. */
export const worktreeSettings = z.looseObject({
  rebuildable: z.optional(
    z
      .array(entry)
      .check(
        z.maxLength(200),
        z.meta({ examples: [['dist', 'build', 'apps/web/out']] }),
        z.describe(
          "What git ignores and a tool makes again, so that it may go with a worktree: names at any depth, or paths from the repository's top; `*` stands for anything within a name.",
        ),
      ),
  ),
  base: z.optional(
    z
      .string()
      .check(
        z.regex(branchName, 'must be the name of a branch'),
        z.maxLength(250),
        z.meta({ examples: ['develop', 'origin/main'] }),
        z.describe(
          "The branch that new worktrees start from. The rig's default branch when absent: what `origin` says, else `main` or `master`.",
        ),
      ),
  ),
  fetch: z.optional(
    z
      .boolean()
      .check(
        z.describe(
          'Whether the remote of that branch is asked first, for a minute at most. Where it cannot be, work starts from what is known of it. No when absent, but yes where `merge_queue.merge_strategy` is `pr`.',
        ),
      ),
  ),
  include: z.optional(
    z
      .array(z.string().check(z.minLength(1), z.maxLength(200)))
      .check(
        z.maxLength(200),
        z.meta({ examples: [['.env*', 'config/*.local.json']] }),
        z.describe(
          "Files that git ignores and work needs: they are copied from the rig's checkout into new worktrees. Patterns as in `.gitignore`; those of the file `.worktreeinclude` in the repository's top come first.",
        ),
      ),
  ),
  setup_command: command(
    "Runs in each new worktree before its agent starts; where it fails nothing is started. `merge_queue.setup_command` when absent. A rig's needs your agreement.",
  ),
  setup_timeout: duration('After so long the set-up has failed; 10 minutes when absent.'),
  teardown_command: command(
    "Runs in a worktree before it is removed. Where it fails, the worktree goes all the same. A rig's needs your agreement.",
  ),
  teardown_timeout: duration('After so long the teardown is ended; 2 minutes when absent.'),
});
export type WorktreeSettings = z.output<typeof worktreeSettings>;

export interface WorktreeCommand {
  kind: 'setup' | 'teardown';
  /** Where it stands in the settings; what the user agrees to goes by it. */
  subject: string;
  command: string;
  boundMs: number;
  /** The town's settings say it, which are the user's own. */
  isTowns: boolean;
}

const setupMs = 600_000;
const teardownMs = 120_000;

/**
 * Pure. What runs in a rig's worktrees before and after the work, in that order. The rig's settings go before the town's, key by
 * key. An empty command is none.
 */
export function worktreeCommands(
  rig: { worktrees?: WorktreeSettings | undefined; merge_queue?: MergeQueueSettings | undefined },
  town: WorktreeSettings = {},
): WorktreeCommand[] {
  const { worktrees = {}, merge_queue = {} } = rig;
  const gasTowns = worktrees.setup_command === undefined && merge_queue.setup_command !== undefined;
  const setup = worktrees.setup_command ?? merge_queue.setup_command;
  const teardown = worktrees.teardown_command;
  const all: WorktreeCommand[] = [
    {
      kind: 'setup',
      subject: `${gasTowns ? 'merge_queue' : 'worktrees'}.setup_command`,
      command: setup ?? town.setup_command ?? '',
      boundMs: durationMs(worktrees.setup_timeout ?? town.setup_timeout) ?? setupMs,
      isTowns: setup === undefined,
    },
    {
      kind: 'teardown',
      subject: 'worktrees.teardown_command',
      command: teardown ?? town.teardown_command ?? '',
      boundMs: durationMs(worktrees.teardown_timeout ?? town.teardown_timeout) ?? teardownMs,
      isTowns: teardown === undefined,
    },
  ];
  return all.filter(({ command: given }) => given.trim() !== '');
}
