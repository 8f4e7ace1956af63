import type { Delivery } from '../backends/driver.ts';
import { messageOf } from '../errors.ts';
import type { SessionId, SessionInfo } from '../orchestrator.ts';
import { newId } from '../process/ids.ts';
import type { Logger } from '../process/logger.ts';
import { existsOnce } from '../roles/names.ts';
import type { SessionManager } from '../sessions/manager.ts';
import { hasEnded } from '../sessions/session-info.ts';
import type { Registry } from '../sessions/registry.ts';
import type { StoredMessage } from '../store/messages.ts';
import type { Store } from '../store/store.ts';
import { composeDelivery } from './compose.ts';
import type { MessageKind } from './message.ts';
import { overseer } from './message.ts';

/** After so many attempts that ended in doubt an entry is given up, visibly. */
const maxAttempts = 3;

export interface NewMessage {
  id?: string;
  from: string;
  to: string;
  kind: MessageKind;
  subject?: string;
  body: string;
  workId?: string;
  sentAt?: number;
}

/**
 * The one durable outbox: everything that is put before a model goes through here. An entry is stored before anything
 * else happens, is delivered at a safe moment (the session is idle), one at a time and in order, and its state changes
 * only with a receipt.
 */
export class Outbox {
  private readonly store: Store;
  private readonly registry: Registry;
  private readonly manager: SessionManager;
  private readonly log: Logger;
  /** Per session, the entry that has been handed over and has no receipt yet. */
  private readonly inFlight = new Map<SessionId, string>();
  private readonly stopping = new AbortController();
  private readonly onChange: () => void;

  constructor(options: { store: Store; registry: Registry; manager: SessionManager; log: Logger; onChange: () => void }) {
    this.store = options.store;
    this.registry = options.registry;
    this.manager = options.manager;
    this.log = options.log;
    this.onChange = options.onChange;
    this.registry.onDidChange(({ kind, session }) => {
      if (kind !== 'unregistered') this.flush(session.id);
    });
    this.manager.onDelivered(({ session, runId, deliveryId }) => this.receipt(session, runId, deliveryId));
    this.manager.onTurnEnded(({ session, runId }) => {
      if (this.store.messages.setActed(runId, this.manager.now()) > 0) this.onChange();
      this.flush(session.id);
    });
    this.manager.onEnded(({ session, status }) => {
      this.inFlight.delete(session.id);
      // After a failed end it waits: for the next run, or for whoever decides that there will be none.
      if (status.state === 'stopped') this.expire(session.id, `${session.id} ended (${status.cause}) before it had this`);
    });
  }

  /** After a restart of the host: what waits for a session that is no more, or was stopped, is closed. */
  settleAbandoned(): void {
    for (const id of this.store.messages.recipientsWaiting()) {
      const session = this.registry.find(id);
      if (id !== overseer && (!session || session.state === 'stopped')) this.expire(id, `${id} ended before it had this`);
    }
  }

  /**
   * No run of the session will come that could take what waits for it. Mail stays in its box. A role that exists once
   * keeps its messages for its next run, whenever that is; only work is not kept, since that goes elsewhere.
   */
  expire(id: SessionId, reason: string): void {
    this.inFlight.delete(id);
    const kinds: MessageKind[] = existsOnce(id) ? ['work', 'reminder'] : ['work', 'reminder', 'nudge', 'broadcast'];
    if (this.store.messages.expirePending(id, kinds, reason) > 0) this.onChange();
  }

  /** Stores the entry and answers at once; delivery follows when the recipient is at a safe moment. */
  accept(message: NewMessage): StoredMessage {
    const stored = this.insert(message, true);
    this.flush(stored.to);
    return stored;
  }

  /** Stores an entry that is on its way already as the first prompt of a session that is being started. */
  acceptAsFirstPrompt(message: NewMessage): { message: StoredMessage; delivery: Delivery } {
    const stored = this.insert(message, false);
    this.inFlight.set(stored.to, stored.id);
    return { message: stored, delivery: this.deliveryOf(stored) };
  }

