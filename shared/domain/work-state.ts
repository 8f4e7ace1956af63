export type WorkState =
  'open' | 'queued' | 'assigned' | 'running' | 'stalled' | 'done' | 'failed' | 'escalated' | 'cancelled';

/** States in which a unit has an owner. */
export const ownedStates: readonly WorkState[] = ['assigned', 'running', 'stalled'];

const next: Record<WorkState, readonly WorkState[]> = {
  open: ['queued', 'assigned', 'cancelled', 'failed'],
  queued: ['queued', 'assigned', 'open', 'cancelled', 'failed'],
  assigned: ['assigned', 'running', 'stalled', 'queued', 'open', 'done', 'failed', 'escalated', 'cancelled'],
  running: ['stalled', 'queued', 'open', 'done', 'failed', 'escalated', 'cancelled', 'assigned'],
  stalled: ['running', 'queued', 'open', 'done', 'failed', 'escalated', 'cancelled', 'assigned'],
  failed: ['queued', 'open', 'assigned', 'escalated', 'cancelled'],
  escalated: ['queued', 'open', 'assigned', 'done', 'failed', 'cancelled'],
  // Only a review opens it again (`WorkService.reopen`).
  done: [],
  cancelled: ['queued', 'open', 'assigned'],
};

/** Whether a unit in `from` may go to `to`. */
export function canMove(from: WorkState, to: WorkState): boolean {
  return next[from].includes(to);
}

export interface WorkHistoryEntry {
  at: number;
  /** The state that it came to; `edited` where it stayed in its own, and what it says was changed. */
  state: string;
  by: string;
  runId?: string;
  note?: string;
}
