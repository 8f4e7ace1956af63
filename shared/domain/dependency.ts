import type { MergeState } from './merge.ts';
import type { WorkState } from './work-state.ts';

/** When a unit is over for those that wait for it. */
export type StartAfter = 'merged' | 'done';

/** A unit that another one waits for, as it is now. */
export interface Dependency {
  /** The id of the unit that is waited for. */
  after: string;
  state: WorkState;
  /** Where its branch is; absent where it has none that is finished. */
  merge?: MergeState;
}

/**
 * What a dependency means to the unit that has it. `over`: it keeps it from nothing. `waits`: it will be over, or may be.
 * `gone`: it was cancelled or discarded, so it will not, unless somebody changes that.
 */
export type DependencyState = 'over' | 'waits' | 'gone';

/** Pure. */
export function dependencyState({ state, merge }: Dependency, after: StartAfter): DependencyState {
  if (merge === 'merged') return 'over';
  if (state === 'cancelled' || merge === 'discarded') return 'gone';
  if (state !== 'done') return 'waits';
  return merge === undefined || after === 'done' ? 'over' : 'waits';
}

/** Pure. `task-1 and task-2 (which was cancelled)`; what is over is not named. */
export function waitText(dependencies: readonly Dependency[], after: StartAfter): string {
  return dependencies
    .flatMap((dependency) => {
      const state = dependencyState(dependency, after);
      if (state === 'over') return [];
      if (state === 'waits') return [dependency.after];
      return [`${dependency.after} (which was ${dependency.merge === 'discarded' ? 'discarded' : 'cancelled'})`];
    })
    .join(' and ');
}

/**
 * Pure. The way by which `from` would wait for itself if it waited for `on`: `[from, on, …, from]`; undefined where it would
 * not. `afterOf` tells what a unit waits for.
 */
export function cycleThrough(
  from: string,
  on: string,
  afterOf: (id: string) => readonly string[],
): readonly string[] | undefined {
  const seen = new Set<string>();
  const ways: string[][] = [[from, on]];
  for (let way = ways.pop(); way !== undefined; way = ways.pop()) {
    const last = way[way.length - 1]!;
    if (last === from) return way;
    if (seen.has(last)) continue;
    seen.add(last);
    for (const next of afterOf(last)) ways.push([...way, next]);
  }
  return undefined;
}
