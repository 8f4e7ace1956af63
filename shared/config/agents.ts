import { basename } from 'node:path';
import { GasTownError } from '../platform/errors.ts';
import { namesOf } from '../domain/backend.ts';
import type { BackendFacts, KnownBackends } from '../domain/backend.ts';
import { roles } from '../domain/orchestrator.ts';
import type { BackendName, Role } from '../domain/orchestrator.ts';
import type { AgentSettings } from './agent-settings.ts';
import { agentItem, agentsOfRig, runtimeName } from './consent.ts';
import { unknownName } from '../platform/did-you-mean.ts';
import type { RigSettings } from './rig-settings.ts';
import type { TownSettings } from './town-settings.ts';
import type { ResolvedAgent } from '../domain/agent.ts';

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

/**
 * Which agent a session gets. Pure. The first of these decides (DESIGN D10, Gas Town's order): explicit agent, rig
 * worker_agents, town crew_agents (crew only), rig role_agents, town role_agents, rig agent (or its deprecated runtime
 * block), town default_agent, the first backend's own. The name is looked up in the rig's agents, the town's, the built-in ones.
 * An explicit backend replaces a configured agent of another backend by its own one, and contradicts an explicit agent.
 * Throws `unknown-agent`, `unknown-backend`, or `bad-input` for that contradiction.
 */
export function resolveAgent(query: AgentQuery, backends: KnownBackends): ResolvedAgent {
  const { explicitAgent, explicitBackend } = query;
  const known = knownAgents(query, backends);
  const chosen = chooseName(query, backends);
  const settings = known.get(chosen.name);
  if (!settings) throw unknownName('agent', chosen.name, known.keys(), chosen.from);
  const agent = complete(chosen.name, settings, backends, query);
  if (explicitBackend === undefined || agent.backend === explicitBackend) return agent;
  if (explicitAgent !== undefined) {
    throw new GasTownError(
      'bad-input',
      `Agent "${explicitAgent}" runs on backend ${agent.backend}, not on ` +
        `${explicitBackend}. Leave out one of --agent and --backend, or name an agent of that backend.`,
    );
  }
  const own = complete(explicitBackend, known.get(explicitBackend) ?? {}, backends, query);
  return own.backend === explicitBackend ? own : complete(explicitBackend, {}, backends, {});
}

/** All agents that a name can be looked up in; of several with one name the rig's goes before the town's. */
function knownAgents({ town, rigSettings }: AgentQuery, backends: KnownBackends): Map<string, AgentSettings> {
  return new Map<string, AgentSettings>([
    ...backends.map(({ name }) => [name, {}] as const),
    ...Object.entries(town.agents ?? {}),
    ...(rigSettings ? agentsOfRig(rigSettings, backends) : []),
  ]);
}

/**
 * Pure. The agents that the settings define or name, and so those that a session may be started with; the first backend's
 * own one where none is the default. One that is not known, or runs on no backend known here, is left out: its start says so.
 */
export function configuredAgents(
  query: Pick<AgentQuery, 'town' | 'rigSettings'>,
  backends: KnownBackends,
): ResolvedAgent[] {
  const { town, rigSettings: rig } = query;
  const named = [
    ...Object.keys(town.agents ?? {}),
    town.default_agent ?? backends[0].name,
    ...[town.crew_agents, rig?.worker_agents].flatMap((agents) => Object.values(agents ?? {})),
    ...[town, rig].flatMap((of) =>
      roles.flatMap((role) => [of?.role_agents?.[role] ?? [], of?.failover?.[role] ?? []].flat()),
    ),
    ...(rig ? agentsOfRig(rig, backends).keys() : []),
    ...(rig?.agent === undefined ? [] : [rig.agent]),
  ];
  const known = knownAgents({ ...query, role: 'mayor' }, backends);
  return [...new Set(named)].flatMap((name) => {
    const settings = known.get(name);
    if (!settings) return [];
    try {
      return [complete(name, settings, backends, query)];
    } catch {
      // It runs on no backend known here.
      return [];
    }
  });
}

interface Choice {
  name: string;
  from: string;
}

function chooseName(
  { role, workerName, explicitAgent, town, rigSettings: rig }: AgentQuery,
  backends: KnownBackends,
): Choice {
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
    { name: rig?.runtime && runtimeName(rig.runtime, backends), from: "runtime of the rig's settings" },
    { name: town.default_agent, from: "default_agent of the town's settings" },
  ];
  const first = candidates.find((candidate): candidate is Choice => candidate.name !== undefined);
  return first ?? { name: backends[0].name, from: 'the built-in default' };
}

function complete(
  name: string,
  settings: AgentSettings,
  backends: KnownBackends,
  { rigSettings }: Pick<AgentQuery, 'rigSettings'>,
): ResolvedAgent {
  const backend = backendOf(name, settings, backends);
  const consent =
    rigSettings && agentsOfRig(rigSettings, backends).get(name) === settings
      ? agentItem(name, settings, backends)?.hash
      : undefined;
  const hooks = pluginPlace(settings, backend);
  return {
    name,
    backend: backend.name,
    command: settings.command ?? backend.program,
    args: settings.args ?? [],
    env: settings.env ?? {},
    ...(consent === undefined ? {} : { consent }),
    ...(hooks ? { hooks } : {}),
  };
}

/** Where the backend's plugin is installed besides, if it has one and the agent's `hooks` say so. */
export function pluginPlace(
  { hooks }: AgentSettings,
  { name, plugin }: Pick<BackendFacts, 'name' | 'plugin'>,
): ResolvedAgent['hooks'] {
  if (!plugin || hooks?.dir === undefined || hooks.informational === true || (hooks.provider ?? name) !== name)
    return undefined;
  return { dir: hooks.dir, settingsFile: hooks.settings_file ?? plugin.file };
}

/** What an agent names as its provider, else whose program it has, else its own name; the first backend where it says nothing. */
function backendOf(name: string, { provider, command }: AgentSettings, backends: KnownBackends): BackendFacts {
  const program = command === undefined ? undefined : basename(command).replace(/\.(exe|cmd)$/i, '');
  const named = (sign: string): BackendFacts | undefined => backends.find((known) => known.name === sign);
  const backend =
    provider === undefined ? (backends.find((known) => known.program === program) ?? named(name)) : named(provider);
  if (backend) return backend;
  if (provider === undefined && command === undefined) return backends[0];
  const says = provider === undefined ? 'names no provider, and its program' : `has the provider "${provider}", which`;
  throw new GasTownError(
    'unknown-backend',
    `Agent "${name}" ${says} is no backend known here. ` +
      `Set its "provider" to ${namesOf(backends)
        .map((known) => `"${known}"`)
        .join(' or ')}, or choose another agent.`,
  );
}
