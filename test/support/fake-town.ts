import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MethodName, Params, Results } from '../../shared/channel/protocol.ts';
import { SettingsFile } from '../../shared/config/settings-file.ts';
import { defaultTownSettings, townSettings } from '../../shared/config/town-settings.ts';
import type { TownSettings } from '../../shared/config/town-settings.ts';
import type { FailurePolicySettings } from '../../shared/config/failure-policy.ts';
import { randomIds } from '../../shared/platform/ids.ts';
import { silentLogger } from '../../shared/platform/logger.ts';
import { TownClock } from '../../shared/platform/town-clock.ts';
import type { ClockSources } from '../../shared/platform/town-clock.ts';
import { carryOut } from '../../shared/api/dispatch.ts';
import { Store } from '../../shared/store/store.ts';
import { SessionContexts } from '../../shared/sessions/role-context.ts';
import type { ApiContext } from '../../shared/api/context.ts';
import { townPaths } from '../../shared/config/town-paths.ts';
import { backends } from '../../shared/host/backends.ts';
import { composeTown } from '../../shared/host/composition.ts';
import { lookAtRemoval, removeOutside } from '../../shared/host/removal.ts';
import { fakeSpec, makeClock, makeRepository, rethrow, temporaryFolder } from './core.ts';
import { FakeDriver } from './fake-driver.ts';
import { booksOf, eventsOf } from './questions.ts';

function detailIn(text: string): { action: string; work?: string } {
  return JSON.parse(text) as { action: string; work?: string };
}

/** What was kept and renewed piece by piece is what everybody would see who looked at all of it. Throws where it is not. */
function requireWholeSnapshot({ store, builder }: Pick<ApiContext, 'store' | 'builder'>): void {
  if (!store.isOpen || store.backlog.trouble) return;
  const { revision: _before, ...kept } = builder.build();
  builder.touchAll();
  const { revision: _after, ...whole } = builder.build();
  assert.deepStrictEqual(kept, whole);
}

/** A town with one rig (`alpha`), its reconciler, and the fake driver: everything but agents. */
export type FakeTown = Awaited<ReturnType<typeof makeFakeTown>>;

/** `seed`: leaves what earlier hosts would have left in the database. `time`: another clock than the town's own. */
export async function makeFakeTown(
  policy: FailurePolicySettings = {},
  seed: (database: string) => void = () => undefined,
  time: Partial<ClockSources> = {},
) {
  const folder = temporaryFolder('fake-town');
  const root = join(folder.path, 'town');
  mkdirSync(join(root, 'settings'), { recursive: true });
  const file = join(root, 'settings', 'config.json');
  writeFileSync(
    file,
    JSON.stringify({ type: 'town-settings', version: 1, default_agent: 'opencode', failure_policy: policy }),
  );
  const paths = { ...townPaths(root), worktrees: join(folder.path, 'data', 'gastown', 'worktrees', 'town') };
  const { now, advance } = makeClock();
  const clock = new TownClock({ wall: now, ...time }, rethrow);
  seed(paths.database);
  const store = new Store(paths.database);
  const settings = await SettingsFile.open<TownSettings>({
    file,
    schema: townSettings,
    defaults: defaultTownSettings,
    required: true,
    log: silentLogger,
  });
  const contexts = new SessionContexts({ paths, promptsDir: root, store });
  let driver!: FakeDriver;
  const composed = composeTown({
    paths,
    store,
    settings,
    backends,
    contexts,
    clock,
    ids: randomIds,
    log: silentLogger,
    trusted: () => true,
    onListenerError: rethrow,
    specs: { specOf: fakeSpec, specOfLeft: fakeSpec, identityOf: () => ({}) },
    drivers: (host) => {
      driver = new FakeDriver(host);
      return [driver];
    },
  });
  const { reconciler, mergeQueue, pullRequests, forecast } = composed;
  const { registry, manager, rigs, builder } = composed.town;
  const rig = makeRepository(join(folder.path, 'alpha'));
  await rigs.add(rig, 'alpha');
  const town: ApiContext = {
    ...composed.town,
    show: () => undefined,
    snapshot: () => builder.build(),
    removal: { look: () => lookAtRemoval(composed.town, {}), remove: () => removeOutside(composed.town, {}) },
  };
  reconciler.start();
  mergeQueue.start();
  pullRequests.start();
  forecast.start();
  /** What the rules decide and can be done at once is done. */
  const settled = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  return {
    ...town,
    driver,
    root,
    rig,
    reconciler,
    mergeQueue,
    problems: composed.problems,
    settled,
    /** Asks for an operation: as the user, or as the session of that id. */
    request<M extends MethodName>(method: M, params: Params<M>, by?: string): Promise<Results[M]> {
      const caller =
        by === undefined
          ? { kind: 'person' as const }
          : { kind: 'session' as const, session: by, runId: registry.get(by).runId };
      return carryOut(town, caller, method, params, new AbortController().signal) as Promise<Results[M]>;
    },
    /** Lets the town's time pass, and what is due be done. */
    async pass(ms: number): Promise<void> {
      advance(ms);
      reconciler.schedule();
      await settled();
    },
    /** `lostWith`: with others, as its server went. */
    die(id: string, cause = 'it was killed', lostWith?: string): void {
      manager.report(
        registry.get(id).runId,
        'program',
        { kind: 'ended', error: cause, ...(lostWith === undefined ? {} : { lostWith }) },
        cause,
      );
    },
    /** Its program went while no host was there. */
    vanish(id: string): void {
      manager.report(
        registry.get(id).runId,
        'host',
        { kind: 'ended', unseen: true },
        'it ended while no host was there',
      );
    },
    idle(id: string): void {
      manager.report(registry.get(id).runId, 'program', { kind: 'idle' }, 'idle');
    },
    busy(id: string): void {
      manager.report(registry.get(id).runId, 'program', { kind: 'busy' }, 'busy');
    },
    /** What the reconciler did, in words. */
    deeds(id?: string): string[] {
      return eventsOf(booksOf(paths.database))
        .filter(({ type }) => type.startsWith('reconciler.'))
        .map(({ type, session, detail }) => ({ rule: type.replace('reconciler.', ''), session, ...detailIn(detail) }))
        .filter(({ session, work }) => id === undefined || session === id || work === id)
        .map(({ rule, action }) => `${rule}: ${action}`);
    },
    close(): void {
      requireWholeSnapshot(composed.town);
      void composed.dispose();
      rigs.dispose();
      settings.dispose();
      store.close();
      folder.remove();
    },
  };
}
