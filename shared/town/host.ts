import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Overdue } from '../attention/overdue.ts';
import type { BackendDriver } from '../backends/driver.ts';
import { changedNotification, protocolVersion } from '../channel/protocol.ts';
import type { CallerView, MethodName, Params, Results, TownApi, TownRemoval } from '../channel/protocol.ts';
import { ChannelServer } from '../channel/server.ts';
import { spoolFolder } from '../channel/spool.ts';
import { troublePolicy } from '../config/backend-trouble.ts';
import { SettingsFile } from '../config/settings-file.ts';
import { settingsPath } from '../config/settings-path.ts';
import { defaultTownSettings, townSettings } from '../config/town-settings.ts';
import type { TownSettings } from '../config/town-settings.ts';
import { GasTownError, messageOf } from '../errors.ts';
import type { BackendName, Orchestrator } from '../orchestrator.ts';
import { Emitter } from '../process/emitter.ts';
import type { Disposable } from '../process/emitter.ts';
import { newToken } from '../process/ids.ts';
import type { Logger } from '../process/logger.ts';
import type { Reconciler } from '../reconcile/reconciler.ts';
import { StoreCopies } from '../store/copies.ts';
import { followSessions } from '../work/progress.ts';
import { ownedStates } from '../work/state.ts';
import { carryOut } from './api.ts';
import { assembleTown } from './assemble.ts';
import { attend } from './attend.ts';
import { callBack } from './callbacks.ts';
import { cleanUpAfter, settleAbandoned } from './cleanup.ts';
import { EscalationNotices } from './escalation-notices.ts';
import { failOver } from './fail-over.ts';
import { settleHandoffs } from './handoff.ts';
import { removeHostFile, writeHostFile } from './host-file.ts';
import type { TownHostOptions } from './host-options.ts';
import { writeLaunchers } from './launchers.ts';
import type { HostLock } from './lock.ts';
import { launcherOf, Means } from './means.ts';
import { alternativesFor } from './operations/with-agent.ts';
import { isWorkedIn } from './operations/worktrees.ts';
import type { TownParts } from './parts.ts';
import { townPaths } from './paths.ts';
import type { HostPaths } from './paths.ts';
import { reconcileTown } from './reconciling.ts';
import { lookAtRemoval, removeOutside } from './removal.ts';
import { emptyRuntime, ignoreFileIn, makeRuntime, removeLock } from './runtime-folder.ts';
import type { Problem, TownSnapshot } from './snapshot.ts';
import { Spool } from './spool.ts';
import { storeProblems, strayWorktrees } from './store-problems.ts';
import { Troubles } from './troubles.ts';
import { unblockQueued } from './unblock.ts';

/** At most one snapshot per this many milliseconds goes out. */
const coalesceMs = 100;

/** The one host of a town. Whoever makes it holds the town's lock (see `join.ts`). */
export class TownHost {
  readonly api: TownApi;
  private readonly town: TownParts;
  private readonly troubles: Troubles;
  private readonly drivers: readonly BackendDriver[];
  private readonly paths: HostPaths;
  private readonly lock: HostLock;
  private readonly log: Logger;
  private readonly emitter: Emitter<TownSnapshot>;
  private readonly token: string;
  private readonly notices: EscalationNotices;
  private readonly overdue: Overdue;
  private readonly reconciler: Reconciler;
  private channel: ChannelServer | undefined;
  private means: Means | undefined;
  private readonly spool: Spool;
  private readonly copies: StoreCopies;
  /** What was wrong with the database when the town was opened. */
  private found: string | undefined;
  private adopting: Promise<void> = Promise.resolve();
  private current: TownSnapshot;
  private pending: NodeJS.Timeout | undefined;
  private disposed = false;
  /** Under way or done; nothing is started any more. */
  private removal: Promise<TownRemoval> | undefined;
  /** Resolves when the host has let go by itself: the town was removed, or that failed half-way and is for a next host to repeat. */
  readonly ended: Promise<void>;
  private end = (): void => undefined;

