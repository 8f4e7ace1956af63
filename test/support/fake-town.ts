import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { AskLog } from '../../shared/attention/ask-log.ts';
import { Breakers } from '../../shared/backends/breakers.ts';
import type { MethodName, Params, Results } from '../../shared/channel/protocol.ts';
import { SettingsFile } from '../../shared/config/settings-file.ts';
import { defaultTownSettings, townSettings } from '../../shared/config/town-settings.ts';
import type { TownSettings } from '../../shared/config/town-settings.ts';
import type { FailurePolicySettings } from '../../shared/config/failure-policy.ts';
import { silentLogger } from '../../shared/process/logger.ts';
import { carryOut } from '../../shared/town/api.ts';
import { SessionContexts } from '../../shared/town/context.ts';
import { cleanUpAfter } from '../../shared/town/cleanup.ts';
import { reconcileTown } from '../../shared/town/reconciling.ts';
import type { TownParts } from '../../shared/town/parts.ts';
import { townPaths } from '../../shared/town/paths.ts';
import { lookAtRemoval, removeOutside } from '../../shared/town/removal.ts';
import { RigConsents } from '../../shared/town/rig-consents.ts';
import { Rigs } from '../../shared/town/rigs.ts';
import { ownFilesIn } from '../../shared/town/own-files.ts';
import { Worktrees } from '../../shared/town/worktrees.ts';
import { SnapshotBuilder } from '../../shared/town/snapshot-builder.ts';
import { Escalations } from '../../shared/work/escalations.ts';
import { makeCore, makeRepository, temporaryFolder } from './core.ts';

function detailIn(text: unknown): { action: string; work?: string } {
  return JSON.parse(String(text)) as { action: string; work?: string };
}

/** A town with one rig (`alpha`), its reconciler, and the fake driver: everything but agents. */
export type FakeTown = Awaited<ReturnType<typeof makeFakeTown>>;

export async function makeFakeTown(policy: FailurePolicySettings = {}) {
  const folder = temporaryFolder('fake-town');
  const root = join(folder.path, 'town');
  mkdirSync(join(root, 'settings'), { recursive: true });
  const file = join(root, 'settings', 'config.json');
  writeFileSync(
    file,
    JSON.stringify({ type: 'town-settings', version: 1, default_agent: 'opencode', failure_policy: policy }),
  );
  const paths = { ...townPaths(root), worktrees: join(folder.path, 'data', 'gastown', 'worktrees', 'town') };
  const core = makeCore(paths.database);
  const { store, registry, outbox, manager } = core;
  const now = (): number => manager.now();
  const settings = await SettingsFile.open<TownSettings>({
    file,
    schema: townSettings,
    defaults: defaultTownSettings,
    required: true,
    log: silentLogger,
  });
  const rigs = new Rigs({ store, townRoot: root, now, log: silentLogger, onChange: () => undefined });
  const consents = new RigConsents({ store, rigs, townRoot: root, now, log: silentLogger });
  rigs.onSettings = (name) => void consents.refresh(name);
  const rig = makeRepository(join(folder.path, 'alpha'));
  await rigs.add(rig, 'alpha');
  const asks = new AskLog({ store, registry, manager, log: silentLogger });
  const breakers = new Breakers({ store, now, log: silentLogger });
  const worktrees = new Worktrees({
    ...{ store, now, log: silentLogger, onChange: () => undefined },
    rebuildableIn: () => settings.value.worktrees?.rebuildable ?? [],
    ownFilesIn: (path) => ownFilesIn({ settings, rigs, store }, path),
  });
  const builder = new SnapshotBuilder({
    root,
    name: 'town',
    store,
    registry,
    outbox,
    rigs,
    breakers,
    asks,
    worktrees,
    problems: () => worktrees.problems(),
  });
  const town: TownParts = {
    ...core,
    asks,
    breakers,
    worktrees,
    name: 'town',
    paths,
    settings,
    rigs,
    consents,
    escalations: new Escalations(store, now, silentLogger),
    contexts: new SessionContexts({ paths, promptsDir: root, store }),
    builder,
    namesInHand: new Set(),
    endings: new Map(),
    opencode: { serverOf: () => undefined, runOf: () => undefined, fromPlugin: async () => undefined },
    identityOf: () => ({}),
    removal: { look: () => lookAtRemoval(town, {}), remove: () => removeOutside(town, {}) },
    lastFailure: () => undefined,
    log: silentLogger,
    snapshot: () => builder.build(),
    changed: () => undefined,
    requireTrust: () => undefined,
  };
  cleanUpAfter(town);
  const reconciler = reconcileTown(town);
  reconciler.start();
  /** What the rules decide and can be done at once is done. */
  const settled = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  return {
    ...town,
    driver: core.driver,
    manager,
    root,
    rig,
    reconciler,
    settled,
    /** Asks for an operation: as the person, or as the session of that id. */
    request<M extends MethodName>(method: M, params: Params<M>, by?: string): Promise<Results[M]> {
      const caller =
        by === undefined
          ? { kind: 'person' as const }
          : { kind: 'session' as const, session: by, runId: registry.get(by).runId };
      return carryOut(town, caller, method, params, new AbortController().signal) as Promise<Results[M]>;
    },
    /** Lets the town's time pass, and what is due be done. */
    async pass(ms: number): Promise<void> {
      core.advance(ms);
      reconciler.schedule();
      await settled();
    },
    die(id: string, cause = 'it was killed'): void {
      manager.report(registry.get(id).runId, 'program', { kind: 'ended', error: cause }, cause);
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
      const db = new DatabaseSync(paths.database, { readOnly: true });
      const rows = db.prepare("SELECT * FROM events WHERE type LIKE 'reconciler.%' ORDER BY seq").all();
      db.close();
      return rows
        .map((row) => ({
          rule: String(row['type']).replace('reconciler.', ''),
          session: row['session_id'],
          ...detailIn(row['detail']),
        }))
        .filter(({ session, work }) => id === undefined || session === id || work === id)
        .map(({ rule, action }) => `${rule}: ${action}`);
    },
    close(): void {
      reconciler.dispose();
      outbox.dispose();
      asks.dispose();
      manager.dispose();
      settings.dispose();
      rigs.dispose();
      store.close();
      folder.remove();
    },
  };
}
