import { basename, join } from 'node:path';
import type { ApiParts } from '../api/context.ts';
import { SnapshotBuilder } from '../api/snapshot-builder.ts';
import { TownViews } from '../api/town-views.ts';
import { AskLog } from '../attention/ask-log.ts';
import { Breakers } from '../backends/breakers.ts';
import type { Backends } from '../backends/backend.ts';
import type { BackendDriver, DriverHost } from '../backends/driver.ts';
import { guarded } from '../backends/guarded-driver.ts';
import { resolveAgent } from '../config/agents.ts';
import { messageLimits } from '../config/message-settings.ts';
import { troublePolicy } from '../config/provider-failure-settings.ts';
import type { SettingsFile } from '../config/settings-file.ts';
import type { HostPaths } from '../config/town-paths.ts';
import type { TownSettings } from '../config/town-settings.ts';
import { startAfter } from '../config/work-settings.ts';
import { namesOf } from '../domain/backend.ts';
import type { StartAfter } from '../domain/dependency.ts';
import { followRounds } from '../merge/begin-review.ts';
import { Forecast } from '../merge/forecast.ts';
import { ForecastBoard } from '../merge/forecast-board.ts';
import { AgentSelection } from '../orchestration/agent-selection.ts';
import { followBatches } from '../orchestration/batch-progress.ts';
import { SessionEndings } from '../orchestration/cleanup.ts';
import { MergeQueue } from '../merge/merge-queue.ts';
import { PullRequests } from '../merge/pull-requests.ts';
import { ownFilesIn } from '../orchestration/own-files.ts';
import { RigConsents } from '../orchestration/rig-consents.ts';
import { Rigs } from '../orchestration/rigs.ts';
import { followDependencies } from '../orchestration/waiting.ts';
import type { Town } from '../orchestration/town.ts';
import { SetUps } from '../orchestration/set-ups.ts';
import { Stages } from '../orchestration/stages.ts';
import { tellSlingers } from '../orchestration/tell-slingers.ts';
import { Worktrees } from '../orchestration/worktrees.ts';
import { DisposableStore } from '../platform/disposable-store.ts';
import { Emitter } from '../platform/emitter.ts';
import type { Disposable, Event } from '../platform/emitter.ts';
import { GasTownError } from '../platform/errors.ts';
import { CommitFiles } from '../platform/git/commit-files.ts';
import type { Ids } from '../platform/ids.ts';
import { knowAgents } from '../platform/inherited-environment.ts';
import type { Logger } from '../platform/logger.ts';
import type { TownClock } from '../platform/town-clock.ts';
import { Callings } from '../reconcile/callings.ts';
import { reconcileTown } from '../reconcile/actions.ts';
import type { Reconciler } from '../reconcile/reconciler.ts';
import type { SessionContexts } from '../sessions/role-context.ts';
import type { RunSpecs } from '../sessions/run-spec.ts';
import type { Store } from '../store/store.ts';
import { Escalations } from '../work/escalations.ts';
import { Batches } from '../work/batches.ts';
import { Dependencies } from '../work/dependencies.ts';
import { MergeService } from '../work/merges.ts';
import { composeCore, orchestratorsOf } from './compose-core.ts';
import type { TownHostOptions } from './host-options.ts';
import { Problems } from './problems.ts';

/** What drivers need of a town besides what they report to. */
export interface DriverMeans {
  paths: HostPaths;
  settings: SettingsFile<TownSettings>;
  breakers: Breakers;
}

/** What a town is made of, given from outside: no editor, no channel, no lock. */
export interface TownParts {
  paths: HostPaths;
  store: Store;
  settings: SettingsFile<TownSettings>;
  backends: Backends;
  /** The drivers themselves, without what guards them. */
  drivers: (host: DriverHost, means: DriverMeans) => readonly BackendDriver[];
  contexts: SessionContexts;
  /** Orders for drivers. One that throws begins no run, whoever asks for it. */
  specs: Pick<RunSpecs, 'specOf' | 'specOfLeft' | 'identityOf'>;
  log: Logger;
  clock: TownClock;
  ids: Ids;
  /** Nothing is started while this says false. */
  trusted: () => boolean;
  onListenerError: (error: unknown) => void;
}

