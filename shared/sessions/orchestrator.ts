import { throwIfCancelled, GasTownError, messageOf } from '../errors.ts';
import { unknownName } from '../config/nearest.ts';
import type { ResolvedAgent } from '../config/agents.ts';
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
import { sessionIdOf } from '../roles/names.ts';
import type { WorkService } from '../work/service.ts';
import { launchSession } from './launch.ts';
import { hasEnded } from './manager.ts';
import type { SessionManager } from './manager.ts';
import type { Registry } from './registry.ts';

export interface OrchestratorParts {
  manager: SessionManager;
  registry: Registry;
  outbox: Outbox;
  work: WorkService;
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

  async spawnSession(config: SessionConfig, signal?: AbortSignal): Promise<SessionId> {
    throwIfCancelled(signal, 'Spawning a session');
    if (config.remoteHost !== undefined) {
      throw new GasTownError('bad-input', `Sessions on other hosts (${config.remoteHost}) are not supported. Leave remoteHost out.`);
    }
    const { role, rig, agentName, workDir, initialWork, branch } = config;
    const id = sessionIdOf(role, rig, agentName);
    const agent = this.parts.resolveAgent(this.backend, config);
    const launch = { id, role, rig, agentName, agent: { ...agent, env: { ...agent.env, ...config.env } }, workDir, by: 'overseer' };
    const withBranch = branch === undefined ? launch : { ...launch, branch };
    if (initialWork === undefined) {
      await launchSession(this.parts, withBranch, signal ?? never);
      return id;
    }
    this.bind(id, initialWork);
    try {
      await launchSession(this.parts, { ...withBranch, workId: initialWork.id }, signal ?? never);
    } catch (error) {
      const work = this.parts.work.get(initialWork.id);
      if (work.owner === id) this.parts.work.move(work, 'failed', { by: 'host', note: messageOf(error) }, { owner: null });
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
    return this.parts.registry.list({ backend: this.backend }).filter((session) => !hasEnded(session));
  }

  async assignWork(id: SessionId, work: WorkUnit, signal?: AbortSignal): Promise<void> {
    throwIfCancelled(signal, `Assigning ${work.id}`);
    this.live(id);
    this.bind(id, work);
    this.parts.outbox.accept({ from: 'overseer', to: id, kind: 'work', body: '', workId: work.id });
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
        const { id: _one, type: _type, ...rest } = message;
        const stored = this.parts.outbox.accept({ ...rest, to, kind: 'broadcast' });
        return { to, messageId: stored.id };
      } catch (error) {
        return { to, error: messageOf(error) };
      }
    });
  }

  async healthCheck(signal?: AbortSignal): Promise<void> {
    await this.parts.manager.driver(this.backend).health(signal ?? never);
  }

  private own(id: SessionId): SessionInfo {
    const session = this.parts.registry.get(id);
    if (session.backend === this.backend) return session;
    throw unknownName('session', id, this.parts.registry.list({ backend: this.backend }).map((known) => known.id));
  }

  private live(id: SessionId): SessionInfo {
    const session = this.own(id);
    if (!hasEnded(session)) return session;
    throw new GasTownError('refused', `${id} has ended (${session.cause}). Start it again, or choose another session.`);
  }

  private bind(id: SessionId, unit: WorkUnit): void {
    const { work } = this.parts;
    if (!work.find(unit.id)) {
      work.add({ id: unit.id, type: unit.type, description: unit.description, priority: unit.priority }, 'overseer');
    }
    work.assign(unit.id, id, { by: 'overseer' });
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