  private constructor(options: TownHostOptions, lock: HostLock, settings: SettingsFile<TownSettings>) {
    this.ended = new Promise((resolve) => {
      this.end = resolve;
    });
    this.lock = lock;
    this.log = options.log;
    this.emitter = new Emitter((error) => this.log.error(`a listener failed: ${String(error)}`));
    const changed = (): void => this.changed();
    const { town, drivers, finding } = assembleTown(options, settings, {
      changed,
      rigsChanged: () => {
        this.changed();
        unblockQueued(this.town, 'what the rigs bring has changed');
        this.reconciler.schedule();
      },
      problems: () => [
        ...this.escalationProblems(),
        ...storeProblems(this.town, this.means?.problem, this.found, this.spool.problem),
      ],
      snapshot: () => this.snapshot,
      lastFailure: (backend) => this.troubles.lastFailure(backend),
      removal: {
        look: () => lookAtRemoval(this.town, options.environment),
        remove: () => (this.removal ??= this.remove(options.environment)),
      },
      requireStaying: () => {
        if (this.removal) throw new GasTownError('refused', 'The town is being removed, so nothing is started in it.');
      },
    });
    this.town = town;
    this.paths = town.paths;
    this.found = finding;
    this.copies = new StoreCopies({
      store: town.store,
      file: town.paths.databaseCopy,
      now: () => town.manager.now(),
      log: town.log,
    });
    this.drivers = drivers;
    this.spool = new Spool(town);
    this.token = town.store.remember('person-token', newToken);
    this.notices = new EscalationNotices(town, options.environment);
    this.reconciler = reconcileTown(town);
    this.current = town.builder.build();
    this.api = { request: (method, params, signal) => this.call({ kind: 'person' }, method, params, signal) as never };
    town.registry.onDidChange(changed);
    town.work.onDidChange(changed);
    town.escalations.onDidChange(changed);
    settings.onDidChange(changed);
    this.overdue = attend(town);
    town.store.backlog.onDidChange(changed);
    town.breakers.onDidChange(changed);
    this.troubles = new Troubles({
      town,
      policy: () => troublePolicy(settings.value.backend_trouble),
      alternatives: (session) => alternativesFor(town, session),
      failOver: (session, agent, reason) => failOver(town, session, agent, reason),
    });
    followSessions(town);
    callBack(town, options.callbacks ?? {});
    town.work.onDidChange(({ state }) => {
      if (!ownedStates.includes(state)) this.copies.changed();
    });
    town.registry.onDidChange(({ kind }) => {
      if (kind !== 'changed') this.copies.changed();
    });
  }