export interface ComposedTown extends Disposable {
  town: ApiParts;
  /** Listens from now on; acts when it is started. */
  reconciler: Reconciler;
  callings: Callings;
  /** The same. */
  mergeQueue: MergeQueue;
  pullRequests: PullRequests;
  forecast: Forecast;
  problems: Problems;
  /** Something that callers see has changed. */
  onDidChange: Event<void>;
}

/** Makes the parts of a town and puts them together. Nothing is started, and no session adopted. */
export function composeTown({
  paths,
  store,
  settings,
  backends: known,
  contexts,
  specs,
  log,
  clock,
  ids,
  ...parts
}: TownParts): ComposedTown {
  knowAgents(known.map(({ variables }) => variables));
  const { root } = paths;
  const now = (): number => clock.now();
  const disposables = new DisposableStore();
  const changes = new Emitter<void>(parts.onListenerError);
  const changed = (): void => changes.fire();
  const townWorktrees = () => settings.value.worktrees;
  const rigs = disposables.add(new Rigs({ store, townRoot: root, now, log, townWorktrees }));
  disposables.add(settings.onDidChange(() => rigs.refresh()));
  const consents = new RigConsents({ store, rigs, backends: known, townRoot: root, now, log });
  disposables.add(rigs.onDidChangeSettings((name) => void consents.refresh(name)));
  const breakers = disposables.add(new Breakers({ store, now, log, backends: namesOf(known) }));
  disposables.add(clock.onAfterJump(() => breakers.due()));
  const core = composeCore({
    store,
    log,
    clock,
    ids,
    changed,
    onListenerError: parts.onListenerError,
    specOf: (...stored) => specs.specOf(...stored),
    specOfLeft: (...stored) => specs.specOfLeft(...stored),
    limits: () => messageLimits(settings.value.messages),
    requireTrust: () => {
      if (parts.trusted()) return;
      throw new GasTownError(
        'untrusted',
        'This workspace is not trusted, so nothing is started in it. Trust it first (Manage Workspace Trust).',
      );
    },
  });
  const { manager, registry, outbox, work } = core.parts;
  const drivers = parts.drivers(manager.runs, { paths, settings, breakers });
  for (const driver of drivers) {
    disposables.add(driver);
    const usual = known.find(({ name }) => name === driver.backend)?.program;
    manager.drivers.add(guarded(driver, breakers, (spec) => consents.mayStart(spec), usual));
  }
  const asks = disposables.add(new AskLog({ store, registry, manager, log }));
  const stages = new Stages(now, changed);
  const worktrees = new Worktrees({
    store,
    now,
    ids,
    log,
    onChange: changed,
    rebuildableIn: (rig) => [
      ...(settings.value.worktrees?.rebuildable ?? []),
      ...(rigs.names().includes(rig) ? (rigs.get(rig).settings.worktrees?.rebuildable ?? []) : []),
    ],
    baseOf: (rig) => rigs.baseOf(rig),
    setUps: new SetUps({ store, rigs, consents, paths, townWorktrees, stages, now, log }),
    stages,
    ownFilesIn: (path) => ownFilesIn({ settings, rigs, store, backends: known }, path),
  });
  const problems = new Problems();
  problems.add(() => settings.problems);
  problems.add(() => rigs.problems());
  problems.add(() => worktrees.problems());
  const startAfterOf = (rig: string): StartAfter =>
    startAfter(settings.value.work, rigs.names().includes(rig) ? rigs.get(rig).settings.work : undefined);
  const dependencies = new Dependencies({ store, work: core.parts.work, startAfter: startAfterOf });
  const batches = new Batches(store, core.parts.work, now, log);
  const name = basename(root);
  const forecasts = new ForecastBoard();
  const touched = disposables.add(store.touched.follow());
  const views = new TownViews(
    {
      ...{ store, registry, outbox, rigs, breakers, asks, stages, forecasts, now, log },
      startAfter: startAfterOf,
      backends: namesOf(known),
    },
    (kind, id) => touched.add(kind, id),
  );
  const builder = new SnapshotBuilder({
    ...{ root, name, store, registry, views, touched, rigs, worktrees, stages, forecasts, now },
    problems: () => problems.list(),
  });
  disposables.add(registry.onDidChange(({ session }) => touched.add('session', session.id)));
  for (const source of [breakers, settings, rigs]) disposables.add(source.onDidChange(() => builder.touchAll()));
  disposables.add(manager.events.onDidEndTurn(({ session }) => views.setUnseen(session.id, true)));
  const agents = new AgentSelection({ settings, rigs, backends: known, breakers, consents, work, log });
  const town: Town = {
    ...core.parts,
    paths,
    settings,
    rigs,
    worktrees,
    escalations: new Escalations(store, now, log, ids),
    merges: new MergeService(store, now, log),
    dependencies,
    batches,
    agents,
    orchestrators: orchestratorsOf(
      core.parts,
      drivers.map(({ backend }) => backend),
      {
        resolve: (backend, config) =>
          resolveAgent(
            {
              role: config.role,
              workerName: config.agentName,
              town: settings.value,
              explicitBackend: backend,
              ...(rigs.names().includes(config.rig) ? { rigSettings: rigs.get(config.rig).settings } : {}),
              ...(config.agent === undefined ? {} : { explicitAgent: config.agent }),
            },
            known,
          ),
        of: (backend) => agents.configured(backend),
      },
    ),
    log,
  };
  const pullRequests = disposables.add(new PullRequests(town));
  const api: ApiParts = {
    ...town,
    pullRequests,
    name,
    backends: known,
    breakers,
    consents,
    endings: disposables.add(new SessionEndings(town, changed)),
    asks,
    contexts,
    views,
    builder,
    forecasts,
    files: disposables.add(new CommitFiles()),
    identityOf: (session, run) => specs.identityOf(session, run),
    changed,
  };
  disposables.add(followRounds(town));
  disposables.add(followDependencies(town));
  disposables.add(tellSlingers(town));
  const reconciler = disposables.add(reconcileTown(town));
  const forecast = disposables.add(new Forecast(town, forecasts, changed));
  const mergeQueue = disposables.add(new MergeQueue(town, consents));
  const callings = disposables.add(new Callings(town, breakers));
  disposables.add(followBatches(town, reconciler));
  for (const source of [
    registry,
    work,
    town.merges,
    batches,
    town.escalations,
    rigs,
    settings,
    store.backlog,
    breakers,
  ]) {
    disposables.add(source.onDidChange(changed));
  }
  // The newest, so the first to go: it takes no more reports before the drivers let go, and what they give up on is no end.
  disposables.add(core);
  return {
    town: api,
    reconciler,
    callings,
    mergeQueue,
    pullRequests,
    forecast,
    problems,
    onDidChange: changes.event,
    dispose: () => disposables.dispose(),
  };
}

/** The drivers of these backends: their code is loaded now, and only where a town is hosted. */
export async function makeDrivers(
  options: Pick<TownHostOptions, 'terminals' | 'environment' | 'node' | 'files' | 'leaseMs'>,
  known: Backends,
): Promise<TownParts['drivers']> {
  const makers = await Promise.all(
    known.map(async (backend) => ({ backend, createDriver: await backend.loadDriver() })),
  );
  return (host, { paths, settings, breakers }) =>
    makers.map(({ backend, createDriver }) =>
      createDriver(host, {
        terminals: options.terminals,
        environment: options.environment,
        node: options.node,
        reporter: join(options.files.reporters, backend.reporter),
        runtimeDir: paths.runtime,
        socket: paths.socket,
        hostFile: paths.hostFile,
        patienceMs: () => troublePolicy(settings.value.backend_trouble).patienceMs,
        maxRepeats: () => troublePolicy(settings.value.backend_trouble).maxRepeats,
        onServerLost: (reason) => breakers.take({ backend: backend.name }, { kind: 'failed', reason }),
        ...(options.leaseMs === undefined ? {} : { leaseMs: options.leaseMs }),
      }),
    );
}
