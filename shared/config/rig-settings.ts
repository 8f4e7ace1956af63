import { z } from 'zod';
import { agents, agentSettings, agentsByWorker, failover, roleAgents, untouched } from './agent-settings.ts';
import { isWorkerName } from '../roles/names.ts';
import { failurePolicySettings } from './failure-policy.ts';
import { worktreeSettings } from './worktree-settings.ts';

const namepool = z.looseObject({
  style: z
    .string()
    .meta({ examples: ['mad-max'] })
    .describe('Theme of the names of polecats.')
    .optional(),
  names: z
    .array(
      z
        .string()
        .refine(isWorkerName, {
          error: 'must be a name of letters, digits, "-" and "_" that has no meaning of its own',
        }),
    )
    .describe('Names of polecats, in the order in which they are given.')
    .optional(),
  max_before_numbering: z.int().min(1).describe('After this many names polecats are numbered.').optional(),
});

/** `<rig>/settings/config.json` in Gas Town's format (internal/config/types.go, RigSettings). Unknown keys are kept. */
export const rigSettings = z.looseObject({
  type: z.literal('rig-settings').describe('Says that this file holds the settings of a rig.'),
  version: z.literal(1).describe('Version of the format.').optional(),
  agent: z
    .string()
    .min(1)
    .meta({ examples: ['claude', 'opencode'] })
    .describe("The agent of this rig; goes before the town's `default_agent`.")
    .optional(),
  agents: agents.optional(),
  role_agents: roleAgents.optional(),
  worker_agents: agentsByWorker.describe('Which agent a worker gets, by name; goes before everything else.').optional(),
  failover: failover.optional(),
  runtime: agentSettings.describe("The rig's agent, written out. Deprecated: prefer `agent` and `agents`.").optional(),
  namepool: namepool.describe('Where the names of polecats come from.').optional(),
  failure_policy: failurePolicySettings
    .describe("What is done when sessions or work of this rig fail; goes before the town's, key by key.")
    .optional(),
  worktrees: worktreeSettings
    .describe("What is done with the worktrees of this rig's workers, besides what the town says.")
    .optional(),
  merge_queue: untouched("Gas Town's merge queue."),
  theme: untouched("Gas Town's tmux theme."),
  crew: untouched('Which crew members Gas Town starts.'),
  workflow: untouched("Gas Town's default formula."),
  role_effort: untouched('Reasoning effort by role.'),
});
export type RigSettings = z.output<typeof rigSettings>;

/** What is in force where a rig has no settings file. */
export const defaultRigSettings: RigSettings = { type: 'rig-settings', version: 1 };