  /** Opens the town and takes up what an earlier host left running. The lock is released when this fails. */
  static async start(options: TownHostOptions, lock: HostLock): Promise<TownHost> {
    const paths = townPaths(options.root);
    try {
      await makeRuntime(paths.runtime);
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
    if (this.removal) return this.ended;
    if (this.disposed) return;
    await this.withdraw();
    await this.channel?.close();
    await this.close();
    this.lock.release();
  }

  /** Does nothing by itself any more, and answers no call. */
  private async withdraw(): Promise<void> {
    this.disposed = true;
    this.means?.dispose();
    this.spool.dispose();
    clearTimeout(this.pending);
    this.reconciler.dispose();
    this.town.outbox.dispose();
    this.overdue.dispose();
    this.town.asks.dispose();
    this.town.breakers.dispose();
    this.troubles.dispose();
    // Where the lock was lost to somebody else, the file is theirs.
    if (this.lock.isInPlace()) await removeHostFile(this.paths.hostFile);
  }

  private async close(): Promise<void> {
    this.town.manager.dispose();
    await this.copies.dispose();
    await Promise.all(this.drivers.map((driver) => driver.dispose()));
    this.town.settings.dispose();
    this.town.rigs.dispose();
    this.town.store.close();
  }

  /**
   * Takes away what the town has written, and lets go. Each worktree is looked at when its turn comes, and the database goes
   * last: a host that dies half-way leaves a town that can be removed again.
   */
  private async remove(environment: TownHostOptions['environment']): Promise<TownRemoval> {
    this.log.info(`[orchestration] removing the town ${this.paths.root}`);
    this.reconciler.dispose();
    this.means?.dispose();
    let removed = false;
    try {
      await this.adopting;
      const result = await removeOutside(this.town, environment);
      await this.withdraw();
      await this.close();
      const stays = await emptyRuntime(this.paths);
      removed = true;
      return { ...result, stays: [...stays, ...result.stays] };
    } finally {
      void this.leave(removed);
    }
  }

  /** The end of `remove`, when whoever asked for it has the answer. */
  private async leave(removed: boolean): Promise<void> {
    try {
      await nextTurn();
      await this.channel?.flush();
      if (!this.disposed) await this.withdraw();
      await this.channel?.close();
      if (this.town.store.isOpen) await this.close();
    } catch (error) {
      this.log.error(`letting go of the town: ${messageOf(error)}`);
    }
    this.lock.release();
    if (removed)
      await removeLock(this.paths).catch((error: unknown) => this.log.error(`the lock stays: ${messageOf(error)}`));
    this.end();
  }

  private async open(options: TownHostOptions): Promise<void> {
    await this.town.rigs.load();
    await writeLaunchers(this.paths, options.node, options.files.gt);
    cleanUpAfter(this.town);
    // A unit that was reported is done, whatever is found to have become of its session since.
    let taken = (): void => undefined;
    const adopting = this.town.manager.adoptAll(new Promise((resolve) => (taken = resolve)));
    this.troubles.showResting();
    await this.spool.take();
    taken();
    this.adopting = adopting.then(() => this.troubles.takeUp());
    // Before anybody can ask for new work: a unit that is just being slung has no session yet either.
    settleHandoffs(this.town);
    await this.town.worktrees.settle((path) => isWorkedIn(this.town, path));
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
    await this.spool.open();
    this.means = this.lookAfterMeans(options, this.channel);
    this.found &&= `${this.found}${await strayWorktrees(this.town)}`;
    void this.copies.make();
    await Promise.all(this.town.store.work.all().map((work) => this.town.builder.renewCommits(work)));
    this.publish();
    this.log.info(`[orchestration] hosting ${this.paths.root}`);
  }

  private lookAfterMeans({ node, files }: TownHostOptions, channel: ChannelServer): Means {
    const { runtime, hostFile, socket, bin } = this.paths;
    return new Means({
      town: this.town,
      lock: this.lock,
      files: [
        { path: ignoreFileIn(runtime), make: () => makeRuntime(runtime) },
        { path: socket, make: () => channel.listenAnew() },
        { path: spoolFolder(this.paths.root), make: () => this.spool.open() },
        { path: hostFile, make: () => writeHostFile(hostFile, socket, this.token) },
        { path: launcherOf(bin), make: () => writeLaunchers(this.paths, node, files.gt) },
      ],
      onLost: (reason) => {
        this.log.error(reason);
        void this.leave(false);
      },
    });
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
    return {
      protocol: protocolVersion,
      town: this.town.name,
      root: this.paths.root,
      host: `pid ${process.pid}`,
      caller,
    };
  }

  private async call<M extends MethodName>(
    caller: CallerView,
    method: M,
    params: Params<M> | unknown,
    signal?: AbortSignal,
  ): Promise<unknown> {
    if (!this.disposed && !(this.lock.isInPlace() && this.town.store.isInPlace())) await this.means?.now();
    if (this.disposed) throw new GasTownError('no-host', 'This host has let go of the town.');
    if (caller.kind === 'session' && this.town.registry.find(caller.session)?.runId !== caller.runId) {
      throw new GasTownError('denied', `This run of ${caller.session} has been replaced, so nothing was changed.`);
    }
    return carryOut(this.town, caller, method, params, signal ?? new AbortController().signal);
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