  /** The start failed: what was to be its first prompt will not be delivered. */
  abandon(id: string, reason: string): void {
    const message = this.store.messages.get(id);
    if (!message) return;
    this.store.messages.close(id, 'refused', reason);
    if (this.inFlight.get(message.to) === id) this.inFlight.delete(message.to);
    this.onChange();
  }

  queued(id: SessionId): number {
    return this.store.messages.pending(id).filter((message) => this.isDue(message)).length;
  }

  dispose(): void {
    this.stopping.abort();
  }

  private insert(message: NewMessage, announce: boolean): StoredMessage {
    const stored: StoredMessage = {
      id: message.id ?? newId('msg'),
      from: message.from,
      to: message.to,
      kind: message.kind,
      subject: message.subject ?? '',
      body: message.body,
      state: 'accepted',
      attempts: 0,
      sentAt: message.sentAt ?? this.manager.now(),
      ...(message.workId === undefined ? {} : { workId: message.workId }),
    };
    this.store.messages.insert(stored);
    if (announce) this.onChange();
    return this.store.messages.get(stored.id) ?? stored;
  }

  private deliveryOf(message: StoredMessage): Delivery {
    const work = message.workId === undefined ? undefined : this.store.work.get(message.workId);
    return { id: message.id, text: composeDelivery(message, work) };
  }

  /** Mail stays accepted until it is read, but its notice is due only once in each run. */
  private isDue(message: StoredMessage): boolean {
    return message.kind !== 'mail' || message.runId === undefined || message.runId !== this.registry.find(message.to)?.runId;
  }

  private flush(id: SessionId): void {
    if (id === overseer || this.inFlight.has(id) || this.stopping.signal.aborted) return;
    const session = this.registry.find(id);
    if (!session || hasEnded(session) || session.activity.kind !== 'idle') return;
    const message = this.store.messages.pending(id).find((entry) => this.isDue(entry));
    if (!message) return;
    this.inFlight.set(id, message.id);
    this.deliver(id, message).catch((error: unknown) => this.log.error(`delivery of ${message.id}: ${messageOf(error)}`));
  }

  private async deliver(id: SessionId, message: StoredMessage): Promise<void> {
    this.store.messages.addAttempt(message.id);
    try {
      const outcome = await this.manager.deliver(id, this.deliveryOf(message), this.stopping.signal);
      if (outcome.kind === 'accepted') return;
      const session = this.registry.find(id);
      if (outcome.kind === 'delivered' && session) return this.receipt(session, session.runId, message.id);
      if (outcome.kind === 'uncertain') this.doubt(message, outcome.reason);
      this.release(id, message.id);
    } catch (error) {
      this.doubt(message, messageOf(error));
      this.release(id, message.id);
    }
  }

  /** The next change of the session's status tries again. */
  private release(id: SessionId, messageId: string): void {
    if (this.inFlight.get(id) === messageId) this.inFlight.delete(id);
    this.onChange();
  }

  private doubt(message: StoredMessage, reason: string): void {
    if (message.attempts + 1 >= maxAttempts) this.store.messages.close(message.id, 'dead', reason);
    else this.store.messages.setReason(message.id, reason);
    this.log.warn(`delivery of ${message.id} to ${message.to} is in doubt (attempt ${message.attempts + 1}): ${reason}`);
  }

  private receipt(session: SessionInfo, runId: string, deliveryId: string): void {
    const message = this.store.messages.get(deliveryId);
    if (!message || message.to !== session.id) return;
    if (message.kind === 'mail') this.store.messages.setNoticed(deliveryId, runId);
    else this.store.messages.setDelivered(deliveryId, runId, this.manager.now());
    if (this.inFlight.get(session.id) === deliveryId) this.inFlight.delete(session.id);
    this.onChange();
  }
}
