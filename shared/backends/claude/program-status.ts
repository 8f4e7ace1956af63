import { DisposableStore } from '../../platform/disposable-store.ts';
import { Timer } from '../../platform/timer.ts';
import type { StatusReport } from '../../domain/status-report.ts';
import type { ProgramState, ProgramStatus } from './sessions-folder.ts';

/** Between two queued turns, and before a background task wakes the session, the file says `idle` for a moment; in ms. */
const settled = 150;
/** The file follows a hook within 0.3 s, under load within seconds; a hook that is heard too late is not waited for longer. In ms. */
const overtakenBound = 10_000;

export interface ProgramStatusEvents {
  report(fact: StatusReport, cause: string): void;
  /** Idle has lasted long enough to be true. */
  idle(): void;
  /** It waited for the user, and has not waited again since `leftAt` (epoch ms). */
  noLongerWaiting(leftAt: number): void;
}

/**
 * Turns what the state file says into facts. Idle counts only when it lasts; everything else counts at once. The file is
 * right where hooks are silent (Esc) or late, so `insist` repeats its word after a hook that says otherwise; but an idle
 * from before a turn began (`begun`) is no word about that turn.
 */
export class ProgramStatusTracker {
  private readonly disposables = new DisposableStore();
  /** The newest word of the file. */
  private said: ProgramStatus | undefined;
  private saidAt = 0;
  /** A turn has begun since the file said idle. */
  private readonly overtaken = this.disposables.add(new Timer(() => this.settleIdle()));
  private readonly events: ProgramStatusEvents;
  private readonly now: () => number;
  private begunAt = 0;
  private waitingFor = '';
  private readonly idleTimer = this.disposables.add(new Timer(() => this.settleIdle()));
  private leftAt = 0;
  private readonly leftTimer = this.disposables.add(new Timer(() => this.events.noLongerWaiting(this.leftAt)));
  private readonly idleWaiters = new Set<() => void>();

  constructor(events: ProgramStatusEvents, now: () => number) {
    this.events = events;
    this.now = now;
  }

  /** What the program does, as far as is known. */
  get current(): ProgramStatus | undefined {
    return this.overtaken.isSet ? 'busy' : this.said;
  }

  update(state: ProgramState): void {
    const { status, waitingFor = '', statusUpdatedAt: at } = state;
    if (status === undefined) return;
    const isSame = status === this.said && waitingFor === this.waitingFor;
    // Idle anew: what was between was not seen.
    const isAnew = this.overtaken.isSet && at !== undefined && at > this.saidAt;
    if (isSame && !isAnew) return;
    const before = this.said;
    this.said = status;
    this.saidAt = at ?? this.now();
    this.waitingFor = waitingFor;
    this.idleTimer.set(undefined);
    this.overtaken.set(undefined);
    if (before === 'waiting' && status !== 'waiting') this.startLeaving();
    if (status === 'waiting') this.leftTimer.set(undefined);
    if (status !== 'idle') return this.report();
    // The clock was set back since, by more than is waited for an idle anyway: this one is no older than that turn.
    if (this.begunAt > this.now() + overtakenBound) this.begunAt = 0;
    if (this.saidAt < this.begunAt) this.overtake();
    else this.idleTimer.set(settled);
  }

  /** Something else than the file tells that a turn has begun at `at` (epoch ms): an idle from before that is outdated. */
  begun(at: number): void {
    this.begunAt = Math.max(this.begunAt, at);
    if (this.said === 'idle' && this.saidAt < this.begunAt) this.overtake();
  }

  /** The file's word again, now that a hook has said something else and the file has had the time to follow. */
  insist(hookSaid: 'busy' | 'idle'): void {
    if (this.current === undefined || this.idleTimer.isSet || this.overtaken.isSet) return;
    const same = this.current === hookSaid || (this.current === 'shell' && hookSaid === 'busy');
    if (!same) this.report();
  }

  /**
   * Resolves true when the session is idle and has been for a while; false when it is not, or does not become so within
   * `patience` ms.
   */
  async stableIdle(patience: number): Promise<boolean> {
    if (this.current === 'idle' && !this.idleTimer.isSet) return true;
    if (this.current !== 'idle' && patience === 0) return false;
    return new Promise((resolve) => {
      const tell = (): void => {
        clearTimeout(bound);
        this.idleWaiters.delete(tell);
        resolve(this.current === 'idle' && !this.idleTimer.isSet);
      };
      const bound = setTimeout(tell, patience + settled + 50);
      this.idleWaiters.add(tell);
    });
  }

  dispose(): void {
    void this.disposables.dispose();
  }

  private overtake(): void {
    this.idleTimer.set(undefined);
    if (!this.overtaken.isSet) this.overtaken.set(overtakenBound);
  }

  private settleIdle(): void {
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
        return this.events.report(
          { kind: 'waiting', ask: askOf(this.waitingFor) },
          `waits: ${this.waitingFor || 'see the terminal'}`,
        );
      case undefined:
    }
  }

  private startLeaving(): void {
    this.leftAt = this.now();
    this.leftTimer.set(settled);
  }
}

/** Pure. What kind of dialog it is; the others (`dialog open`, `sandbox request`, …) can only be seen in the terminal. */
function askOf(waitingFor: string): 'permission' | 'question' | 'dialog' {
  if (waitingFor === 'permission prompt') return 'permission';
  return waitingFor === 'input needed' ? 'question' : 'dialog';
}
