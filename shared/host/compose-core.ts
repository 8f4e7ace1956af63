import type { MessageLimits } from '../config/message-settings.ts';
import type { BackendName } from '../domain/orchestrator.ts';
import { Outbox } from '../messages/outbox.ts';
import { BackendOrchestrator } from '../orchestration/backend-orchestrator.ts';
import type { Agents, OrchestratorParts, TownOrchestrator } from '../orchestration/backend-orchestrator.ts';
import { followSessions } from '../orchestration/work-progress.ts';
import { DisposableStore } from '../platform/disposable-store.ts';
import type { Disposable } from '../platform/emitter.ts';
import type { Ids } from '../platform/ids.ts';
import type { Logger } from '../platform/logger.ts';
import type { TownClock } from '../platform/town-clock.ts';
import { SessionManager } from '../sessions/manager.ts';
import type { SessionManagerOptions } from '../sessions/manager.ts';
import { Registry } from '../sessions/registry.ts';
import type { Store } from '../store/store.ts';
import { WorkService } from '../work/service.ts';

export interface CoreParts extends Pick<SessionManagerOptions, 'specOf' | 'specOfLeft' | 'requireTrust'> {
  store: Store;
  log: Logger;
  clock: TownClock;
  ids: Ids;
  limits: () => MessageLimits;
  /** Something that callers see has changed. */
  changed: () => void;
  onListenerError: (error: unknown) => void;
}

/** Sessions, messages and work: what the seed's orchestrator needs, and no rigs. */
export interface Core extends Disposable {
  parts: OrchestratorParts;
}

/**
 * Makes these parts and puts them together. Its drivers report to the manager, and are added to it by whoever makes them.
 * Nothing is started, and no session adopted. After its disposal no more reports are taken; sessions live on.
 */
export function composeCore({ store, log, clock, ids, changed, ...parts }: CoreParts): Core {
  const disposables = new DisposableStore();
  const registry = new Registry(parts.onListenerError);
  const { specOf, specOfLeft, limits, requireTrust } = parts;
  const work = new WorkService(store, () => clock.now(), log);
  const manager = new SessionManager({ store, registry, log, clock, ids, specOf, specOfLeft, requireTrust });
  const outbox = disposables.add(new Outbox({ store, registry, manager, log, ids, limits, onChange: changed }));
  disposables.add(followSessions({ manager, work, outbox, store }));
  // The newest, so the first to go: what goes after it tells nothing any more.
  disposables.add(manager);
  return {
    parts: { manager, registry, outbox, work, store },
    dispose: () => disposables.dispose(),
  };
}

/** The seed's orchestrators, one per backend. */
export function orchestratorsOf(
  parts: OrchestratorParts,
  backends: readonly BackendName[],
  agents: Agents,
): ReadonlyMap<BackendName, TownOrchestrator> {
  return new Map(backends.map((backend) => [backend, new BackendOrchestrator(backend, parts, agents)]));
}
