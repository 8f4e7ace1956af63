import { unknownName } from '../platform/did-you-mean.ts';
import { messageOf } from '../platform/errors.ts';
import { Emitter } from '../platform/emitter.ts';
import type { Event } from '../platform/emitter.ts';
import type { Ids } from '../platform/ids.ts';
import type { Logger } from '../platform/logger.ts';
import type { StoredEscalation } from '../store/escalations.ts';
import type { Store } from '../store/store.ts';

export type NewEscalation = Pick<StoredEscalation, 'severity' | 'message' | 'by' | 'sessionId' | 'workId' | 'key'>;

/** What somebody beyond the session has to deal with. Every escalation stays open until it is closed. */
export class Escalations {
  private readonly store: Store;
  private readonly now: () => number;
  private readonly ids: Ids;
  private readonly emitter: Emitter<StoredEscalation>;
  /** Fires for every one that is raised or closed. */
  readonly onDidChange: Event<StoredEscalation>;

  constructor(store: Store, now: () => number, log: Logger, ids: Ids) {
    this.store = store;
    this.now = now;
    this.ids = ids;
    this.emitter = new Emitter((error) => log.error(`a listener failed: ${messageOf(error)}`));
    this.onDidChange = this.emitter.event;
  }

  /** Idempotent: a key that was raised before is answered with what became of it. */
  raise(wanted: NewEscalation): StoredEscalation {
    const escalation: StoredEscalation = { ...wanted, id: this.ids.newId('esc'), raisedAt: this.now() };
    const isNew = this.store.transaction(() => {
      if (!this.store.escalations.insert(escalation)) return false;
      this.record(escalation, 'escalation.raised', { by: escalation.by });
      return true;
    });
    if (!isNew) return this.store.escalations.byKey(wanted.key) ?? escalation;
    this.store.afterCommit(() => this.emitter.fire(escalation));
    return escalation;
  }

  /** Rejects with `unknown-escalation`, naming the nearest ids. To close a closed one is no error and changes nothing. */
  close(id: string, by: string, note?: string): StoredEscalation {
    const known = this.get(id);
    return this.store.transaction(() => {
      if (!this.store.escalations.close(id, by, this.now(), note)) return known;
      const closed = this.store.escalations.get(id) ?? known;
      this.record(closed, 'escalation.closed', { by, ...(note === undefined ? {} : { note }) });
      this.store.afterCommit(() => this.emitter.fire(closed));
      return closed;
    });
  }

  /** Rejects with `unknown-escalation`. */
  get(id: string): StoredEscalation {
    const known = this.store.escalations.get(id);
    if (!known)
      throw unknownName(
        'escalation',
        id,
        this.list().map((open) => open.id),
      );
    return known;
  }

  /** The open ones, newest first; with `limit` the closed ones, too. */
  list(limit?: number): StoredEscalation[] {
    return limit === undefined ? this.store.escalations.open() : this.store.escalations.latest(limit);
  }

  private record(
    { id, severity, message, sessionId, workId }: StoredEscalation,
    type: string,
    detail: Record<string, unknown>,
  ): void {
    this.store.addEvent({
      at: this.now(),
      type,
      ...(sessionId === undefined ? {} : { sessionId }),
      detail: { escalation: id, severity, message, ...(workId === undefined ? {} : { work: workId }), ...detail },
    });
  }
}
