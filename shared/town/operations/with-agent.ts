import { againstText, chooseAgent, insteadText } from '../../backends/choose.ts';
import type { AgentChoice } from '../../backends/choose.ts';
import { isBackendFailure } from '../../backends/guarded-driver.ts';
import { resolveAgent } from '../../config/agents.ts';
import type { ResolvedAgent } from '../../config/agents.ts';
import { GasTownError, messageOf } from '../../errors.ts';
import { overseer } from '../../mail/message.ts';
import type { BackendName, Role, SessionInfo } from '../../orchestrator.ts';
import type { TownParts } from '../parts.ts';

/** For whom an agent is looked for; `agent` and `backend` are what the caller asked for by name. */
export interface Wanted {
  role: Role;
  rig: string;
  name: string;
  agent?: string | undefined;
  backend?: BackendName | undefined;
}

/** The agent by the order of DESIGN D10, whether it can be had now or not. */
function agentFor(town: Pick<TownParts, 'settings' | 'rigs'>, wanted: Wanted): ResolvedAgent {
  return resolveAgent({
    role: wanted.role,
    workerName: wanted.name,
    town: town.settings.value,
    ...(wanted.rig === '' ? {} : { rigSettings: town.rigs.get(wanted.rig).settings }),
    ...(wanted.agent === undefined ? {} : { explicitAgent: wanted.agent }),
    ...(wanted.backend === undefined ? {} : { explicitBackend: wanted.backend }),
  });
}

/** The agents of the role's failover chain, the rig's before the town's; names that nobody knows are left out, with a word in the log. */
function failoverChain(
  town: Pick<TownParts, 'settings' | 'rigs' | 'log'>,
  { role, rig, name }: Wanted,
): ResolvedAgent[] {
  const ofRig = rig === '' ? undefined : town.rigs.get(rig).settings.failover?.[role];
  return (ofRig ?? town.settings.value.failover?.[role] ?? []).flatMap((agent) => {
    try {
      return [agentFor(town, { role, rig, name, agent })];
    } catch (error) {
      town.log.warn(`failover.${role}: ${messageOf(error)}`);
      return [];
    }
  });
}

/**
 * A person who asks for it may have put right what was wrong, and is told at once if not; only a provider's limit does not
 * go away by that.
 */
function worthATry(town: Pick<TownParts, 'breakers'>, { backend, name }: ResolvedAgent, rig: string): boolean {
  return town.breakers.against({ backend, agent: name, rig })?.limited !== true;
}

/** Why nothing is started with this agent in this rig now. */
function speaksAgainst(
  town: Pick<TownParts, 'breakers'>,
  { backend, name }: ResolvedAgent,
  rig: string,
): string | undefined {
  const open = town.breakers.against({ backend, agent: name, rig });
  return open && againstText(open);
}

/** Whether what speaks against an agent is that the user has not agreed to it: another one of the chain may be. */
const lacksConsent = (error: unknown): boolean => GasTownError.is(error, 'consent-needed');

/**
 * Starts something with the agent that the settings name, or with the next one of the role's failover chain: where its
 * backend is down or it is rate-limited, and also where this very start fails because of the backend. An agent that the
 * caller named is never replaced, nor is the first one replaced because the user has not agreed to what it runs.
 */
export async function withAgent<T>(
  town: TownParts,
  wanted: Wanted,
  by: string,
  start: (choice: AgentChoice) => Promise<T>,
): Promise<T> {
  const explicit = wanted.agent !== undefined || wanted.backend !== undefined;
  const candidates: [ResolvedAgent, ...ResolvedAgent[]] = [agentFor(town, wanted), ...failoverChain(town, wanted)];
  const failed = new Map<string, string>();
  for (;;) {
    const choice = chooseAgent(candidates, {
      explicit,
      against: (agent) => failed.get(agent.name) ?? speaksAgainst(town, agent, wanted.rig),
      anyway: (agent) => by === overseer && !failed.has(agent.name) && worthATry(town, agent, wanted.rig),
    });
    const { agent } = choice;
    const endTrial = town.breakers.beginTrial({ backend: agent.backend, agent: agent.name, rig: wanted.rig });
    try {
      await town.consents.require({ rig: wanted.rig, agent, repository: true });
      return await start(choice);
    } catch (error) {
      const others = candidates.filter(({ name }) => name !== agent.name && !failed.has(name));
      const goesOn = isBackendFailure(error) || (lacksConsent(error) && agent.name !== candidates[0].name);
      if (explicit || GasTownError.is(error, 'cancelled') || !goesOn || others.length === 0) throw error;
      failed.set(agent.name, messageOf(error));
    } finally {
      endTrial();
    }
  }
}

/** None where the settings name one by now that nobody knows. */
function ownAgent(town: Pick<TownParts, 'settings' | 'rigs' | 'log'>, wanted: Wanted): ResolvedAgent[] {
  try {
    return [agentFor(town, wanted)];
  } catch (error) {
    town.log.warn(`the agent of ${wanted.role} ${wanted.name}: ${messageOf(error)}`);
    return [];
  }
}

/**
 * The agents that may go on with a session's work instead of its own, the best first. None where the session was started
 * by name with the agent that it has.
 */
export function alternativesFor(
  town: Pick<TownParts, 'settings' | 'rigs' | 'consents' | 'log' | 'breakers' | 'work'>,
  session: SessionInfo,
): ResolvedAgent[] {
  const wanted = { role: session.role, rig: session.rig, name: session.agentName };
  const agents = [...ownAgent(town, wanted), ...failoverChain(town, wanted)];
  const asked = town.work.ownedBy(session.id).some(({ dispatch }) => dispatch?.agent === session.agent);
  if (asked || !agents.some(({ name }) => name === session.agent)) return [];
  return agents.filter(
    (agent) =>
      agent.name !== session.agent &&
      speaksAgainst(town, agent, session.rig) === undefined &&
      town.consents.mayRun(session.rig, agent),
  );
}

/** The agent with which a session that has ended goes on, where its own cannot be had; the reason is the timeline's. */
export function insteadOf(
  town: Pick<TownParts, 'settings' | 'rigs' | 'consents' | 'log' | 'breakers' | 'work'>,
  session: SessionInfo,
): { agent: ResolvedAgent; reason: string } | undefined {
  const open = town.breakers.against(session);
  const [agent] = open ? alternativesFor(town, session) : [];
  return agent && open && { agent, reason: againstText(open) };
}

/** The timeline says why a session does not run on the agent that its role has. */
export function noteChoice(town: Pick<TownParts, 'store' | 'manager'>, sessionId: string, choice: AgentChoice): void {
  const reason = insteadText(choice);
  if (reason === undefined) return;
  town.store.addEvent({
    at: town.manager.now(),
    sessionId,
    type: 'session.failover',
    detail: { agent: choice.agent.name, reason },
  });
}
