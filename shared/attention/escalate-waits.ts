import type { EscalationKey } from '../domain/escalation-key.ts';
import type { SessionInfo } from '../domain/orchestrator.ts';
import { DisposableStore } from '../platform/disposable-store.ts';
import type { Disposable } from '../platform/emitter.ts';
import { Timer } from '../platform/timer.ts';
import type { TownClock } from '../platform/town-clock.ts';
import type { Store } from '../store/store.ts';
import type { Escalations } from '../work/escalations.ts';
import type { AskLog } from './ask-log.ts';
import { dialogId } from './wait-changes.ts';
import type { OpenWait } from './wait-changes.ts';

export interface OverdueOptions {
  asks: AskLog;
  escalations: Escalations;
  store: Store;
  /** After how many minutes an unanswered wait is escalated; 0 for never. */
  minutes: () => number;
  clock: TownClock;
}

/**
 * Escalates a wait that nobody has answered in time, once: the escalation's key is the wait itself, so that a host restart
 * raises nothing again, and the time counts from when the wait was first seen. It is closed when the wait ends.
 */
export class Overdue implements Disposable {
  private readonly options: OverdueOptions;
  private readonly disposables = new DisposableStore();
  private readonly timer = this.disposables.add(new Timer(() => this.review()));
  private disposed = false;

  constructor(options: OverdueOptions) {
    this.options = options;
    const { asks, escalations, store, clock } = options;
    this.disposables.add(asks.onDidChange(() => this.review()));
    this.disposables.add(clock.onAfterJump(() => this.review()));
    this.disposables.add(
      asks.onDidEnd(({ runId, wait, by }) =>
        store.backlog.keep(() => {
          const raised = store.escalations.byKey(keyOf(runId, wait));
          if (raised && raised.closedAt === undefined)
            escalations.close(raised.id, 'host', `no longer waits: answered by ${by}`);
        }),
      ),
    );
  }

  /** Raises what is due, and sets the one timer to the next. Call it when the setting has changed, too. */
  review(): void {
    this.timer.set(undefined);
    const { asks, clock, minutes, store } = this.options;
    const bound = minutes() * 60_000;
    if (this.disposed || bound === 0) return;
    const now = clock.now();
    let next = Number.POSITIVE_INFINITY;
    for (const { session, wait } of asks.open()) {
      // Nobody could answer while the machine slept.
      const due = clock.countedFrom(wait.since) + bound;
      if (due > now) next = Math.min(next, due);
      else store.backlog.keep(() => this.raise(session, wait));
    }
    if (next < Number.POSITIVE_INFINITY) this.timer.set(next - now);
  }

  dispose(): void {
    this.disposed = true;
    void this.disposables.dispose();
  }

  private raise(session: SessionInfo, wait: OpenWait): void {
    const { escalations, store } = this.options;
    const key = keyOf(session.runId, wait);
    if (store.escalations.byKey(key)) return;
    const [work] = store.work.ownedBy(session.id);
    escalations.raise({
      severity: 'high',
      message: `${session.id} waits for an answer since ${new Date(wait.since).toISOString()}: ${wait.title}`,
      by: 'host',
      sessionId: session.id,
      key,
      ...(work === undefined ? {} : { workId: work.id }),
    });
  }
}

/** Asks have ids of their own; a dialog may open in a run again. */
const keyOf = (run: string, { id, since }: OpenWait): EscalationKey => ({
  kind: 'wait',
  subject: id,
  run,
  ...(id === dialogId ? { since } : {}),
});
