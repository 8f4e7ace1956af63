import * as z from 'zod/mini';
import { archiveSettings } from './archive-settings.ts';
import { agents, agentsByWorker, failover, roleAgents, untouched } from './agent-settings.ts';
import { attention } from './attention-settings.ts';
import { backendTrouble } from './provider-failure-settings.ts';
import { roleSettings } from './role-settings.ts';
import { messageSettings } from './message-settings.ts';
import { sessionLimitSettings } from './session-limits.ts';
import { failurePolicySettings } from './failure-policy.ts';
import { workSettings } from './work-settings.ts';
import { worktreeSettings } from './worktree-settings.ts';

const escalation = z.looseObject({
  command: z.optional(
    z
      .array(z.string())
      .check(
        z.minLength(1),
        z.meta({ examples: [['notify-send', 'Gas Town']] }),
        z.describe(
          'A program and its arguments, run without a shell for every escalation. What it is about is in the variables GT_ESCALATION_ID, _SEVERITY, _MESSAGE, _BY, _SESSION, _WORK and _AT.',
        ),
      ),
  ),
});

/** `<town>/settings/config.json` in Gas Town's format (internal/config/types.go, TownSettings). Unknown keys are kept. */
export const townSettings = z.looseObject({
  type: z.literal('town-settings').check(z.describe('Says that this file holds the settings of a town.')),
  version: z.optional(z.literal(1).check(z.describe('Version of the format.'))),
  default_agent: z.optional(
    z
      .string()
      .check(
        z.minLength(1),
        z.meta({ examples: ['{{names}}'] }),
        z.describe('The agent of whoever is not given one more exactly; `{{first}}` when absent.'),
      ),
  ),
  agents: z.optional(agents),
  role_agents: z.optional(roleAgents),
  crew_agents: z.optional(
    agentsByWorker.check(z.describe('Which agent a crew member gets, by name; goes before `role_agents`.')),
  ),
  escalation: z.optional(escalation.check(z.describe('What happens besides when something is escalated to you.'))),
  attention: z.optional(attention),
  messages: z.optional(
    messageSettings.check(z.describe('Limits of the messages between sessions, and when messages expire.')),
  ),
  limits: z.optional(
    sessionLimitSettings.check(
      z.describe('What a session may have under way at once, so that none that goes in circles fills the town.'),
    ),
  ),
  archive: z.optional(
    archiveSettings.check(
      z.describe(
        'When messages, units of work, runs and escalations that are over leave the database for files below `.runtime/archive`.',
      ),
    ),
  ),
  failure_policy: z.optional(
    failurePolicySettings.check(
      z.describe(
        "What is done when sessions or work fail: for the town's own roles, and for rigs that say nothing else.",
      ),
    ),
  ),
  failover: z.optional(failover),
  backend_trouble: z.optional(
    backendTrouble.check(z.describe('What is done when a model or its provider does not answer.')),
  ),
  roles: z.optional(
    roleSettings.check(z.describe('When witness, refinery and deacon run, and how often they are called.')),
  ),
  worktrees: z.optional(
    worktreeSettings.check(
      z.describe(
        'How the worktrees of workers begin, and what is done with them; what rigs say goes before it, and lists are added.',
      ),
    ),
  ),
  work: z.optional(workSettings.check(z.describe('When units of work begin; what rigs say goes before it.'))),
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
