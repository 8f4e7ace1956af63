import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { AskLog } from '../attention/ask-log.ts';
import { Breakers } from '../backends/breakers.ts';
import { ClaudeDriver } from '../backends/claude/driver.ts';
import type { BackendDriver, RunSpec } from '../backends/driver.ts';
import { guarded } from '../backends/guarded-driver.ts';
import { OpencodeDriver } from '../backends/opencode/driver.ts';
import { resolveAgent } from '../config/agents.ts';
import { troublePolicy } from '../config/backend-trouble.ts';
import { messageLimits } from '../config/message-settings.ts';
import type { SettingsFile } from '../config/settings-file.ts';
import type { TownSettings } from '../config/town-settings.ts';
import { GasTownError } from '../errors.ts';
import { worktreesFolder } from '../git/worktree-places.ts';
import type { MessageLimits } from '../mail/limits.ts';
import { Outbox } from '../mail/outbox.ts';
import type { BackendName, Orchestrator } from '../orchestrator.ts';
import { SessionManager } from '../sessions/manager.ts';
import { BackendOrchestrator } from '../sessions/orchestrator.ts';
import { Registry } from '../sessions/registry.ts';
import { openStore } from '../store/open-store.ts';
import { Escalations } from '../work/escalations.ts';
import { WorkService } from '../work/service.ts';
import { SessionContexts } from './context.ts';
import type { TownHostOptions } from './host-options.ts';
import type { TownParts } from './parts.ts';
import { townPaths } from './paths.ts';
import { RigConsents } from './rig-consents.ts';
import { Rigs } from './rigs.ts';
import { RunSpecs } from './run-specs.ts';
import { ownFilesIn } from './own-files.ts';
import { SnapshotBuilder } from './snapshot-builder.ts';
import type { Problem } from './snapshot.ts';
import { Worktrees } from './worktrees.ts';

/** What the parts ask and tell the host around them. Nothing of it is used before the town is assembled. */
export interface Surroundings extends Pick<TownParts, 'changed' | 'snapshot' | 'lastFailure' | 'removal'> {
  /** A rig came, went, or has other settings. */
  rigsChanged: () => void;
  /** What is wrong besides the settings files. */
  problems: () => Problem[];
  /** Throws `refused` while the town is being removed: no run begins any more, whoever asks for it. */
  requireStaying: () => void;
}

export interface AssembledTown {
  town: TownParts;
  /** The drivers themselves, without what guards them: for whoever has to let go of them. */
  drivers: readonly BackendDriver[];
  /** What was wrong with the store's file, and what was done about it, for people. */
  finding?: string;
}

