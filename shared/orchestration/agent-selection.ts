import { againstText, chooseAgent, insteadText } from './choose-agent.ts';
import type { AgentChoice } from './choose-agent.ts';
import type { Backends } from '../backends/backend.ts';
import type { Breakers } from '../backends/breakers.ts';
import { isBackendFailure } from '../backends/guarded-driver.ts';
import { configuredAgents, resolveAgent } from '../config/agents.ts';
import type { SettingsFile } from '../config/settings-file.ts';
import type { TownSettings } from '../config/town-settings.ts';
import type { ResolvedAgent } from '../domain/agent.ts';
import { GasTownError, messageOf } from '../platform/errors.ts';
import { overseer } from '../domain/message.ts';
import type { BackendName, Role, SessionInfo } from '../domain/orchestrator.ts';
import type { Event } from '../platform/emitter.ts';
import type { Logger } from '../platform/logger.ts';
import type { WorkService } from '../work/service.ts';
import type { RigConsents } from './rig-consents.ts';
import type { Rigs } from './rigs.ts';
import type { SessionManager } from '../sessions/manager.ts';
import type { Store } from '../store/store.ts';

/** For whom an agent is looked for; `agent` and `backend` are what the caller asked for by name. */
export interface Wanted {
  role: Role;
  rig: string;
  name: string;
  agent?: string | undefined;
  backend?: BackendName | undefined;
}

/** Whether what speaks against an agent is that the user has not agreed to it: another one of the chain may be. */
const lacksConsent = (error: unknown): boolean => GasTownError.is(error, 'consent-needed');

/**
 * Which agent does what: those that the settings name, what speaks against one now (its breakers, the user's word), and
 * which one comes instead.
 */
export class AgentSelection {
  private readonly options: {
    settings: SettingsFile<TownSettings>;
    rigs: Rigs;
    backends: Backends;
    breakers: Breakers;
    consents: RigConsents;
    work: WorkService;
    log: Logger;
  };
  /** An agent that could not be had may be had now, or the other way round. */
  readonly onDidChange: Event<unknown>;

  constructor(options: AgentSelection['options']) {
    this.options = options;
    this.onDidChange = options.breakers.onDidChange;
  }

  /** When the first of what is not used now is tried again, in epoch milliseconds, as far as that is known. */
  nextTrial(): number | undefined {
    return this.options.breakers.nextTrial();
  }

  /**
   * The agents that sessions of a backend may be started with by the settings of the town and its rigs, each program once;
   * without those that the user has not agreed to. The backend's own where no other is configured.
   */
  configured(backend: BackendName): ResolvedAgent[] {
    const { settings, rigs, backends, consents } = this.options;
    const town = settings.value;
    const all = [
      ...configuredAgents({ town }, backends),
      ...rigs.names().flatMap((rig) => {
        const ofRig = configuredAgents({ town, rigSettings: rigs.get(rig).settings }, backends);
        return ofRig.filter((agent) => consents.mayRun(rig, agent));
      }),
    ].filter((agent) => agent.backend === backend);
    const programs = new Map(all.map((agent) => [JSON.stringify([agent.command, agent.args, agent.env]), agent]));
    const own = resolveAgent({ role: 'mayor', town: { type: 'town-settings' }, explicitBackend: backend }, backends);
    return programs.size > 0 ? [...programs.values()] : [own];
  }

