import { cycleThrough, dependencyState, waitText } from '../domain/dependency.ts';
import type { Dependency, StartAfter } from '../domain/dependency.ts';
import { ownedStates } from '../domain/work-state.ts';
import { GasTownError } from '../platform/errors.ts';
import type { Store } from '../store/store.ts';
import type { StoredWork } from '../store/work.ts';
import type { WorkService } from './service.ts';

export interface DependencyParts {
  store: Store;
  work: WorkService;
  /** When a unit of this rig starts after others. */
  startAfter: (rig: string) => StartAfter;
}

/** Which units wait for which, and for how long. Every change has an entry in the history of the unit that waits. */
export class Dependencies {
  private readonly parts: DependencyParts;

  constructor(parts: DependencyParts) {
    this.parts = parts;
  }

  /** What the unit waits for now: what of it is over is left out. */
  unmet({ id, rig }: Pick<StoredWork, 'id' | 'rig'>): Dependency[] {
    const { store, startAfter } = this.parts;
    return store.dependencies.of(id).filter((each) => dependencyState(each, startAfter(rig)) !== 'over');
  }

  /** For people: `task-1 and task-2 (which was cancelled)`; empty where it waits for nothing. */
  text(unit: Pick<StoredWork, 'id' | 'rig'>): string {
    return waitText(this.unmet(unit), this.parts.startAfter(unit.rig));
  }

  /**
   * Lets a unit wait for others. Those that it waits for already change nothing. Rejects with `unknown-work`, with
   * `bad-input` where it would wait for itself, naming the whole way, and with `refused` for one that is begun.
   */
  add(id: string, on: readonly string[], by: string): StoredWork {
    const { store, work } = this.parts;
    const unit = work.get(id);
    const known = new Set(store.dependencies.of(id).map(({ after }) => after));
    const added = [...new Set(on)].filter((each) => !known.has(each));
    if (added.length === 0) return unit;
    if (unit.state === 'done' || unit.state === 'cancelled')
      throw new GasTownError('refused', `${id} is ${unit.state}, so it waits for nothing any more.`);
    if (ownedStates.includes(unit.state)) {
      throw new GasTownError(
        'refused',
        `${id} is ${unit.state}: ${unit.owner ?? 'a session'} has it, so it does not wait any more. Take it back first: gt work requeue ${id}.`,
      );
    }
    return store.transaction(() => {
      for (const each of added) {
        work.get(each);
        const cycle = cycleThrough(id, each, (next) => store.dependencies.of(next).map(({ after }) => after));
        if (cycle)
          throw new GasTownError(
            'bad-input',
            `${id} cannot wait for ${each}: it would wait for itself (${cycle.join(' -> ')}). Nothing was changed.`,
          );
        store.dependencies.add(id, each);
      }
      return work.note(unit, { by, note: `waits for ${added.join(', ')}` });
    });
  }

  /** Rejects with `bad-input` where it does not wait for one of them. */
  remove(id: string, on: readonly string[], by: string): StoredWork {
    const { store, work } = this.parts;
    const unit = work.get(id);
    const known = store.dependencies.of(id).map(({ after }) => after);
    const unknown = on.find((each) => !known.includes(each));
    if (unknown !== undefined) {
      const all = known.length === 0 ? 'It waits for nothing.' : `It waits for ${known.join(', ')}.`;
      throw new GasTownError('bad-input', `${id} does not wait for ${unknown}. ${all} Nothing was changed.`);
    }
    if (on.length === 0) return unit;
    return store.transaction(() => {
      for (const each of on) store.dependencies.remove(id, each);
      return work.note(unit, { by, note: `does not wait for ${on.join(', ')} any more` });
    });
  }
}
