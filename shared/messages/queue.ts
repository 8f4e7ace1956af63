import type { SessionId, SessionInfo } from '../domain/orchestrator.ts';
import { ownedStates } from '../domain/work-state.ts';
import type { Registry } from '../sessions/registry.ts';
import type { StoredMessage } from '../store/messages.ts';
import type { Store } from '../store/store.ts';
import type { Entry } from './compose.ts';

export interface MessageQueueParts {
  store: Store;
  registry: Registry;
  now: () => number;
  onChange: () => void;
}

/** What waits to be put before models, as the store has it: what of it is due, and what has become pointless and is closed. */
export class MessageQueue {
  private readonly parts: MessageQueueParts;
  /** By how many ms the clock has jumped since the ends of what waits were moved with it. */
  private jumpedBy = 0;

  constructor(parts: MessageQueueParts) {
    this.parts = parts;
  }

  /** The clock has jumped: what waits has as long to wait as it had before. */
  noteJump(by: number): void {
    this.jumpedBy += by;
  }

  entryOf(message: StoredMessage): Entry {
    return { message, work: message.workId === undefined ? undefined : this.parts.store.work.get(message.workId) };
  }

  /**
   * What is to be put before the session's model now, in the order of acceptance. What has become pointless by now is closed
   * instead, unless the model may have it: then that is looked up first.
   */
  due(session: SessionInfo): Entry[] {
    const { store, now } = this.parts;
    const at = now();
    this.moveExpiry();
    return store.messages.pending(session.id).flatMap((message) => {
      const entry = this.entryOf(message);
      const pointless = this.pointlessReason(session, entry, at);
      if (pointless === undefined) return this.isDue(message) ? [entry] : [];
      if (message.attempts > 0) return [{ ...entry, pointless }];
      this.close(message, pointless);
      return [];
    });
  }

  /** How much of it is due to the session. */
  count(id: SessionId): number {
    return this.parts.store.messages.countDue(id, this.parts.registry.find(id)?.runId);
  }

  /** Gives up an entry that is pointless by now. */
  close(message: StoredMessage, reason: string): void {
    const { store, now, onChange } = this.parts;
    if (store.messages.close(message.id, 'expired', reason, now())) onChange();
  }

  /** What was not delivered in time. */
  overdue(): StoredMessage[] {
    const now = this.parts.now();
    this.moveExpiry();
    return this.parts.store.messages.overdue(now);
  }

  /** Gives up what was not delivered in time. */
  closeOverdue(message: StoredMessage): void {
    this.close(message, this.overdueReason(message));
  }

  private moveExpiry(): void {
    if (this.jumpedBy === 0) return;
    this.parts.store.messages.moveExpiry(this.jumpedBy);
    this.jumpedBy = 0;
  }

  private pointlessReason(session: SessionInfo, { message, work }: Entry, now: number): string | undefined {
    if (message.expiresAt !== undefined && message.expiresAt <= now) return this.overdueReason(message);
    const isTheirs = !work || (work.owner === session.id && ownedStates.includes(work.state));
    return isTheirs ? undefined : `${work.id} is no longer the work of ${session.id}`;
  }

  private overdueReason({ to, sentAt, expiresAt = sentAt }: StoredMessage): string {
    const session = this.parts.registry.find(to);
    const state =
      session === undefined ? 'not running' : session.state === 'running' ? session.activity.kind : session.state;
    return `not delivered within ${Math.round((expiresAt - sentAt) / 60_000)} minutes (${to} was ${state} at the end)`;
  }

  /** Mail stays accepted until it is read, but its notice is due only once in each run. */
  private isDue(message: StoredMessage): boolean {
    return (
      message.kind !== 'mail' ||
      message.runId === undefined ||
      message.runId !== this.parts.registry.find(message.to)?.runId
    );
  }
}
