import { existsSync } from 'node:fs';
import type { ApiContext } from '../api/context.ts';
import { followAllowList } from '../attention/auto-answer.ts';
import { Overdue } from '../attention/escalate-waits.ts';
import { archivePolicy } from '../config/archive-settings.ts';
import { defaultEscalateAfter } from '../config/attention-settings.ts';
import { troublePolicy } from '../config/provider-failure-settings.ts';
import { SettingsFile } from '../config/settings-file.ts';
import { settingsPath } from '../config/settings-path.ts';
import { townPaths } from '../config/town-paths.ts';
import { defaultTownSettings, townSettings } from '../config/town-settings.ts';
import type { TownSettings } from '../config/town-settings.ts';
import { ownedStates } from '../domain/work-state.ts';
import { EscalationNotices } from '../orchestration/escalation-notices.ts';
import { failOver } from '../orchestration/failover.ts';
import { DisposableStore } from '../platform/disposable-store.ts';
import { Emitter } from '../platform/emitter.ts';
import type { Event } from '../platform/emitter.ts';
import type { ShowRequest } from '../channel/protocol.ts';
import { messageOf } from '../platform/errors.ts';
import { worktreesFolder } from '../platform/git/worktree-places.ts';
import { randomIds } from '../platform/ids.ts';
import { awakeTime, TownClock } from '../platform/town-clock.ts';
import { TurnFailureHandler } from '../reconcile/turn-failures.ts';
import { SessionContexts } from '../sessions/role-context.ts';
import { RunSpecs } from '../sessions/run-spec.ts';
import { StoreCopies } from '../store/copies.ts';
import { openStore } from '../store/open-store.ts';
import type { Callings } from '../reconcile/callings.ts';
import type { Forecast } from '../merge/forecast.ts';
import type { MergeQueue } from '../merge/merge-queue.ts';
import type { PullRequests } from '../merge/pull-requests.ts';
import type { Reconciler } from '../reconcile/reconciler.ts';
import { Adoption } from './adoption.ts';
import { TownArchive } from './archive.ts';
import { Calls } from './calls.ts';
import { backends } from './backends.ts';
import { composeTown, makeDrivers } from './composition.ts';
import { HostEnd } from './host-end.ts';
import type { HostLock } from './host-lock.ts';
import type { TownHostOptions } from './host-options.ts';
import { callBack } from './lifecycle-callbacks.ts';
import { Means } from './means.ts';
import type { Phases } from './phases.ts';
import { lookAtRemoval, removeOutside } from './removal.ts';
import { ignoreFileIn, makeRuntime } from './runtime-folder.ts';
import { SnapshotFeed } from './snapshot-feed.ts';
import { Spool } from './spool.ts';
import { storeProblems } from './store-problems.ts';

/** A town's parts, and what its host adds to them. */
export interface HostParts {
  town: ApiContext;
  reconciler: Reconciler;
  callings: Callings;
  mergeQueue: MergeQueue;
  pullRequests: PullRequests;
  forecast: Forecast;
  copies: StoreCopies;
  archive: TownArchive;
  means: Means;
  feed: SnapshotFeed;
  spool: Spool;
  notices: EscalationNotices;
  adoption: Adoption;
  calls: Calls;
  end: HostEnd;
  /** The user's, for the host file. */
  token: string;
  /** What was wrong with the database when the town was opened. */
  damage: { found: string | undefined };
  /** Somebody wants to see something in a window of the editor. */
  onDidAskToShow: Event<ShowRequest>;
}

/** A clock of the caller's own is the only one then. */
function clockOf({ now, log }: TownHostOptions): TownClock {
  const sources = now === undefined ? { wall: Date.now, awake: awakeTime() } : { wall: now };
  const clock = new TownClock(sources, (error) => log.error(`a listener failed: ${messageOf(error)}`));
  clock.start();
  return clock;
}

