import type { Fact } from '../../sessions/status.ts';
import type { ProgramState, ProgramStatus } from './sessions-folder.ts';

/** Between two queued turns, and before a background task wakes the session, the file says `idle` for a moment; in ms. */
const settled = 150;

export interface ProgramStatusEvents {
  report(fact: Fact, cause: string): void;
  /** Idle has lasted long enough to be true. */
  idle(): void;
  /** It waited for the person, and has not waited again since `leftAt` (epoch ms). */
  noLongerWaiting(leftAt: number): void;
}

/**
 * Turns what the state file says into facts. Idle counts only when it lasts; everything else counts at once. The file is
 * right where hooks are silent (Esc) or late, so `insist` repeats its word after a hook that says otherwise.
 */
export class ProgramStatusTracker {
  /** The newest word of the file. */
  current: ProgramStatus | undefined;
  private readonly events: ProgramStatusEvents;
  private readonly now: () => number;
  private waitingFor = '';
  private idleTimer: NodeJS.Timeout | undefined;
  private leftTimer: NodeJS.Timeout | undefined;
  private readonly idleWaiters = new Set<() => void>();

  constructor(events: ProgramStatusEvents, now: () => number) {
    this.events = events;
    this.now = now;
  }

  update(state: ProgramState): void {
    const { status, waitingFor = '' } = state;
    if (status === undefined || (status === this.current && waitingFor === this.waitingFor)) return;
    const before = this.current;
    this.current = status;
    this.waitingFor = waitingFor;
    if (status !== 'idle') this.stopIdle();
    if (before === 'waiting' && status !== 'waiting') this.startLeaving();
    if (status === 'waiting') this.stopLeaving();
    if (status === 'idle') this.idleTimer = setTimeout(() => this.settleIdle(), settled);
    else this.report();
  }

  /** The file's word again, now that a hook has said something else and the file has had the time to follow. */
  insist(hookSaid: 'busy' | 'idle'): void {
    if (this.current === undefined || this.idleTimer) return;
    const same = this.current === hookSaid || (this.current === 'shell' && hookSaid === 'busy');
    if (!same) this.report();
  }

  /**
   * Resolves true when the session is idle and has been for a while; false when it is not, or does not become so within
   * `patience` ms.
   */
  async stableIdle(patience: number): Promise<boolean> {
    if (this.current === 'idle' && !this.idleTimer) return true;
    if (this.current !== 'idle' && patience === 0) return false;
    return new Promise((resolve) => {
      const tell = (): void => {
        clearTimeout(bound);
        this.idleWaiters.delete(tell);
        resolve(this.current === 'idle' && !this.idleTimer);
      };
      const bound = setTimeout(tell, patience + settled + 50);
      this.idleWaiters.add(tell);
    });
  }

  dispose(): void {
    this.stopIdle();
    this.stopLeaving();
  }

  private settleIdle(): void {
    this.idleTimer = undefined;
    this.report();
    this.events.idle();
    for (const tell of [...this.idleWaiters]) tell();
  }

  private report(): void {
    switch (this.current) {
      case 'idle':
        return this.events.report({ kind: 'idle' }, 'status idle');
      case 'busy':
        return this.events.report({ kind: 'busy' }, 'status busy');
      case 'shell':
        return this.events.report({ kind: 'busy' }, 'a background command runs');
      case 'waiting':
        return this.events.report({ kind: 'waiting', ask: askOf(this.waitingFor) }, `waits: ${this.waitingFor || 'see the terminal'}`);
      case undefined:
    }
  }

  private startLeaving(): void {
    const leftAt = this.now();
    this.stopLeaving();
    this.leftTimer = setTimeout(() => {
      this.leftTimer = undefined;
      this.events.noLongerWaiting(leftAt);
    }, settled);
  }

  private stopLeaving(): void {
    clearTimeout(this.leftTimer);
    this.leftTimer = undefined;
  }

  private stopIdle(): void {
    clearTimeout(this.idleTimer);
    this.idleTimer = undefined;
  }
}

/** Pure. What kind of dialog it is; the others (`dialog open`, `sandbox request`, …) can only be seen in the terminal. */
function askOf(waitingFor: string): 'permission' | 'question' | 'dialog' {
  if (waitingFor === 'permission prompt') return 'permission';
  return waitingFor === 'input needed' ? 'question' : 'dialog';
}
