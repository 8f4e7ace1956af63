import { dependencyState } from '../domain/dependency.ts';
import { DisposableStore } from '../platform/disposable-store.ts';
import type { Disposable } from '../platform/emitter.ts';
import { GasTownError } from '../platform/errors.ts';
import type { StoredWork } from '../store/work.ts';
import type { Town } from './town.ts';

type Parts = Pick<Town, 'store' | 'work' | 'merges' | 'dependencies' | 'escalations' | 'rigs' | 'settings'>;

/** Throws `waits` where the unit is not to begin yet. */
export function requireNothingToWaitFor({ work, dependencies }: Parts, id: string): void {
  const unit = work.find(id);
  const waits = unit === undefined ? '' : dependencies.text(unit);
  if (waits === '') return;
  throw new GasTownError(
    'waits',
    `${id} waits for ${waits}, so it is not begun yet. Begin it all the same with: gt sling ${id} <rig> --now.`,
  );
}

/** Somebody wants it begun whatever it waits for: that is forgotten. */
export function waitNoMore({ work, dependencies }: Parts, id: string, by: string): void {
  const unit = work.find(id);
  const unmet = unit === undefined ? [] : dependencies.unmet(unit).map(({ after }) => after);
  if (unmet.length > 0) dependencies.remove(id, unmet, by);
}

/**
 * Queued units that wait for others begin when the last of those is over. Looks at the units that wait for what has
 * changed, and at no others.
 */
export function followDependencies(town: Parts): Disposable {
  const disposables = new DisposableStore();
  const { store } = town;
  const lookAt = (id: string): void => look(town, id);
  const lookAtDependants = (id: string): void => {
    for (const dependant of store.dependencies.dependants(id)) lookAt(dependant);
  };
  /** Other settings may let them begin; those of a rig come also when the town is opened, after whatever happened before. */
  const lookAtAll = (rig?: string): void => {
    for (const unit of store.work.unfinished())
      if (unit.dispatch?.waits && (rig === undefined || unit.rig === rig)) lookAt(unit.id);
  };
  disposables.add(
    town.work.onDidChange(({ id, state, dispatch }) =>
      store.backlog.keep(() => {
        if (state === 'queued' && dispatch?.waits) lookAt(id);
        lookAtDependants(id);
      }),
    ),
  );
  disposables.add(town.merges.onDidChange(({ workId }) => store.backlog.keep(() => lookAtDependants(workId))));
  disposables.add(town.settings.onDidChange(() => store.backlog.keep(() => lookAtAll())));
  disposables.add(town.rigs.onDidChangeSettings((rig) => store.backlog.keep(() => lookAtAll(rig))));
  return disposables;
}

function look(town: Parts, id: string): void {
  const unit = town.work.find(id);
  if (unit?.state !== 'queued' || !unit.dispatch?.waits) return;
  const unmet = town.dependencies.unmet(unit);
  if (unmet.length === 0) {
    const { waits: _waits, ...dispatch } = unit.dispatch;
    town.work.move(unit, 'queued', { by: 'host', note: 'what it waited for is over' }, { dispatch });
    return;
  }
  const note = noteOf(town, unit);
  if (unit.note !== note) town.work.move(unit, 'queued', { by: 'host', note });
  for (const { after } of gone(town, unit)) {
    town.escalations.raise({
      severity: 'medium',
      message: `${id} ${note}. Begin it without that (gt work depend ${id} --remove --on ${after}), or cancel it (gt work cancel ${id}).`,
      by: 'host',
      workId: id,
      key: { kind: 'blocked', subject: id, run: after },
    });
  }
}

/** Keeps a queued unit until what it waits for is over. */
export function keepWaiting(town: Parts, unit: StoredWork): StoredWork {
  const dispatch = { ...unit.dispatch, waits: true as const };
  return town.work.move(unit, 'queued', { by: 'host', note: noteOf(town, unit) }, { notBefore: null, dispatch });
}

/** What of the unit's dependencies was cancelled or discarded. */
export function gone({ dependencies }: Pick<Parts, 'dependencies'>, unit: StoredWork) {
  return dependencies.unmet(unit).filter((each) => dependencyState(each, 'merged') === 'gone');
}

function noteOf(town: Parts, unit: StoredWork): string {
  const waits = town.dependencies.text(unit);
  return gone(town, unit).length === 0 ? `waits for ${waits}` : `is blocked: it waits for ${waits}`;
}
