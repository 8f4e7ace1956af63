import { throwIfCancelled, GasTownError, messageOf } from '../platform/errors.ts';
import { unknownName } from '../platform/did-you-mean.ts';
import type { ResolvedAgent } from '../domain/agent.ts';
import { requireBounded } from '../messages/limits.ts';
import { checkMessage, overseer } from '../domain/message.ts';
import type { Outbox } from '../messages/outbox.ts';
import type {
  BackendName,
  BroadcastResult,
  Message,
  Orchestrator,
  SessionConfig,
  SessionId,
  SessionInfo,
  WorkUnit,
} from '../domain/orchestrator.ts';
import { checkWorkerName } from '../domain/names.ts';
import type { Priority } from '../domain/message.ts';
import type { ReservedName } from '../sessions/session-names.ts';
import type { Store } from '../store/store.ts';
import type { WorkService } from '../work/service.ts';
import { toWorkUnit } from '../work/service.ts';
import { ownedStates } from '../domain/work-state.ts';
import { addUnit, giveWork } from './assign.ts';
import type { Assignment } from './assign.ts';
import { launchSession } from './start-session.ts';
import type { Launch } from './start-session.ts';
import { hasEnded } from '../domain/session-state.ts';
import type { SessionManager } from '../sessions/manager.ts';
import type { Registry } from '../sessions/registry.ts';

export interface OrchestratorParts {
  manager: SessionManager;
  registry: Registry;
  outbox: Outbox;
  work: WorkService;
  store: Store;
}

/** The agent configuration for a session of a backend that a caller from outside asks for. */
type AgentResolver = (backend: BackendName, config: SessionConfig) => ResolvedAgent;

/** The agents that the settings have. */
export interface Agents {
  resolve: AgentResolver;
  /** All that sessions of a backend may be started with, each program once: its own one where none is configured. */
  of(backend: BackendName): readonly ResolvedAgent[];
}

/** What a start has settled before it comes here, each thing once; a caller from outside leaves it to the orchestrator. */
export interface StartContext {
  agent: ResolvedAgent;
  name: ReservedName;
  /** Who asked for it, and what they said about the work. */
  by: string;
  note?: string;
}

/** The seed's operations with what flows inside of the town say besides. What is left out is as for the user. */
export interface TownOrchestrator extends Orchestrator {
  spawnSession(config: SessionConfig, signal?: AbortSignal, start?: StartContext): Promise<SessionId>;
  assignWork(id: SessionId, work: WorkUnit, signal?: AbortSignal, assignment?: Assignment): Promise<void>;
  sendMessage(id: SessionId, message: Message, signal?: AbortSignal, priority?: Priority): Promise<void>;
  broadcastMessage(
    ids: SessionId[],
    message: Message,
    signal?: AbortSignal,
    priority?: Priority,
  ): Promise<BroadcastResult[]>;
}

/**
 * The seed's interface over one backend. There is one implementation: what differs between backends is in the drivers.
 */
export class BackendOrchestrator implements TownOrchestrator {
  private readonly backend: BackendName;
  private readonly parts: OrchestratorParts;
  private readonly agents: Agents;

  constructor(backend: BackendName, parts: OrchestratorParts, agents: Agents) {
    this.backend = backend;
    this.parts = parts;
    this.agents = agents;
  }

  name(): BackendName {
    return this.backend;
  }

  async spawnSession(config: SessionConfig, signal: AbortSignal = never, start?: StartContext): Promise<SessionId> {
    throwIfCancelled(signal, 'Spawning a session');
    if (config.remoteHost !== undefined) {
      throw new GasTownError(
        'bad-input',
        `Sessions on other hosts (${config.remoteHost}) are not supported. Leave remoteHost out.`,
      );
    }
    if (start !== undefined) return this.spawn(config, start, signal);
    this.parts.manager.requireTrust();
    const { role, rig, agentName } = config;
    if (role === 'polecat' || role === 'crew') checkWorkerName(agentName);
    const agent = this.agents.resolve(this.backend, config);
    const name = this.parts.manager.names.reserve({ role, rig, name: agentName });
    try {
      return await this.spawn(config, { agent, name, by: overseer }, signal);
    } finally {
      name.dispose();
    }
  }

  private async spawn(
    config: SessionConfig,
    { agent, name, by, note }: StartContext,
    signal: AbortSignal,
  ): Promise<SessionId> {
    const { workDir, initialWork, branch, env, metadata } = config;
    const { id } = name;
    const launch: Launch = {
      name,
      agent: { ...agent, env: { ...agent.env, ...env } },
      workDir,
      by,
      ...(branch === undefined ? {} : { branch }),
      ...(note === undefined ? {} : { note }),
      ...(metadata === undefined ? {} : { metadata }),
    };
    if (initialWork === undefined) {
      await launchSession(this.parts, launch, signal);
      return id;
    }
    const claimed = this.parts.store.transaction(() => this.bind(id, initialWork, by));
    try {
      await launchSession(this.parts, { ...launch, workId: initialWork.id }, signal);
    } catch (error) {
      // What the caller had bound before is the caller's to settle.
      const fail = (): unknown =>
        this.parts.work.move(
          this.parts.work.get(initialWork.id),
          'failed',
          { by: 'host', note: messageOf(error) },
          { owner: null },
        );
      if (claimed) this.parts.store.backlog.keep(fail);
      throw error;
    }
    return id;
  }

