import type { Delivery } from '../backends/driver.ts';
import type { SessionId, SessionInfo } from '../orchestrator.ts';
import { newId } from '../process/ids.ts';
import type { Logger } from '../process/logger.ts';
import { existsOnce } from '../roles/names.ts';
import type { SessionManager } from '../sessions/manager.ts';
import type { Registry } from '../sessions/registry.ts';
import { hasDied, hasEnded } from '../sessions/session-info.ts';
import type { StoredMessage } from '../store/messages.ts';
import type { Store } from '../store/store.ts';
import { ownedStates } from '../work/state.ts';
import { Alarm } from './alarm.ts';
import { composeDelivery } from './compose.ts';
import type { Entry } from './compose.ts';
import { Courier } from './courier.ts';
import { expiryOf } from './limits.ts';
import type { MessageLimits } from './limits.ts';
import type { MessageKind, Priority } from './message.ts';
import { overseer } from './message.ts';

export interface NewMessage {
  id?: string;
  from: string;
  to: string;
  kind: MessageKind;
  priority?: Priority;
  subject?: string;
  body: string;
  workId?: string;
  sentAt?: number;
}

export interface OutboxOptions {
  store: Store;
  registry: Registry;
  manager: SessionManager;
  log: Logger;
  limits: () => MessageLimits;
  onChange: () => void;
}

/**
 * The one durable outbox: everything that is put before a model goes through here. An entry is stored before anything
 * else happens, is delivered at a safe moment (the session is idle), urgent ones first and else in order, and its state
 * changes only with a receipt of its own.
 */
export class Outbox {
  private readonly store: Store;
  private readonly registry: Registry;
  private readonly manager: SessionManager;
  private readonly limits: () => MessageLimits;
  private readonly onChange: () => void;
  private readonly courier: Courier;
  private readonly alarm: Alarm;

  constructor({ store, registry, manager, log, limits, onChange }: OutboxOptions) {
    this.store = store;
    this.registry = registry;
    this.manager = manager;
    this.limits = limits;
    this.onChange = onChange;
    this.alarm = new Alarm(() => this.onAlarm());
    const due = (session: SessionInfo): Entry[] => this.due(session);
    const close = (message: StoredMessage, reason: string): void => this.close(message, reason);
    this.courier = new Courier({
      store,
      registry,
      manager,
      log,
      due,
      close,
      onChange,
      onDueChange: () => this.setAlarm(),
    });
    store.backlog.onDidChange(() => this.resume());
    registry.onDidChange(({ kind, session }) => {
      if (kind !== 'unregistered') this.courier.plan(session.id);
    });
    manager.events.onDelivered(({ session, runId, deliveryId }) => this.receipt(session, runId, deliveryId));
    manager.events.onTurnEnded(({ session, runId, failure }) => {
      const at = this.manager.now();
      // What the model did not answer is still to be acted on: it is in its conversation.
      if (!failure) this.keep(() => this.store.messages.setActed(runId, at) > 0);
      this.courier.turnEnded(session.id);
    });
    manager.events.onEnded(({ session, runId, status }) => {
      this.courier.drop(session.id);
      this.keep(() => {
        this.store.messages.setAllRepeated(session.id);
        return hasDied(session) && this.reopenCut(runId, status.cause);
      });
      // After an end that nobody wanted it waits: for the next run, or for whoever decides that there will be none.
      if (!hasDied(session)) this.expire(session.id, `${session.id} ended (${status.cause}) before it had this`);
    });
    manager.events.onReplaced(({ session, runId, wasOver }) => {
      const [first = ''] = this.courier.replaced(session.id);
      this.keep(() => {
        this.store.messages.setAllRepeated(session.id, first);
        // Of a run that had ended that was decided then: what the user's stop cut short is not begun again.
        return !wasOver && this.reopenCut(runId, session.cause);
      });
    });
  }

  /** After a restart of the host: what waits for a session that is no more, or was stopped, is closed. */
  settleAbandoned(): void {
    for (const id of this.store.messages.recipientsWaiting()) {
      const session = this.registry.find(id);
      if (id !== overseer && (!session || (hasEnded(session) && !hasDied(session))))
        this.expire(id, `${id} ended before it had this`);
    }
    this.onAlarm();
  }

  /**
   * No run of the session will come that could take what waits for it. Mail stays in its box. A role that exists once
   * keeps its messages for its next run, whenever that is; only work is not kept, since that goes elsewhere.
   */
  expire(id: SessionId, reason: string): void {
    this.courier.drop(id);
    const kinds: MessageKind[] = existsOnce(id) ? ['work', 'reminder'] : ['work', 'reminder', 'nudge', 'broadcast'];
    const now = this.manager.now();
    this.keep(() => this.store.messages.expirePending(id, kinds, reason, now) > 0);
  }

  /** Stores the entry and answers at once; delivery follows when the recipient is at a safe moment. */
  accept(message: NewMessage): StoredMessage {
    const stored = this.insert(message, {});
    this.store.afterCommit(() => {
      this.onChange();
      this.setAlarm();
      this.courier.plan(stored.to);
    });
    return stored;
  }

  /** Stores a message that will not be sent, with the reason, so that its sender can find it. */
  refuse(message: NewMessage, reason: string): StoredMessage {
    const stored = this.insert(message, { state: 'refused', reason, closedAt: this.manager.now() });
    this.onChange();
    return stored;
  }

