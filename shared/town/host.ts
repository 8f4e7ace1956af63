import { existsSync } from 'node:fs';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { AskLog } from '../attention/ask-log.ts';
import type { Overdue } from '../attention/overdue.ts';
import { Breakers } from '../backends/breakers.ts';
import { ClaudeDriver } from '../backends/claude/driver.ts';
import type { Delivery, RunSpec } from '../backends/driver.ts';
import { guarded } from '../backends/guarded-driver.ts';
import { OpencodeDriver } from '../backends/opencode/driver.ts';
import type { TerminalHost } from '../backends/terminal-host.ts';
import { changedNotification, protocolVersion } from '../channel/protocol.ts';
import type { CallerView, MethodName, Params, Results, TownApi } from '../channel/protocol.ts';
import { ChannelServer } from '../channel/server.ts';
import { resolveAgent } from '../config/agents.ts';
import { troublePolicy } from '../config/backend-trouble.ts';
import { messageLimits } from '../config/message-settings.ts';
import { SettingsFile } from '../config/settings-file.ts';
import { settingsPath } from '../config/settings-path.ts';
import { defaultTownSettings, townSettings } from '../config/town-settings.ts';
import type { TownSettings } from '../config/town-settings.ts';
import { GasTownError } from '../errors.ts';
import type { MessageLimits } from '../mail/limits.ts';
import { Outbox } from '../mail/outbox.ts';
import type { BackendName, Orchestrator } from '../orchestrator.ts';
import { Emitter } from '../process/emitter.ts';
import type { Disposable } from '../process/emitter.ts';
import { newToken } from '../process/ids.ts';
import type { Logger } from '../process/logger.ts';
import { permissionProfile } from '../roles/permissions.ts';
import { sessionEnvironment } from '../sessions/environment.ts';
import { SessionManager } from '../sessions/manager.ts';
import { BackendOrchestrator } from '../sessions/orchestrator.ts';
import { Registry } from '../sessions/registry.ts';
import type { StoredRun, StoredSession } from '../store/sessions.ts';
import { Store } from '../store/store.ts';
import type { Reconciler } from '../reconcile/reconciler.ts';
import { Escalations } from '../work/escalations.ts';
import { followSessions } from '../work/progress.ts';
import { WorkService } from '../work/service.ts';
import { carryOut } from './api.ts';
import { attend } from './attend.ts';
import { cleanUpAfter, settleAbandoned } from './cleanup.ts';
import { SessionContexts } from './context.ts';
import { EscalationNotices } from './escalation-notices.ts';
import { removeHostFile, writeHostFile } from './host-file.ts';
import { writeLaunchers } from './launchers.ts';
import type { NodeProgram } from './launchers.ts';
import type { LifecycleCallbacks } from './callbacks.ts';
import { callBack } from './callbacks.ts';
import { failOver } from './fail-over.ts';
import { settleHandoffs } from './handoff.ts';
import type { HostLock } from './lock.ts';
import { alternativesFor } from './operations/with-agent.ts';
import type { TownParts } from './parts.ts';
import { townPaths } from './paths.ts';
import type { TownPaths } from './paths.ts';
import { reconcileTown } from './reconciling.ts';
import { Rigs } from './rigs.ts';
import { SnapshotBuilder } from './snapshot-builder.ts';
import type { Problem, TownSnapshot } from './snapshot.ts';
import { Troubles } from './troubles.ts';

/** Bundled files that the host hands to agents. */
export interface BundledFiles {
  /** gastown.js */
  plugin: string;
  /** The SessionStart hook reporter. */
  hook: string;
  /** The `gt` command line. */
  gt: string;
  /** Folder with one `<role>.md` per role. */
  prompts: string;
}

export interface TownHostOptions {
  root: string;
  files: BundledFiles;
  node: NodeProgram;
  /** The environment from which the agents' is derived; never used as it is. */
  environment: Readonly<Record<string, string | undefined>>;
  terminals: TerminalHost;
  log: Logger;
  /** Nothing is started while this says false. */
  trusted: () => boolean;
  now?: () => number;
  callbacks?: LifecycleCallbacks;
  /** After how many milliseconds without a host the Opencode server ends itself. */
  leaseMs?: number;
}

/** At most one snapshot per this many milliseconds goes out. */
const coalesceMs = 100;

/** The one host of a town. Whoever makes it holds the town's lock (see `join.ts`). */
export class TownHost {
  readonly api: TownApi;
  private readonly town: TownParts;
  private readonly troubles: Troubles;
  private readonly drivers: readonly [ClaudeDriver, OpencodeDriver];
  private readonly paths: TownPaths;
  private readonly lock: HostLock;
  private readonly log: Logger;
  private readonly emitter: Emitter<TownSnapshot>;
  private readonly token: string;
  private readonly notices: EscalationNotices;
  private readonly overdue: Overdue;
  private readonly reconciler: Reconciler;
  private channel: ChannelServer | undefined;
  private adopting: Promise<void> = Promise.resolve();
  private current: TownSnapshot;
  private pending: NodeJS.Timeout | undefined;
  private disposed = false;

