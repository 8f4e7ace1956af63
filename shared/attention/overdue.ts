import type { SessionInfo } from '../orchestrator.ts';
import type { Disposable } from '../process/emitter.ts';
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
  now: () => number;
}

/** What a timer can wait, in ms. */
const longestTimer = 2 ** 31 - 1;

/**
 * Escalates a wait that nobody has answered in time, once: the escalation's cause is the wait itself, so that a host restart
 * raises nothing again, and the time counts from when the wait was first seen. It is closed when the wait ends.
 */
export class Overdue implements Disposable {
  private readonly options: OverdueOptions;
  private readonly subscriptions: Disposable[];
  private timer: NodeJS.Timeout | undefined;
  private disposed = false;

  constructor(options: OverdueOptions) {
    this.options = options;
    const { asks, escalations, store } = options;
    this.subscriptions = [
      asks.onDidChange(() => this.review()),
      asks.onEnded(({ runId, wait, by }) =>
        store.backlog.keep(() => {
          const raised = store.escalations.byCause(causeOf(runId, wait));
          if (raised && raised.closedAt === undefined)
            escalations.close(raised.id, 'host', `no longer waits: answered by ${by}`);
        }),
      ),
    ];
  }

  /** Raises what is due, and sets the one timer to the next. Call it when the setting has changed, too. */
  review(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const { asks, now, minutes, store } = this.options;
    const bound = minutes() * 60_000;
    if (this.disposed || bound === 0) return;
    let next = Number.POSITIVE_INFINITY;
    for (const { session, wait } of asks.open()) {
      const due = wait.since + bound;
      if (due > now()) next = Math.min(next, due);
      else store.backlog.keep(() => this.raise(session, wait));
    }
    if (next < Number.POSITIVE_INFINITY)
      this.timer = setTimeout(() => this.review(), Math.min(next - now(), longestTimer));
  }

  dispose(): void {
    this.disposed = true;
    clearTimeout(this.timer);
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  private raise(session: SessionInfo, wait: OpenWait): void {
    const { escalations, store } = this.options;
    const cause = causeOf(session.runId, wait);
    if (store.escalations.byCause(cause)) return;
    const [work] = store.work.ownedBy(session.id);
    escalations.raise({
      severity: 'high',
      message: `${session.id} waits for an answer since ${new Date(wait.since).toISOString()}: ${wait.title}`,
      by: 'host',
      sessionId: session.id,
      cause,
      ...(work === undefined ? {} : { workId: work.id }),
    });
  }
}

const causeOf = (runId: string, { id, since }: OpenWait): string =>
  `wait:${runId}/${id}${id === dialogId ? `@${since}` : ''}`;