  async terminateSession(id: SessionId, signal?: AbortSignal): Promise<void> {
    throwIfCancelled(signal, `Stopping ${id}`);
    this.own(id);
    await this.parts.manager.stop(id);
  }

  async getSession(id: SessionId, signal?: AbortSignal): Promise<SessionInfo> {
    throwIfCancelled(signal, `Looking up ${id}`);
    return this.own(id);
  }

  async listSessions(signal?: AbortSignal): Promise<SessionInfo[]> {
    throwIfCancelled(signal, 'Listing sessions');
    const own = this.parts.registry.list({ backend: this.backend });
    return own.filter((session) => !hasEnded(session)).map((session) => this.withWork(session));
  }

  async assignWork(
    id: SessionId,
    work: WorkUnit,
    signal?: AbortSignal,
    assignment: Assignment = { by: overseer },
  ): Promise<void> {
    throwIfCancelled(signal, `Assigning ${work.id}`);
    await giveWork(this.parts, work, this.own(id).id, assignment);
  }

  async sendMessage(id: SessionId, message: Message, signal?: AbortSignal, priority?: Priority): Promise<void> {
    throwIfCancelled(signal, `Sending to ${id}`);
    checkMessage(message);
    requireBounded(message);
    this.live(id);
    const { type, ...rest } = message;
    this.parts.outbox.accept({ ...rest, to: id, kind: type, ...(priority === undefined ? {} : { priority }) });
  }

  async broadcastMessage(
    ids: SessionId[],
    message: Message,
    signal?: AbortSignal,
    priority?: Priority,
  ): Promise<BroadcastResult[]> {
    throwIfCancelled(signal, 'Broadcasting');
    checkMessage(message);
    requireBounded(message);
    return ids.map((to) => {
      try {
        this.live(to);
        const { from, type, subject, body, sentAt } = message;
        const stored = this.parts.outbox.accept({
          from,
          subject,
          body,
          sentAt,
          to,
          kind: type,
          ...(priority === undefined ? {} : { priority }),
        });
        return { to, messageId: stored.id };
      } catch (error) {
        return { to, error: messageOf(error) };
      }
    });
  }

  /** Looks at every agent that is configured for the backend: rejects with all that is wrong with them. */
  async healthCheck(signal: AbortSignal = never): Promise<void> {
    const driver = this.parts.manager.drivers.of(this.backend);
    const failures = await Promise.all(
      this.agents.of(this.backend).map(async (agent) => {
        try {
          await driver.health(agent, signal);
          return [];
        } catch (error) {
          return [{ agent, error }];
        }
      }),
    );
    const [first, ...more] = failures.flat();
    if (first === undefined) return;
    // The backend's own agent has its name, and what is wrong with it needs no other.
    if (more.length === 0 && first.agent.name === this.backend) throw first.error;
    const code = GasTownError.is(first.error) ? first.error.code : 'internal';
    const lines = [first, ...more].map(({ agent, error }) => `${agent.name}: ${messageOf(error)}`);
    throw new GasTownError(code, lines.join('\n'), { cause: first.error });
  }

  private own(id: SessionId): SessionInfo {
    const session = this.parts.registry.get(id);
    if (session.backend === this.backend) return this.withWork(session);
    throw unknownName(
      'session',
      id,
      this.parts.registry.list({ backend: this.backend }).map((known) => known.id),
    );
  }

  /** The registry knows sessions, the store what they have. */
  private withWork(session: SessionInfo): SessionInfo {
    return { ...session, workUnits: this.parts.work.ownedBy(session.id).map(toWorkUnit) };
  }

  private live(id: SessionId): SessionInfo {
    const session = this.own(id);
    if (!hasEnded(session)) return session;
    throw new GasTownError('refused', `${id} has ended (${session.cause}). Start it again, or choose another session.`);
  }

  /** Gives the unit to the session, adding it where the town does not know it. False: the session had it already. */
  private bind(id: SessionId, unit: WorkUnit, by: string): boolean {
    const { work } = this.parts;
    const known = work.find(unit.id);
    if (!known) addUnit(work, unit, by);
    else if (known.owner === id && ownedStates.includes(known.state)) return false;
    work.assign(unit.id, id, { by }, { slungBy: by });
    return true;
  }
}

/** A signal that never fires. */
const never = new AbortController().signal;

/** The orchestrator that drives an agent, or the one that was asked for by name. */
export function getOrchestrator(
  orchestrators: ReadonlyMap<BackendName, TownOrchestrator>,
  choice: { agent: ResolvedAgent } | { backend: BackendName },
): TownOrchestrator {
  const name = 'agent' in choice ? choice.agent.backend : choice.backend;
  const orchestrator = orchestrators.get(name);
  if (!orchestrator) throw unknownName('backend', name, [...orchestrators.keys()]);
  return orchestrator;
}
