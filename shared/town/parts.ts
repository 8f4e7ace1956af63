import type { Breakers } from '../backends/breakers.ts';
import type { CallerView, Params, TownRemoval } from '../channel/protocol.ts';
import type { AskLog } from '../attention/ask-log.ts';
import type { SettingsFile } from '../config/settings-file.ts';
import type { TownSettings } from '../config/town-settings.ts';
import type { Outbox } from '../mail/outbox.ts';
import type { BackendName, Orchestrator, SessionId } from '../orchestrator.ts';
import type { Logger } from '../process/logger.ts';
import type { SessionManager } from '../sessions/manager.ts';
import type { OrchestratorParts } from '../sessions/orchestrator.ts';
import type { Registry } from '../sessions/registry.ts';
import type { StoredRun, StoredSession } from '../store/sessions.ts';
import type { Escalations } from '../work/escalations.ts';
import type { WorkService } from '../work/service.ts';
import type { SessionContexts } from './context.ts';
import type { HostPaths } from './paths.ts';
import type { RigConsents } from './rig-consents.ts';
import type { Rigs } from './rigs.ts';
import type { SnapshotBuilder } from './snapshot-builder.ts';
import type { TownSnapshot } from './snapshot.ts';
import type { Worktrees } from './worktrees.ts';
import type { LastFailure } from '../work/trouble.ts';

/** What the plugin inside an Opencode server needs to be matched with. */
export interface OpencodeSessions {
  /** The server whose plugin has this token. */
  serverOf(token: string): string | undefined;
  /** The run that an Opencode session (or its parent) belongs to. */
  runOf(server: string, opencodeSessionId: string): string | undefined;
  fromPlugin(event: Params<'inside.event'>): Promise<void>;
}

/** Everything that a town is made of, for the operations on it. */
export interface TownParts extends OrchestratorParts {
  name: string;
  paths: HostPaths;
  settings: SettingsFile<TownSettings>;
  registry: Registry;
  manager: SessionManager;
  outbox: Outbox;
  work: WorkService;
  escalations: Escalations;
  asks: AskLog;
  rigs: Rigs;
  consents: RigConsents;
  breakers: Breakers;
  worktrees: Worktrees;
  contexts: SessionContexts;
  builder: SnapshotBuilder;
  orchestrators: ReadonlyMap<BackendName, Orchestrator>;
  /** `<rig>/<name>` of the workers that starts under way have chosen. */
  namesInHand: Set<string>;
  /** What is still being done after the end of a session: its place is as it will be when that is over. */
  endings: Map<SessionId, Promise<void>>;
  /** Who is who among the sessions of the Opencode servers. */
  opencode: OpencodeSessions;
  /** Identity and token of a run, for its agent's shell. */
  identityOf: (session: StoredSession, run: StoredRun) => Record<string, string>;
  /** What made the last turn on a backend fail; undefined where it went well. */
  lastFailure: (backend: BackendName) => LastFailure | undefined;
  /** The end of the town: what that would do, and doing it. */
  removal: { look(): Promise<TownRemoval>; remove(): Promise<TownRemoval> };
  log: Logger;
  /** The newest snapshot. */
  snapshot: () => TownSnapshot;
  /** Something that the snapshot shows has changed. */
  changed: () => void;
  /** Rejects with `untrusted` in a workspace that is not trusted: nothing may be started there. */
  requireTrust: () => void;
}

/** Who did it, for histories: a session's id, or the person. */
export function nameOfCaller(caller: CallerView): string {
  return caller.kind === 'session' ? caller.session : 'overseer';
}
