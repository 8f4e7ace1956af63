import type { Delivery } from '../domain/delivery.ts';
import type { SessionId, SessionInfo } from '../domain/orchestrator.ts';
import { DisposableStore } from '../platform/disposable-store.ts';
import { Emitter } from '../platform/emitter.ts';
import type { Disposable, Event } from '../platform/emitter.ts';
import { messageOf } from '../platform/errors.ts';
import type { Ids } from '../platform/ids.ts';
import type { Logger } from '../platform/logger.ts';
import { existsOnce } from '../domain/names.ts';
import { cutText } from '../platform/cut-text.ts';
import type { SessionManager } from '../sessions/manager.ts';
import type { Registry } from '../sessions/registry.ts';
import { hasDied, hasEnded } from '../domain/session-state.ts';
import type { StoredMessage } from '../store/messages.ts';
import type { Store } from '../store/store.ts';
import { Timer } from '../platform/timer.ts';
import { composeDelivery } from './compose.ts';
import { Courier } from './courier.ts';
import { MessageQueue } from './queue.ts';
import { expiryOf } from './limits.ts';
import type { MessageLimits } from '../config/message-settings.ts';
import type { MessageKind, Priority } from '../domain/message.ts';
import { overseer } from '../domain/message.ts';

/** So many characters of a message that is refused are kept: its sender has all of it. */
const keptOfRefused = 2_000;

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
  /** It does not expire: what it tells stays true. */
  lasts?: true;
}

export interface OutboxOptions {
  store: Store;
  registry: Registry;
  manager: SessionManager;
  log: Logger;
  ids: Ids;
  limits: () => MessageLimits;
  onChange: () => void;
}

/**
 * The one durable outbox: everything that is put before a model goes through here. An entry is stored before anything
 * else happens, is delivered at a safe moment (the session is idle), urgent ones first and else in order, and its state
 * changes only with a receipt of its own.
 */
export class Outbox implements Disposable {
  private readonly store: Store;
  private readonly registry: Registry;
  private readonly manager: SessionManager;
  private readonly ids: Ids;
  private readonly limits: () => MessageLimits;
  private readonly onChange: () => void;
  private readonly queue: MessageQueue;
  private readonly courier: Courier;
  /** For the next message that expires. */
  private readonly timer: Timer;
  private readonly disposables = new DisposableStore();
  private readonly accepted: Emitter<StoredMessage>;
  /** An entry is stored, and is to be delivered. */
  readonly onDidAccept: Event<StoredMessage>;

  constructor({ store, registry, manager, log, ids, limits, onChange }: OutboxOptions) {
    this.store = store;
    this.registry = registry;
    this.manager = manager;
    this.ids = ids;
    this.limits = limits;
    this.onChange = onChange;
    this.accepted = new Emitter((error) => log.error(`a listener failed: ${messageOf(error)}`));
    this.onDidAccept = this.accepted.event;
    this.timer = this.disposables.add(new Timer(() => this.onTimer()));
    this.queue = new MessageQueue({ store, registry, now: () => manager.now(), onChange });
    this.courier = this.disposables.add(new Courier({ store, registry, manager, log, queue: this.queue, onChange }));
    this.disposables.add(store.backlog.onDidChange(() => this.resume()));
    this.disposables.add(manager.clock.onDidJump((by) => this.queue.noteJump(by)));
    this.disposables.add(manager.clock.onAfterJump(() => this.onTimer()));
    this.disposables.add(
      registry.onDidChange(({ kind, session }) => {
        if (kind !== 'unregistered') this.courier.plan(session.id);
      }),
    );
    this.disposables.add(
      manager.events.onDidDeliver(({ session, runId, deliveryId }) => this.receipt(session, runId, deliveryId)),
    );
    this.disposables.add(
      manager.events.onDidEndTurn(({ session, runId, failure }) => {
        const at = this.manager.now();
        // What the model did not answer is still to be acted on: it is in its conversation.
        if (!failure) this.keep(() => this.store.messages.setActed(runId, at) > 0);
        this.courier.turnEnded(session.id);
      }),
    );
    this.disposables.add(
      manager.events.onDidEnd(({ session, runId, status }) => {
        this.courier.drop(session.id);
        this.keep(() => {
          this.store.messages.setAllRepeated(session.id);
          return hasDied(session) && this.reopenCut(runId, status.cause);
        });
        // After an end that nobody wanted it waits: for the next run, or for whoever decides that there will be none.
        if (!hasDied(session)) this.expire(session.id, `${session.id} ended (${status.cause}) before it had this`);
      }),
    );
    this.disposables.add(
      manager.events.onDidReplace(({ session, runId, wasOver }) => {
        const [first = ''] = this.courier.replaced(session.id);
        this.keep(() => {
          this.store.messages.setAllRepeated(session.id, first);
          // Of a run that had ended that was decided then: what the user's stop cut short is not begun again.
          return !wasOver && this.reopenCut(runId, session.cause);
        });
      }),
    );
  }

  /** After a restart of the host: what waits for a session that is no more, or was stopped, is closed. */
  settleAbandoned(): void {
    for (const id of this.store.messages.recipientsWaiting()) {
      const session = this.registry.find(id);
      if (id !== overseer && (!session || (hasEnded(session) && !hasDied(session))))
        this.expire(id, `${id} ended before it had this`);
    }
    this.onTimer();
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
      this.setTimer();
      this.courier.plan(stored.to);
      this.accepted.fire(stored);
    });
    return stored;
  }

  /** Stores a message that will not be sent, with the reason, so that its sender can find it. */
  refuse(message: NewMessage, reason: string): StoredMessage {
    const cut = { ...message, body: cutText(message.body, keptOfRefused) };
    const stored = this.insert(cut, { state: 'refused', reason, closedAt: this.manager.now() });
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
    const delivery = composeDelivery([this.queue.entryOf(stored)]);
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
    return this.queue.count(id);
  }

  dispose(): void {
    void this.disposables.dispose();
  }

  private insert(
    message: NewMessage,
    end: Partial<Pick<StoredMessage, 'state' | 'reason' | 'closedAt'>>,
  ): StoredMessage {
    const { from, to, kind, body, priority = 'normal', workId, sentAt = this.manager.now() } = message;
    const expiresAt = message.lasts ? undefined : expiryOf(kind, priority, sentAt, this.limits());
    const stored: StoredMessage = {
      id: message.id ?? this.ids.newId('msg'),
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
    this.setTimer();
  }

  private onTimer(): void {
    this.store.backlog.keep(() => this.closeOverdue());
    this.setTimer();
  }

  private closeOverdue(): void {
    for (const message of this.queue.overdue()) {
      if (!this.courier.isOnItsWay(message.to, message.id)) this.queue.closeOverdue(message);
    }
  }

  private setTimer(): void {
    const now = this.manager.now();
    const next = this.store.messages.nextExpiry(now);
    this.timer.set(next === undefined ? undefined : Math.max(0, next - now));
  }
}
