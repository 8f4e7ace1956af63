import type { MergeState } from './merge.ts';
import type { WorkState } from './work-state.ts';

/** What became of a batch. `stuck`: nothing of what is left of it goes on without somebody. */
export type BatchOutcome = 'finished' | 'stuck';

/** A unit of a batch, as it is now. */
export interface BatchUnit {
  id: string;
  state: WorkState;
  merge?: MergeState;
}

export interface BatchProgress {
  /** Merged, or done where there is nothing to merge. */
  done: number;
  /** Without those that nobody wants any more. */
  total: number;
}

/** Merged, or done with nothing to merge. */
const isDone = ({ state, merge }: BatchUnit): boolean =>
  merge === 'merged' || (state === 'done' && merge === undefined);

/** Cancelled, or its branch was discarded. */
const isDropped = ({ state, merge }: BatchUnit): boolean => state === 'cancelled' || merge === 'discarded';

/** Pure. */
export function batchProgress(units: readonly BatchUnit[]): BatchProgress {
  const wanted = units.filter((unit) => isDone(unit) || !isDropped(unit));
  return { done: wanted.filter(isDone).length, total: wanted.length };
}

/** Those that wait for somebody to decide. */
export const stuckStates: readonly WorkState[] = ['failed', 'escalated', 'stalled'];

/**
 * Pure. `isBlocked` tells whether a unit that is not begun waits for what will not come by itself. Undefined while something
 * of it goes on, or waits to be begun or reviewed.
 */
export function batchOutcome(
  units: readonly BatchUnit[],
  isBlocked: (id: string) => boolean,
): BatchOutcome | undefined {
  const left = units.filter((unit) => !isDone(unit) && !isDropped(unit));
  if (left.length === 0) return 'finished';
  const stuck = left.every(
    ({ id, state }) => stuckStates.includes(state) || ((state === 'queued' || state === 'open') && isBlocked(id)),
  );
  return stuck ? 'stuck' : undefined;
}