  /**
   * Starts something with the agent that the settings name, or with the next one of the role's failover chain: where its
   * backend is down or it is rate-limited, and also where this very start fails because of the backend. An agent that the
   * caller named is never replaced, nor is the first one replaced because the user has not agreed to what it runs.
   */
  async withAgent<T>(wanted: Wanted, by: string, start: (choice: AgentChoice) => Promise<T>): Promise<T> {
    const { breakers, consents } = this.options;
    const explicit = wanted.agent !== undefined || wanted.backend !== undefined;
    const candidates: [ResolvedAgent, ...ResolvedAgent[]] = [this.agentFor(wanted), ...this.failoverChain(wanted)];
    const failed = new Map<string, string>();
    for (;;) {
      const choice = chooseAgent(candidates, {
        explicit,
        against: (agent) => failed.get(agent.name) ?? this.speaksAgainst(agent, wanted.rig),
        anyway: (agent) => by === overseer && !failed.has(agent.name) && this.isWorthATry(agent, wanted.rig),
      });
      const { agent } = choice;
      const endTrial = breakers.beginTrial({ backend: agent.backend, agent: agent.name, rig: wanted.rig });
      try {
        await consents.require({ rig: wanted.rig, agent, repository: true });
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

  /**
   * The agents that may go on with a session's work instead of its own, the best first. None where the session was started
   * by name with the agent that it has.
   */
  alternativesFor(session: SessionInfo): ResolvedAgent[] {
    const { work, consents } = this.options;
    const wanted = { role: session.role, rig: session.rig, name: session.agentName };
    const agents = [...this.ownAgent(wanted), ...this.failoverChain(wanted)];
    const asked = work.ownedBy(session.id).some(({ dispatch }) => dispatch?.agent === session.agent);
    if (asked || !agents.some(({ name }) => name === session.agent)) return [];
    return agents.filter(
      (agent) =>
        agent.name !== session.agent &&
        this.speaksAgainst(agent, session.rig) === undefined &&
        consents.mayRun(session.rig, agent),
    );
  }

  /** The agent with which a session that has ended goes on, where its own cannot be had; the reason is the timeline's. */
  insteadOf(session: SessionInfo): { agent: ResolvedAgent; reason: string } | undefined {
    const open = this.options.breakers.against(session);
    const [agent] = open ? this.alternativesFor(session) : [];
    return agent && open && { agent, reason: againstText(open) };
  }

  /** The agent by the order of DESIGN D10, whether it can be had now or not. */
  agentFor({ role, rig, name, agent, backend }: Wanted): ResolvedAgent {
    const { settings, rigs, backends } = this.options;
    return resolveAgent(
      {
        role,
        workerName: name,
        town: settings.value,
        ...(rig === '' ? {} : { rigSettings: rigs.get(rig).settings }),
        ...(agent === undefined ? {} : { explicitAgent: agent }),
        ...(backend === undefined ? {} : { explicitBackend: backend }),
      },
      backends,
    );
  }

  /** The agents of the role's failover chain, the rig's before the town's; names that nobody knows are left out, with a word in the log. */
  private failoverChain({ role, rig, name }: Wanted): ResolvedAgent[] {
    const { settings, rigs, log } = this.options;
    const ofRig = rig === '' ? undefined : rigs.get(rig).settings.failover?.[role];
    return (ofRig ?? settings.value.failover?.[role] ?? []).flatMap((agent) => {
      try {
        return [this.agentFor({ role, rig, name, agent })];
      } catch (error) {
        log.warn(`failover.${role}: ${messageOf(error)}`);
        return [];
      }
    });
  }

  /** None where the settings name one by now that nobody knows. */
  private ownAgent(wanted: Wanted): ResolvedAgent[] {
    try {
      return [this.agentFor(wanted)];
    } catch (error) {
      this.options.log.warn(`the agent of ${wanted.role} ${wanted.name}: ${messageOf(error)}`);
      return [];
    }
  }

  /**
   * A user who asks for it may have put right what was wrong, and sees at once if not; only a provider's limit does not go
   * away by that.
   */
  private isWorthATry({ backend, name }: ResolvedAgent, rig: string): boolean {
    return this.options.breakers.against({ backend, agent: name, rig })?.limited !== true;
  }

  /** Why nothing is started with this agent in this rig now. */
  private speaksAgainst({ backend, name }: ResolvedAgent, rig: string): string | undefined {
    const open = this.options.breakers.against({ backend, agent: name, rig });
    return open && againstText(open);
  }
}

/** The timeline says why a session does not run on the agent that its role has. */
export function noteChoice(
  { store, manager }: { store: Store; manager: SessionManager },
  sessionId: string,
  choice: AgentChoice,
): void {
  const reason = insteadText(choice);
  if (reason === undefined) return;
  const detail = { agent: choice.agent.name, reason };
  const event = { at: manager.now(), sessionId, type: 'session.failover', detail };
  store.backlog.keep(() => store.addEvent(event));
}
