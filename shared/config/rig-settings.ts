import * as z from 'zod/mini';
import { agents, agentSettings, agentsByWorker, failover, roleAgents, untouched } from './agent-settings.ts';
import { isWorkerName } from '../domain/names.ts';
import { failurePolicySettings } from './failure-policy.ts';
import { mergeQueueSettings } from './merge-queue-settings.ts';
import { workSettings } from './work-settings.ts';
import { worktreeSettings } from './worktree-settings.ts';

const workerName = z
  .string()
  .check(
    z.refine(isWorkerName, { error: 'must be a name of letters, digits, "-" and "_" that has no meaning of its own' }),
  );

const namepool = z.looseObject({
  style: z.optional(z.string().check(z.meta({ examples: ['mad-max'] }), z.describe('Theme of the names of polecats.'))),
  names: z.optional(z.array(workerName).check(z.describe('Names of polecats, in the order in which they are given.'))),
  max_before_numbering: z.optional(
    z.int().check(z.minimum(1), z.describe('After this many names polecats are numbered.')),
  ),
});

/** `<rig>/settings/config.json` in Gas Town's format (internal/config/types.go, RigSettings). Unknown keys are kept. */
export const rigSettings = z.looseObject({
  type: z.literal('rig-settings').check(z.describe('Says that this file holds the settings of a rig.')),
  version: z.optional(z.literal(1).check(z.describe('Version of the format.'))),
  agent: z.optional(
    z
      .string()
      .check(
        z.minLength(1),
        z.meta({ examples: ['{{names}}'] }),
        z.describe("The agent of this rig; goes before the town's `default_agent`."),
      ),
  ),
  agents: z.optional(agents),
  role_agents: z.optional(roleAgents),
  worker_agents: z.optional(
    agentsByWorker.check(z.describe('Which agent a worker gets, by name; goes before everything else.')),
  ),
  failover: z.optional(failover),
  runtime: z.optional(
    agentSettings.check(z.describe("The rig's agent, written out. Deprecated: prefer `agent` and `agents`.")),
  ),
  namepool: z.optional(namepool.check(z.describe('Where the names of polecats come from.'))),
  failure_policy: z.optional(
    failurePolicySettings.check(
      z.describe("What is done when sessions or work of this rig fail; goes before the town's, key by key."),
    ),
  ),
  worktrees: z.optional(
    worktreeSettings.check(
      z.describe(
        "How the worktrees of this rig's workers begin, and what is done with them; goes before the town's, key by key, and lists are added.",
      ),
    ),
  ),
  merge_queue: z.optional(
    mergeQueueSettings.check(z.describe('What becomes of finished branches: review, gates, and merging.')),
  ),
  work: z.optional(workSettings.check(z.describe("When units of work of this rig begin; goes before the town's."))),
  theme: untouched("Gas Town's tmux theme."),
  crew: untouched('Which crew members Gas Town starts.'),
  workflow: untouched("Gas Town's default formula."),
  role_effort: untouched('Reasoning effort by role.'),
});
export type RigSettings = z.output<typeof rigSettings>;

/** What is in force where a rig has no settings file. */
export const defaultRigSettings: RigSettings = { type: 'rig-settings', version: 1 };
