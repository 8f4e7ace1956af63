import { throwIfCancelled, GasTownError, messageOf } from '../errors.ts';
import { unknownName } from '../config/nearest.ts';
import type { ResolvedAgent } from '../config/agents.ts';
import { overseer } from '../mail/message.ts';
import type { Outbox } from '../mail/outbox.ts';
import type {
  BackendName,
  BroadcastResult,
  Message,
  Orchestrator,
  SessionConfig,
  SessionId,
  SessionInfo,
  WorkUnit,
} from '../orchestrator.ts';
import { checkWorkerName, sessionIdOf } from '../roles/names.ts';
import type { Store } from '../store/store.ts';
import type { WorkService } from '../work/service.ts';
import { toWorkUnit } from '../work/service.ts';
import { ownedStates } from '../work/state.ts';
import { launchSession } from './launch.ts';
import type { Launch } from './launch.ts';
import { hasEnded } from './session-info.ts';
import type { SessionManager } from './manager.ts';
import type { Registry } from './registry.ts';

export interface OrchestratorParts {
  manager: SessionManager;
  registry: Registry;
  outbox: Outbox;
  work: WorkService;
  store: Store;
  /** The agent configuration for a session of this backend. */
  resolveAgent: (backend: BackendName, config: SessionConfig) => ResolvedAgent;
}

/**
 * The seed's interface over one backend. There is one implementation: what differs between backends is in the drivers.
 */
export class BackendOrchestrator implements Orchestrator {
  private readonly backend: BackendName;
  private readonly parts: OrchestratorParts;

  constructor(backend: BackendName, parts: OrchestratorParts) {
    this.backend = backend;
    this.parts = parts;
  }

  name(): BackendName {
    return this.backend;
  }

  async spawnSession(config: SessionConfig, signal: AbortSignal = never): Promise<SessionId> {
    throwIfCancelled(signal, 'Spawning a session');
    if (config.remoteHost !== undefined) {
      throw new GasTownError(
        'bad-input',
        `Sessions on other hosts (${config.remoteHost}) are not supported. Leave remoteHost out.`,
      );
    }
    const { role, rig, agentName, workDir, initialWork, branch, metadata = {} } = config;
    if (role === 'polecat' || role === 'crew') checkWorkerName(agentName);
    const id = sessionIdOf(role, rig, agentName);
    this.parts.manager.requireFree(id);
    const agent = this.parts.resolveAgent(this.backend, config);
    const by = metadata['by'] ?? overseer;
    const launch: Launch = {
      id,
      role,
      rig,
      agentName,
      agent: { ...agent, env: { ...agent.env, ...config.env } },
      workDir,
      by,
      ...(branch === undefined ? {} : { branch }),
      ...(metadata['note'] === undefined ? {} : { note: metadata['note'] }),
      ...(config.metadata === undefined ? {} : { metadata: config.metadata }),
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

  async assignWork(id: SessionId, work: WorkUnit, signal?: AbortSignal): Promise<void> {
    throwIfCancelled(signal, `Assigning ${work.id}`);
    this.live(id);
    this.parts.store.transaction(() => {
      this.bind(id, work, overseer);
      this.parts.outbox.accept({ from: overseer, to: id, kind: 'work', body: '', workId: work.id });
    });
  }

  async sendMessage(id: SessionId, message: Message, signal?: AbortSignal): Promise<void> {
    throwIfCancelled(signal, `Sending to ${id}`);
    this.live(id);
    const { type, ...rest } = message;
    this.parts.outbox.accept({ ...rest, to: id, kind: type });
  }

  async broadcastMessage(ids: SessionId[], message: Message, signal?: AbortSignal): Promise<BroadcastResult[]> {
    throwIfCancelled(signal, 'Broadcasting');
    return ids.map((to) => {
      try {
        this.live(to);
        const { from, subject, body, sentAt } = message;
        const stored = this.parts.outbox.accept({ from, subject, body, sentAt, to, kind: 'broadcast' });
        return { to, messageId: stored.id };
      } catch (error) {
        return { to, error: messageOf(error) };
      }
    });
  }

  async healthCheck(signal?: AbortSignal): Promise<void> {
    await this.parts.manager.drivers.of(this.backend).health(signal ?? never);
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
    if (!known)
      work.add(
        { id: unit.id, type: unit.type, description: unit.description, payload: unit.payload, priority: unit.priority },
        by,
      );
    else if (known.owner === id && ownedStates.includes(known.state)) return false;
    work.assign(unit.id, id, { by });
    return true;
  }
}

/** A signal that never fires. */
const never = new AbortController().signal;

/** The orchestrator that drives an agent, or the one that was asked for by name. */
export function getOrchestrator(
  orchestrators: ReadonlyMap<BackendName, Orchestrator>,
  choice: { agent: ResolvedAgent } | { backend: BackendName },
): Orchestrator {
  const name = 'agent' in choice ? choice.agent.backend : choice.backend;
  const orchestrator = orchestrators.get(name);
  if (!orchestrator) throw unknownName('backend', name, [...orchestrators.keys()]);
  return orchestrator;
}