  /**
   * Stores an entry that is on its way already as the first prompt of a session that is being started. Say what came of
   * the start: `handedOver` or `abandon`.
   */
  acceptAsFirstPrompt(message: NewMessage): { message: StoredMessage; delivery: Delivery } {
    const stored = this.store.transaction(() => {
      const inserted = this.insert(message, {});
      this.store.messages.addAttempt(inserted.id);
      return inserted;
    });
    const delivery = composeDelivery([this.entryOf(stored)]);
    this.store.afterCommit(() => this.courier.beginFirst(stored.to, delivery));
    return { message: stored, delivery };
  }

  /** The session has started with it: its receipt is on its way. */
  handedOver(id: string): void {
    const message = this.store.messages.get(id);
    if (message) this.courier.firstTaken(message.to);
  }

  /** The start failed: what was to be its first prompt will not be delivered. */
  abandon(id: string, reason: string): void {
    this.courier.abandon(id);
    const now = this.manager.now();
    this.keep(() => this.store.messages.close(id, 'refused', reason, now));
  }

  queued(id: SessionId): number {
    return this.store.messages.pending(id).filter((message) => this.isDue(message)).length;
  }

  dispose(): void {
    this.courier.dispose();
    this.alarm.dispose();
  }

  private insert(
    message: NewMessage,
    end: Partial<Pick<StoredMessage, 'state' | 'reason' | 'closedAt'>>,
  ): StoredMessage {
    const { from, to, kind, body, priority = 'normal', workId, sentAt = this.manager.now() } = message;
    const expiresAt = expiryOf(kind, priority, sentAt, this.limits());
    const stored: StoredMessage = {
      id: message.id ?? newId('msg'),
      from,
      to,
      kind,
      priority,
      subject: message.subject ?? '',
      body,
      state: 'accepted',
      attempts: 0,
      repeated: false,
      sentAt,
      ...(workId === undefined ? {} : { workId }),
      ...(expiresAt === undefined ? {} : { expiresAt }),
      ...end,
    };
    this.store.messages.insert(stored);
    return this.store.messages.get(stored.id) ?? stored;
  }

  private entryOf(message: StoredMessage): Entry {
    return { message, work: message.workId === undefined ? undefined : this.store.work.get(message.workId) };
  }

  /** What has become pointless by now is closed instead, unless the model may have it: then that is looked up first. */
  private due(session: SessionInfo): Entry[] {
    const now = this.manager.now();
    return this.store.messages.pending(session.id).flatMap((message) => {
      const entry = this.entryOf(message);
      const pointless = this.pointlessReason(session, entry, now);
      if (pointless === undefined) return this.isDue(message) ? [entry] : [];
      if (message.attempts > 0) return [{ ...entry, pointless }];
      this.close(message, pointless);
      return [];
    });
  }

  private pointlessReason(session: SessionInfo, { message, work }: Entry, now: number): string | undefined {
    if (message.expiresAt !== undefined && message.expiresAt <= now) return this.overdueReason(message);
    const isTheirs = !work || (work.owner === session.id && ownedStates.includes(work.state));
    return isTheirs ? undefined : `${work.id} is no longer the work of ${session.id}`;
  }

  private reopenCut(runId: string, cause: string): boolean {
    const reason = `the turn that had it was cut short (${cause}), so it is put before the next run again`;
    return this.store.messages.reopenCut(runId, reason) > 0;
  }

  /** Records what has happened; `work` says whether anything has changed by it. */
  private keep(work: () => boolean): void {
    this.store.backlog.keep(() => {
      if (work()) this.store.afterCommit(this.onChange);
    });
  }

  private close(message: StoredMessage, reason: string): void {
    if (this.store.messages.close(message.id, 'expired', reason, this.manager.now())) this.onChange();
  }

  private overdueReason({ to, sentAt, expiresAt = sentAt }: StoredMessage): string {
    const session = this.registry.find(to);
    const state =
      session === undefined ? 'not running' : session.state === 'running' ? session.activity.kind : session.state;
    return `not delivered within ${Math.round((expiresAt - sentAt) / 60_000)} minutes (${to} was ${state} at the end)`;
  }

  /** Mail stays accepted until it is read, but its notice is due only once in each run. */
  private isDue(message: StoredMessage): boolean {
    return (
      message.kind !== 'mail' || message.runId === undefined || message.runId !== this.registry.find(message.to)?.runId
    );
  }

  private receipt(session: SessionInfo, runId: string, entry: string): void {
    const message = this.store.messages.get(entry);
    if (!message || message.to !== session.id) return;
    const at = this.manager.now();
    this.keep(() => {
      if (message.kind === 'mail') this.store.messages.setNoticed(entry, runId);
      else this.store.messages.setDelivered(entry, runId, at);
      return true;
    });
    this.courier.received(session.id, entry);
  }

  /** The database can be written again: what could not be delivered meanwhile is. */
  private resume(): void {
    if (this.store.backlog.trouble) return;
    for (const { id } of this.registry.list()) this.courier.plan(id);
    this.setAlarm();
  }

  private onAlarm(): void {
    this.store.backlog.keep(() => this.closeOverdue());
    this.courier.wake();
    this.setAlarm();
  }

  private closeOverdue(): void {
    const now = this.manager.now();
    for (const message of this.store.messages.overdue(now)) {
      if (!this.courier.isOnItsWay(message.to, message.id)) this.close(message, this.overdueReason(message));
    }
  }

  /** One timer, for whatever comes first. */
  private setAlarm(): void {
    const now = this.manager.now();
    const times = [this.courier.dueAt(now), this.store.messages.nextExpiry(now)].filter((at) => at !== undefined);
    this.alarm.set(times.length === 0 ? undefined : Math.max(0, Math.min(...times) - now));
  }
}