  private constructor(options: TownHostOptions, lock: HostLock, settings: SettingsFile<TownSettings>) {
    const { root, log } = options;
    const now = options.now ?? Date.now;
    this.lock = lock;
    this.log = log;
    this.paths = townPaths(root);
    const paths = this.paths;
    const store = new Store(paths.database);
    this.token = store.remember('person-token', newToken);
    this.emitter = new Emitter((error) => log.error(`a listener failed: ${String(error)}`));
    const registry = new Registry((error) => log.error(`a listener failed: ${String(error)}`));
    const changed = (): void => this.changed();
    const rigsChanged = (): void => {
      this.changed();
      this.reconciler.schedule();
    };
    const rigs = new Rigs({ store, townRoot: root, now, log, onChange: rigsChanged });
    const contexts = new SessionContexts({ paths, promptsDir: options.files.prompts, store });
    const identityOf = (session: StoredSession, run: StoredRun): Record<string, string> =>
      sessionEnvironment(
        { ...session, sessionId: session.id, agent: session.agent.name, token: run.token },
        {
          root,
          socket: paths.socket,
          binDir: paths.bin,
          contextFile: contexts.file(session.id),
          path: options.environment['PATH'] ?? '',
        },
      );
    const manager = new SessionManager({
      store,
      registry,
      log,
      now,
      specOf: (session, run, firstPrompt) => this.specOf(session, run, firstPrompt),
    });
    const work = new WorkService(store, now, log);
    const escalations = new Escalations(store, now, log);
    const asks = new AskLog({ store, registry, manager, log });
    const limits = (): MessageLimits => messageLimits(settings.value.messages);
    const outbox = new Outbox({ store, registry, manager, log, limits, onChange: changed });
    const breakers = new Breakers({ store, now, log });
    const builder = new SnapshotBuilder({
      root,
      name: basename(root),
      store,
      registry,
      outbox,
      rigs,
      breakers,
      problems: () => [...settings.problems, ...rigs.problems(), ...this.escalationProblems()],
    });
    const claude = new ClaudeDriver(manager, {
      terminals: options.terminals,
      environment: options.environment,
      runtimeDir: paths.runtime,
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
    this.drivers = [claude, opencode];
    for (const driver of this.drivers) manager.addDriver(guarded(driver, breakers));
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
      this.drivers.map((driver) => [driver.backend, new BackendOrchestrator(driver.backend, orchestratorParts)]),
    );
    this.town = {
      ...orchestratorParts,
      name: basename(root),
      paths,
      settings,
      escalations,
      asks,
      rigs,
      breakers,
      contexts,
      builder,
      orchestrators,
      opencode,
      identityOf,
      log,
      lastFailure: (backend) => this.troubles.lastFailure(backend),
      snapshot: () => this.snapshot,
      changed,
      requireTrust: () => {
        if (options.trusted()) return;
        throw new GasTownError('untrusted', 'This workspace is not trusted, so nothing is started in it. Trust it first (Manage Workspace Trust).');
      },
    };
    this.notices = new EscalationNotices(this.town, options.environment);
    this.reconciler = reconcileTown(this.town);
    this.current = builder.build();
    this.api = { request: (method, params, signal) => this.call({ kind: 'person' }, method, params, signal) as never };
    registry.onDidChange(changed);
    work.onDidChange(changed);
    escalations.onDidChange(changed);
    settings.onDidChange(changed);
    this.overdue = attend(this.town);
    breakers.onDidChange(changed);
    this.troubles = new Troubles({
      town: this.town,
      policy: () => troublePolicy(settings.value.backend_trouble),
      alternatives: (session) => alternativesFor(this.town, session),
      failOver: (session, agent, reason) => failOver(this.town, session, agent, reason),
    });
    followSessions({ manager, work, outbox, store });
    callBack(this.town, options.callbacks ?? {});
  }

  /** Opens the town and takes up what an earlier host left running. The lock is released when this fails. */
  static async start(options: TownHostOptions, lock: HostLock): Promise<TownHost> {
    const paths = townPaths(options.root);
    try {
      await mkdir(paths.runtime, { recursive: true, mode: 0o700 });
      if (process.platform !== 'win32') await chmod(paths.runtime, 0o700);
      // Also where the town was made by Gas Town itself: nothing of ours is for git.
      const ignore = join(paths.runtime, '.gitignore');
      if (!existsSync(ignore)) await writeFile(ignore, '*\n');
      const file = settingsPath(options.root);
      const settings = await SettingsFile.open<TownSettings>({
        file,
        schema: townSettings,
        defaults: defaultTownSettings,
        required: true,
        log: options.log,
      });
      const host = new TownHost(options, lock, settings);
      await host.open(options);
      return host;
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  get snapshot(): TownSnapshot {
    return this.current;
  }

  /** The seed's orchestrators, one per backend. */
  get orchestrators(): ReadonlyMap<BackendName, Orchestrator> {
    return this.town.orchestrators;
  }

  /**
   * Resolves when it is known of every session of an earlier host whether it still runs. Until then they are shown as
   * starting: terminals come back some seconds after a reload.
   */
  get adopted(): Promise<void> {
    return this.adopting;
  }

  /** Calls back with a new snapshot after changes, coalesced. */
  onDidChange(listener: (snapshot: TownSnapshot) => void): Disposable {
    return this.emitter.event(listener);
  }

  /** Lets go: sessions and servers live on, for the next host to take up. */
  async dispose(): Promise<void> {
    if (this.disposed) return;
    this.disposed = true;
    clearTimeout(this.pending);
    this.reconciler.dispose();
    this.town.outbox.dispose();
    this.overdue.dispose();
    this.town.asks.dispose();
    this.town.breakers.dispose();
    this.troubles.dispose();
    await removeHostFile(this.paths.hostFile);
    await this.channel?.close();
    this.town.manager.dispose();
    await Promise.all(this.drivers.map((driver) => driver.dispose()));
    this.town.settings.dispose();
    this.town.rigs.dispose();
    this.town.store.close();
    this.lock.release();
  }

  private async open(options: TownHostOptions): Promise<void> {
    await this.town.rigs.load();
    await writeLaunchers(this.paths, options.node, options.files.gt);
    cleanUpAfter(this.town);
    const adopting = this.town.manager.adoptAll();
    this.troubles.showResting();
    this.adopting = adopting.then(() => this.troubles.takeUp());
    // Before anybody can ask for new work: a unit that is just being slung has no session yet either.
    settleHandoffs(this.town);
    await settleAbandoned(this.town);
    this.notices.catchUp();
    this.reconciler.start();
    this.channel = await ChannelServer.listen(
      this.paths.socket,
      {
        identify: (token) => this.identify(token),
        hello: (caller) => this.hello(caller),
        handle: (caller, method, params, signal) => this.call(caller, method, params, signal),
      },
      this.log,
    );
    await writeHostFile(this.paths.hostFile, this.paths.socket, this.token);
    await Promise.all(this.town.store.work.all().map((work) => this.town.builder.renewCommits(work)));
    this.publish();
    this.log.info(`[orchestration] hosting ${this.paths.root}`);
  }

  private escalationProblems(): Problem[] {
    const message = this.notices.problem;
    return message === undefined ? [] : [{ file: this.town.settings.file, message, severity: 'warning' }];
  }

  private identify(token: string): CallerView | undefined {
    if (token === this.token) return { kind: 'person' };
    const run = this.town.store.sessions.runByToken(token);
    if (run) return { kind: 'session', session: run.sessionId, runId: run.id };
    const server = this.town.opencode.serverOf(token);
    return server === undefined ? undefined : { kind: 'server', server };
  }

  private hello(caller: CallerView): Results['hello'] {
    return { protocol: protocolVersion, town: this.town.name, root: this.paths.root, host: `pid ${process.pid}`, caller };
  }

  private async call<M extends MethodName>(caller: CallerView, method: M, params: Params<M> | unknown, signal?: AbortSignal): Promise<unknown> {
    if (this.disposed) throw new GasTownError('no-host', 'This host has let go of the town.');
    if (caller.kind === 'session' && this.town.registry.find(caller.session)?.runId !== caller.runId) {
      throw new GasTownError('denied', `This run of ${caller.session} has been replaced, so nothing was changed.`);
    }
    return carryOut(this.town, caller, method, params, signal ?? new AbortController().signal);
  }

  private async specOf(session: StoredSession, run: StoredRun, firstPrompt?: Delivery): Promise<RunSpec> {
    const contextFile = await this.town.contexts.write(session);
    const runDir = join(this.paths.runs, run.id);
    await mkdir(runDir, { recursive: true, mode: 0o700 });
    return {
      sessionId: session.id,
      runId: run.id,
      role: session.role,
      rig: session.rig,
      title: session.agentName === '' ? session.id : `${session.agentName} (${session.rig})`,
      agent: session.agent,
      cwd: session.workDir,
      env: this.town.identityOf(session, run),
      permissions: permissionProfile(session.role),
      contextFile,
      runDir,
      ...(firstPrompt === undefined ? {} : { firstPrompt }),
    };
  }

  private changed(): void {
    if (this.pending || this.disposed) return;
    this.pending = setTimeout(() => this.publish(), coalesceMs);
  }

  private publish(): void {
    clearTimeout(this.pending);
    this.pending = undefined;
    if (this.disposed) return;
    this.current = this.town.builder.build();
    this.emitter.fire(this.current);
    this.channel?.notify(changedNotification, this.current);
  }
}