/** Makes the parts. The store is open then, and changes are listened to; nothing acts by itself, and no session is adopted. */
export async function makeHostParts(options: TownHostOptions, lock: HostLock, phases: Phases): Promise<HostParts> {
  const { root, log, environment, files } = options;
  const clock = await phases.begin('clock', () => clockOf(options));
  const now = (): number => clock.now();
  const places = townPaths(root);

  await phases.begin('runtime folder', () => makeRuntime(places.runtime));
  const settings = await phases.begin('settings', () =>
    SettingsFile.open<TownSettings>({
      file: settingsPath(root),
      schema: townSettings,
      defaults: defaultTownSettings,
      required: true,
      log,
    }),
  );
  const usual = worktreesFolder(root, environment);
  const { store, finding } = await phases.begin('store', () => {
    const opened = openStore({
      file: places.database,
      copy: places.databaseCopy,
      wasUsed: () => [places.runs, places.sessions, places.formerWorktrees, usual].some((folder) => existsSync(folder)),
      crashed: existsSync(places.hostFile),
      now,
      report: (message) => log.error(message),
    });
    return { ...opened, dispose: () => opened.store.close() };
  });
  // Once chosen it stays, whatever the environment of the next host says.
  const paths = { ...places, worktrees: store.remember(`worktrees:${root}`, () => usual) };
  const copies = await phases.begin(
    'copies',
    () => new StoreCopies({ store, file: paths.databaseCopy, now: () => clock.awake(), log }),
  );

  const end = new HostEnd({ phases, lock, paths, log });
  const contexts = new SessionContexts({ paths, promptsDir: files.prompts, store });
  const known = options.backends ?? backends;
  const asksForIdentity = (backend: string): boolean =>
    known.some(({ name, identityFile }) => name === backend && identityFile);
  const portOf = (folder: string): number | undefined => store.ports.of(folder);
  const specs = new RunSpecs({ root, paths, contexts, environment, asksForIdentity, portOf, log });
  const drivers = await makeDrivers(options, known);
  const composed = await phases.begin('parts', () =>
    composeTown({
      paths,
      store,
      settings,
      backends: known,
      drivers,
      contexts,
      specs: {
        specOf: async (...stored) => {
          end.requireStaying();
          return specs.specOf(...stored);
        },
        specOfLeft: (...stored) => specs.specOfLeft(...stored),
        identityOf: (...stored) => specs.identityOf(...stored),
      },
      log,
      clock,
      ids: randomIds,
      trusted: options.trusted,
      onListenerError: (error) => log.error(`a listener failed: ${messageOf(error)}`),
    }),
  );
  const { reconciler, callings, mergeQueue, pullRequests, forecast, problems } = composed;
  const disposables = await phases.begin('followers', () => new DisposableStore());
  const means = disposables.add(new Means({ town: composed.town, lock, onLost: (reason) => end.lose(reason) }));
  const feed = disposables.add(new SnapshotFeed(composed.town.builder, log));
  disposables.add(composed.onDidChange(() => feed.changed()));
  const troubles = disposables.add(
    new TurnFailureHandler({
      town: composed.town,
      policy: () => troublePolicy(settings.value.backend_trouble),
      alternatives: (session) => composed.town.agents.alternativesFor(session),
      failOver: (session, agent, reason) => failOver(composed.town, session, agent, reason),
    }),
  );
  const spool = disposables.add(new Spool(composed.town));
  const adoption = new Adoption({ manager: composed.town.manager, spool, troubles });
  const shows = new Emitter<ShowRequest>((error) => log.error(`a listener failed: ${messageOf(error)}`));
  const town: ApiContext = {
    ...composed.town,
    show: (what) => shows.fire(what),
    snapshot: () => feed.latest,
    removal: {
      look: () => lookAtRemoval(composed.town, environment),
      remove: () =>
        end.remove(async () => {
          reconciler.dispose();
          means.dispose();
          await Promise.all([mergeQueue.dispose(), pullRequests.dispose(), forecast.dispose()]);
          await adoption.done;
          return removeOutside(composed.town, environment);
        }),
    },
  };
  const notices = disposables.add(new EscalationNotices(town, environment, town.changed));
  const { asks, escalations } = town;
  disposables.add(
    followAllowList({
      asks,
      log,
      platform: process.platform,
      patterns: (role) => settings.value.attention?.allow?.[role] ?? [],
    }),
  );
  const minutes = (): number => settings.value.attention?.escalate_after_minutes ?? defaultEscalateAfter;
  const overdue = disposables.add(new Overdue({ asks, escalations, store, minutes, clock }));
  disposables.add(settings.onDidChange(() => overdue.review()));
  disposables.add(callBack(town, options.callbacks ?? {}));
  disposables.add(
    town.work.onDidChange(({ state }) => {
      if (!ownedStates.includes(state)) copies.changed();
    }),
  );
  disposables.add(
    town.registry.onDidChange(({ kind }) => {
      if (kind !== 'changed') copies.changed();
    }),
  );
  const archive = new TownArchive({
    store,
    folder: paths.archive,
    policy: () => archivePolicy(settings.value.archive),
    now,
    log,
    onChange: town.changed,
  });
  const damage = { found: finding };
  problems.add(() =>
    notices.problem === undefined
      ? []
      : [{ kind: 'escalation-command', file: settings.file, message: notices.problem, severity: 'warning' }],
  );
  problems.add(() =>
    storeProblems(town, [
      ['means', means.problem],
      ['store', damage.found],
      ['spool', spool.problem],
      ['archive', archive.problem],
    ]),
  );
  const token = store.remember('person-token', randomIds.newToken);
  const calls = new Calls({ town, end, lock, means, token });
  means.add(ignoreFileIn(paths.runtime), () => makeRuntime(paths.runtime));
  return {
    town,
    reconciler,
    callings,
    mergeQueue,
    pullRequests,
    forecast,
    copies,
    archive,
    means,
    feed,
    spool,
    notices,
    adoption,
    calls,
    end,
    token,
    damage,
    onDidAskToShow: shows.event,
  };
}
