import { messageOf } from '../errors.ts';
import type { Logger } from '../process/logger.ts';
import type { Facts } from './facts.ts';
import { reconcile } from './rules.ts';
import type { Action } from './rules.ts';

export interface ReconcilerOptions {
  /** `inHand`: sessions and units about which something is being done. */
  gather: (inHand: ReadonlySet<string>) => Facts;
  /** Resolves when it is done. What rejects is tried again later. */
  carryOut: (action: Action) => Promise<void>;
  now: () => number;
  log: Logger;
}

/** An action that could not be carried out is not repeated before this, in milliseconds. */
const pauseMs = 30_000;
/** The longest time that a timer of Node can wait, in milliseconds. */
const longestTimer = 2 ** 31 - 1;

/** Asks the rules after every change, and at the next time that means something by itself. One timer; no polling. */
export class Reconciler {
  private readonly options: ReconcilerOptions;
  private readonly inHand = new Set<string>();
  /** Sessions and units whose action failed, until when nothing is done about them. */
  private readonly paused = new Map<string, number>();
  private scheduled: NodeJS.Immediate | undefined;
  private timer: NodeJS.Timeout | undefined;
  private running = false;

  constructor(options: ReconcilerOptions) {
    this.options = options;
  }

  start(): void {
    this.running = true;
    this.schedule();
  }

  /** Something has changed. */
  schedule(): void {
    if (!this.running) return;
    this.scheduled ??= setImmediate(() => {
      this.scheduled = undefined;
      this.look();
    });
  }

  /** What could not be done before may be possible now. */
  resume(): void {
    this.paused.clear();
    this.schedule();
  }

  dispose(): void {
    this.running = false;
    if (this.scheduled) clearImmediate(this.scheduled);
    clearTimeout(this.timer);
  }

  private look(): void {
    const { gather, now } = this.options;
    const at = now();
    for (const [subject, until] of this.paused) if (until <= at) this.paused.delete(subject);
    const inHand = new Set([...this.inHand, ...this.paused.keys()]);
    const { actions, due } = reconcile(gather(inHand));
    for (const action of actions) void this.act(action);
    this.wake(Math.min(due ?? Infinity, ...this.paused.values()), at);
  }

  private async act(action: Action): Promise<void> {
    const { carryOut, log, now } = this.options;
    const subject = 'session' in action ? action.session : action.work;
    this.inHand.add(subject);
    try {
      await carryOut(action);
    } catch (error) {
      if (!this.running) return;
      this.paused.set(subject, now() + pauseMs);
      log.warn(`[orchestration] ${action.rule}: ${action.act.kind} of ${subject} did not work: ${messageOf(error)}`);
    } finally {
      this.inHand.delete(subject);
      this.schedule();
    }
  }

  private wake(due: number, at: number): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (due === Infinity) return;
    this.timer = setTimeout(() => this.schedule(), Math.min(Math.max(due - at, 0), longestTimer));
    this.timer.unref();
  }
}
