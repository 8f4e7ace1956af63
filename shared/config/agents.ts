import { basename } from 'node:path';
import { GasTownError } from '../errors.ts';
import { backendNames } from '../orchestrator.ts';
import type { BackendName, Role } from '../orchestrator.ts';
import type { AgentSettings } from './agent-settings.ts';
import { agentItem, agentsOfRig, runtimeName } from './consent.ts';
import { unknownName } from './nearest.ts';
import type { RigSettings } from './rig-settings.ts';
import type { TownSettings } from './town-settings.ts';

/** An agent configuration with everything filled in: what to run, and by which backend. */
export interface ResolvedAgent {
  /** The configured name, e.g. `opencode-glm`. */
  name: string;
  backend: BackendName;
  /** Program name (looked up on PATH) or absolute path. */
  command: string;
  args: string[];
  env: Record<string, string>;
  /** Hash of what the rig's settings say of its program (see `consent.ts`): it may run where the user has agreed to that. */
  consent?: string;
  /** Where the plugin is installed besides (`hooks.dir` / `hooks.settings_file`), relative to the work dir. */
  hooks?: { dir: string; settingsFile: string };
}

/** For whom an agent is looked for, and what the settings say. */
export interface AgentQuery {
  role: Role;
  town: TownSettings;
  /** Absent for town roles. */
  rigSettings?: RigSettings;
  workerName?: string;
  /** `--agent` */
  explicitAgent?: string;
  /** `--backend` */
  explicitBackend?: BackendName;
}

const defaultAgent: BackendName = 'claude';

/**
 * Which agent a session gets. Pure. The first of these decides (DESIGN D10, Gas Town's order): explicit agent, rig
 * worker_agents, town crew_agents (crew only), rig role_agents, town role_agents, rig agent (or its deprecated runtime
 * block), town default_agent, claude. The name is looked up in the rig's agents, the town's, the built-in ones.
 * An explicit backend replaces a configured agent of another backend by its own one, and contradicts an explicit agent.
 * Throws `unknown-agent`, `unknown-backend`, or `bad-input` for that contradiction.
 */
export function resolveAgent(query: AgentQuery): ResolvedAgent {
  const { explicitAgent, explicitBackend } = query;
  const known = knownAgents(query);
  const chosen = chooseName(query);
  const settings = known.get(chosen.name);
  if (!settings) throw unknownName('agent', chosen.name, known.keys(), chosen.from);
  const agent = complete(chosen.name, settings, query);
  if (explicitBackend === undefined || agent.backend === explicitBackend) return agent;
  if (explicitAgent !== undefined) {
    throw new GasTownError(
      'bad-input',
      `Agent "${explicitAgent}" runs on backend ${agent.backend}, not on ` +
        `${explicitBackend}. Leave out one of --agent and --backend, or name an agent of that backend.`,
    );
  }
  const own = complete(explicitBackend, known.get(explicitBackend) ?? {}, query);
  return own.backend === explicitBackend ? own : complete(explicitBackend, {}, {});
}

/** All agents that a name can be looked up in; of several with one name the rig's goes before the town's. */
function knownAgents({ town, rigSettings }: AgentQuery): Map<string, AgentSettings> {
  return new Map<string, AgentSettings>([
    ...backendNames.map((name) => [name, {}] as const),
    ...Object.entries(town.agents ?? {}),
    ...(rigSettings ? agentsOfRig(rigSettings) : []),
  ]);
}

interface Choice {
  name: string;
  from: string;
}

function chooseName({ role, workerName, explicitAgent, town, rigSettings: rig }: AgentQuery): Choice {
  const byName = (agents: Record<string, string> | undefined) =>
    workerName !== undefined && agents && Object.hasOwn(agents, workerName) ? agents[workerName] : undefined;
  const candidates: { name: string | undefined; from: string }[] = [
    { name: explicitAgent, from: '--agent' },
    { name: byName(rig?.worker_agents), from: `worker_agents.${workerName} of the rig's settings` },
    {
      name: role === 'crew' ? byName(town.crew_agents) : undefined,
      from: `crew_agents.${workerName} of the town's settings`,
    },
    { name: rig?.role_agents?.[role], from: `role_agents.${role} of the rig's settings` },
    { name: town.role_agents?.[role], from: `role_agents.${role} of the town's settings` },
    { name: rig?.agent, from: "agent of the rig's settings" },
    { name: rig?.runtime && runtimeName(rig.runtime), from: "runtime of the rig's settings" },
    { name: town.default_agent, from: "default_agent of the town's settings" },
  ];
  const first = candidates.find((candidate): candidate is Choice => candidate.name !== undefined);
  return first ?? { name: defaultAgent, from: 'the built-in default' };
}

function complete(
  name: string,
  settings: AgentSettings,
  { rigSettings }: Pick<AgentQuery, 'rigSettings'>,
): ResolvedAgent {
  const backend = backendOf(name, settings);
  const consent =
    rigSettings && agentsOfRig(rigSettings).get(name) === settings ? agentItem(name, settings)?.hash : undefined;
  const hooks = backend === 'opencode' ? pluginPlace(settings) : undefined;
  return {
    name,
    backend,
    command: settings.command ?? backend,
    args: settings.args ?? [],
    env: settings.env ?? {},
    ...(consent === undefined ? {} : { consent }),
    ...(hooks ? { hooks } : {}),
  };
}

/** Where the plugin is installed besides, if the agent's `hooks` say so for an agent of Opencode. */
export function pluginPlace({ hooks }: AgentSettings): ResolvedAgent['hooks'] {
  if (hooks?.dir === undefined || hooks.informational === true || (hooks.provider ?? 'opencode') !== 'opencode')
    return undefined;
  return { dir: hooks.dir, settingsFile: hooks.settings_file ?? 'gastown.js' };
}

/** What an agent names as its provider, else what its program is, else its own name; Claude where it says nothing. */
function backendOf(name: string, { provider, command }: AgentSettings): BackendName {
  const program = command === undefined ? undefined : basename(command).replace(/\.(exe|cmd)$/i, '');
  const signs = provider === undefined ? [program, name] : [provider];
  const backend = signs
    .map((sign) => backendNames.find((known) => known === sign))
    .find((known) => known !== undefined);
  if (backend) return backend;
  if (provider === undefined && command === undefined) return defaultAgent;
  const says = provider === undefined ? 'names no provider, and its program' : `has the provider "${provider}", which`;
  throw new GasTownError(
    'unknown-backend',
    `Agent "${name}" ${says} is no backend known here. ` +
      `Set its "provider" to ${backendNames.map((known) => `"${known}"`).join(' or ')}, or choose another agent.`,
  );
}