/** Makes the parts of a town and puts them together. Opens the store; nothing is started, and no session taken up. */
export function assembleTown(
  options: TownHostOptions,
  settings: SettingsFile<TownSettings>,
  around: Surroundings,
): AssembledTown {
  const { root, log } = options;
  const { changed } = around;
  const now = options.now ?? Date.now;
  const places = townPaths(root);
  const usual = worktreesFolder(root, options.environment);
  const { store, finding } = openStore({
    file: places.database,
    copy: places.databaseCopy,
    wasUsed: () => [places.runs, places.sessions, places.formerWorktrees, usual].some((folder) => existsSync(folder)),
    crashed: existsSync(places.hostFile),
    now,
    report: (message) => log.error(message),
  });
  // Once chosen it stays, whatever the environment of the next host says.
  const worktrees = store.remember(`worktrees:${root}`, () => usual);
  const paths = { ...places, worktrees };
  const registry = new Registry((error) => log.error(`a listener failed: ${String(error)}`));
  const rigs = new Rigs({ store, townRoot: root, now, log, onChange: around.rigsChanged });
  const consents = new RigConsents({ store, rigs, townRoot: root, now, log });
  rigs.onSettings = (name) => void consents.refresh(name);
  const contexts = new SessionContexts({ paths, promptsDir: options.files.prompts, store });
  const specs = new RunSpecs({ root, paths, contexts, environment: options.environment });
  const specOf: typeof specs.specOf = async (...stored) => {
    around.requireStaying();
    return specs.specOf(...stored);
  };
  const manager = new SessionManager({ store, registry, log, now, specOf });
  const work = new WorkService(store, now, log);
  const escalations = new Escalations(store, now, log);
  const asks = new AskLog({ store, registry, manager, log });
  const limits = (): MessageLimits => messageLimits(settings.value.messages);
  const outbox = new Outbox({ store, registry, manager, log, limits, onChange: changed });
  const breakers = new Breakers({ store, now, log });
  const left = new Worktrees({
    store,
    now,
    log,
    onChange: changed,
    rebuildableIn: (rig) => [
      ...(settings.value.worktrees?.rebuildable ?? []),
      ...(rigs.names().includes(rig) ? (rigs.get(rig).settings.worktrees?.rebuildable ?? []) : []),
    ],
    ownFilesIn: (path) => ownFilesIn({ settings, rigs, store }, path),
  });
  const builder = new SnapshotBuilder({
    root,
    name: basename(root),
    store,
    registry,
    outbox,
    rigs,
    breakers,
    asks,
    worktrees: left,
    problems: () => [...settings.problems, ...rigs.problems(), ...left.problems(), ...around.problems()],
  });
  const claude = new ClaudeDriver(manager, {
    terminals: options.terminals,
    environment: options.environment,
    hookProgram: { command: options.node.command, args: [options.files.hook], env: options.node.env },
  });
  const opencode = new OpencodeDriver(manager, {
    runtimeDir: paths.runtime,
    environment: options.environment,
    socket: paths.socket,
    patienceMs: () => troublePolicy(settings.value.backend_trouble).patienceMs,
    onServerLost: (reason) => breakers.take({ backend: 'opencode' }, { kind: 'failed', reason }),
    pluginFile: options.files.plugin,
    ...(options.leaseMs === undefined ? {} : { leaseMs: options.leaseMs }),
  });
  const drivers = [claude, opencode];
  // A polecat that goes on in its worktree finds there what its branch has, which is no other than when it began.
  const mayStart = ({ rig, agent, role, resume }: RunSpec): Promise<void> =>
    consents.require({ rig, agent, repository: role !== 'polecat' || resume === undefined });
  for (const driver of drivers) manager.drivers.add(guarded(driver, breakers, mayStart));
  const resolve: TownParts['resolveAgent'] = (backend, config) =>
    resolveAgent({
      role: config.role,
      workerName: config.agentName,
      town: settings.value,
      explicitBackend: backend,
      ...(rigs.names().includes(config.rig) ? { rigSettings: rigs.get(config.rig).settings } : {}),
      ...(config.agent === undefined ? {} : { explicitAgent: config.agent }),
    });
  const orchestratorParts = { manager, registry, outbox, work, store, resolveAgent: resolve };
  const orchestrators = new Map<BackendName, Orchestrator>(
    drivers.map((driver) => [driver.backend, new BackendOrchestrator(driver.backend, orchestratorParts)]),
  );
  const town: TownParts = {
    ...orchestratorParts,
    name: basename(root),
    paths,
    settings,
    escalations,
    asks,
    rigs,
    consents,
    breakers,
    worktrees: left,
    contexts,
    builder,
    orchestrators,
    namesInHand: new Set(),
    endings: new Map(),
    opencode,
    identityOf: (session, run) => specs.identityOf(session, run),
    log,
    lastFailure: around.lastFailure,
    snapshot: around.snapshot,
    removal: around.removal,
    changed,
    requireTrust: () => {
      if (options.trusted()) return;
      throw new GasTownError(
        'untrusted',
        'This workspace is not trusted, so nothing is started in it. Trust it first (Manage Workspace Trust).',
      );
    },
  };
  return { town, drivers, ...(finding === undefined ? {} : { finding }) };
}
