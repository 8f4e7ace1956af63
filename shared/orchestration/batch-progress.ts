import { batchOutcome, batchProgress, stuckStates } from '../domain/batch.ts';
import type { BatchOutcome } from '../domain/batch.ts';
import { dependencyState } from '../domain/dependency.ts';
import { existsOnce } from '../domain/names.ts';
import { hasEnded } from '../domain/session-state.ts';
import { DisposableStore } from '../platform/disposable-store.ts';
import type { Disposable, Event } from '../platform/emitter.ts';
import type { StoredBatch } from '../store/batches.ts';
import type { Town } from './town.ts';

type Parts = Pick<Town, 'store' | 'work' | 'merges' | 'batches' | 'dependencies' | 'outbox' | 'registry'>;

/** Who asks the rules. `onDidLook` tells when they have been asked, with the units about which something is being done. */
interface Rules {
  onDidLook: Event<ReadonlySet<string>>;
  schedule(): void;
}

/**
 * Tells whoever has started a batch once when it is finished, and once when it is stuck. A unit that has just failed may be
 * tried again by the rules, so a batch is judged when they have been asked.
 */
export function followBatches(town: Parts, rules: Rules): Disposable {
  const disposables = new DisposableStore();
  const { store, work, merges, batches } = town;
  // At first all that may have come to an end when the last host went.
  const changed = new Set(store.batches.recent(Number.MAX_SAFE_INTEGER).map(({ id }) => id));
  const note = (id: string): void => {
    for (const each of withDependants(town, id)) {
      const batch = work.find(each)?.batch;
      if (batch !== undefined) changed.add(batch);
    }
    if (changed.size > 0) rules.schedule();
  };
  disposables.add(work.onDidChange(({ id }) => note(id)));
  disposables.add(merges.onDidChange(({ workId }) => note(workId)));
  disposables.add(
    batches.onDidChange((id) => {
      changed.add(id);
      rules.schedule();
    }),
  );
  disposables.add(
    rules.onDidLook((inHand) => {
      for (const id of changed) {
        if (store.batches.units(id).some((unit) => inHand.has(unit.id))) continue;
        changed.delete(id);
        store.backlog.keep(() => judge(town, id));
      }
    }),
  );
  return disposables;
}

/** The unit, and those that wait for it, directly or not. */
function withDependants({ store }: Parts, id: string): Set<string> {
  const found = new Set([id]);
  for (const each of found) for (const dependant of store.dependencies.dependants(each)) found.add(dependant);
  return found;
}

function judge(town: Parts, id: string): void {
  const { store, batches } = town;
  const batch = store.batches.get(id);
  const units = store.batches.units(id);
  if (!batch || units.length === 0) return;
  const outcome = batchOutcome(units, (unit) => isBlocked(town, unit));
  store.transaction(() => {
    if (batches.setOutcome(batch, outcome) && outcome !== undefined) tellStarter(town, batch, outcome);
  });
}

/** It waits for what will not come by itself. */
function isBlocked(town: Parts, id: string, seen = new Set<string>()): boolean {
  const unit = town.work.find(id);
  if (!unit || seen.has(id)) return false;
  seen.add(id);
  return town.dependencies
    .unmet(unit)
    .some(
      ({ after, state, ...rest }) =>
        stuckStates.includes(state) ||
        dependencyState({ after, state, ...rest }, 'merged') === 'gone' ||
        ((state === 'queued' || state === 'open') && isBlocked(town, after, seen)),
    );
}

/** By a message of one id for each outcome, so that it is told once. The user is told by their window. */
function tellStarter(town: Parts, { id, title, startedBy }: StoredBatch, outcome: BatchOutcome): void {
  const { store, registry, outbox } = town;
  const starter = registry.find(startedBy);
  if (!existsOnce(startedBy) && (!starter || hasEnded(starter))) return;
  const at = store.batches.get(id)?.outcomeAt ?? 0;
  const units = store.batches.units(id);
  const { done, total } = batchProgress(units);
  const head =
    outcome === 'finished'
      ? `${id} is finished: ${done} of ${total} units are done.`
      : `${id} is stuck: ${done} of ${total} units are done, and nothing of the rest goes on without somebody.`;
  const lines = units.map(
    (unit) => `${unit.id}: ${unit.merge === 'merged' ? 'merged' : unit.state}${whyOf(town, unit.id)}`,
  );
  const body = [head, title, ...lines, `More: gt batch show ${id}`].join('\n');
  outbox.accept({ id: `${id}_${outcome}_${at}`, from: 'host', to: startedBy, kind: 'nudge', body });
}

function whyOf({ work, dependencies }: Parts, id: string): string {
  const unit = work.find(id);
  if (!unit || unit.state === 'done') return '';
  const waits = dependencies.text(unit);
  if (waits !== '') return ` (waits for ${waits})`;
  return unit.note === undefined ? '' : ` (${unit.note.replace(/\s+/g, ' ')})`;
}
