import { z } from 'zod';
import { agents, agentsByWorker, failover, roleAgents, untouched } from './agent-settings.ts';
import { attention } from './attention-settings.ts';
import { backendTrouble } from './backend-trouble.ts';
import { messageSettings } from './message-settings.ts';
import { sessionLimitSettings } from './session-limits.ts';
import { failurePolicySettings } from './failure-policy.ts';
import { worktreeSettings } from './worktree-settings.ts';

const escalation = z.looseObject({
  command: z
    .array(z.string())
    .min(1)
    .meta({ examples: [['notify-send', 'Gas Town']] })
    .describe(
      'A program and its arguments, run without a shell for every escalation. What it is about is in the variables GT_ESCALATION_ID, _SEVERITY, _MESSAGE, _BY, _SESSION, _WORK and _AT.',
    )
    .optional(),
});

/** `<town>/settings/config.json` in Gas Town's format (internal/config/types.go, TownSettings). Unknown keys are kept. */
export const townSettings = z.looseObject({
  type: z.literal('town-settings').describe('Says that this file holds the settings of a town.'),
  version: z.literal(1).describe('Version of the format.').optional(),
  default_agent: z
    .string()
    .min(1)
    .meta({ examples: ['claude', 'opencode'] })
    .describe('The agent of whoever is not given one more exactly; `claude` when absent.')
    .optional(),
  agents: agents.optional(),
  role_agents: roleAgents.optional(),
  crew_agents: agentsByWorker
    .describe('Which agent a crew member gets, by name; goes before `role_agents`.')
    .optional(),
  escalation: escalation.describe('What happens besides when something is escalated to you.').optional(),
  attention: attention.optional(),
  messages: messageSettings.describe('Limits of the messages between sessions, and when messages expire.').optional(),
  limits: sessionLimitSettings
    .describe('What a session may have under way at once, so that none that goes in circles fills the town.')
    .optional(),
  failure_policy: failurePolicySettings
    .describe("What is done when sessions or work fail: for the town's own roles, and for rigs that say nothing else.")
    .optional(),
  failover: failover.optional(),
  backend_trouble: backendTrouble.describe('What is done when a model or its provider does not answer.').optional(),
  worktrees: worktreeSettings
    .describe('What is done with the worktrees of workers; what rigs say is added.')
    .optional(),
  cli_theme: untouched("Colours of Gas Town's command line."),
  agent_email_domain: untouched("Domain of the agents' commit addresses."),
  web_timeouts: untouched("Time-outs of Gas Town's web dashboard."),
  worker_status: untouched("Thresholds of Gas Town's worker states."),
  feed_curator: untouched("Gas Town's feed."),
  convoy: untouched("Gas Town's convoys."),
  role_effort: untouched('Reasoning effort by role.'),
  cost_tier: untouched("Gas Town's cost tier: standard, economy or budget."),
  scheduler: untouched("Gas Town's scheduler."),
  operational: untouched("Gas Town's time-outs and thresholds."),
  disabled_patrols: untouched("Patrols that Gas Town's daemon leaves out."),
});
export type TownSettings = z.output<typeof townSettings>;

/** What is in force where the file says nothing. */
export const defaultTownSettings: TownSettings = { type: 'town-settings', version: 1 };
