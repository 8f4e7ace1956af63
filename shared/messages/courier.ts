import type { DeliveryOutcome } from '../backends/driver.ts';
import { entriesOf } from '../domain/delivery.ts';
import { messageOf } from '../platform/errors.ts';
import type { SessionId, SessionInfo } from '../domain/orchestrator.ts';
import type { Logger } from '../platform/logger.ts';
import type { SessionManager } from '../sessions/manager.ts';
import { hasEnded } from '../domain/session-state.ts';
import type { Registry } from '../sessions/registry.ts';
import type { Store } from '../store/store.ts';
import { Timer } from '../platform/timer.ts';
import type { MessageQueue } from './queue.ts';
import { nextBatch } from './batch.ts';
import { composeDelivery, textOf } from './compose.ts';
import type { Entry } from './compose.ts';
import { overseer } from '../domain/message.ts';
import type { Delivery } from '../domain/delivery.ts';

/** After so many attempts an entry is given up, visibly. */
const maxAttempts = 3;
/** What was taken, but has no receipt by now while the session is idle, is looked for. In ms. */
const receiptBound = 30_000;
/** A session that was not at a safe moment after all is asked again by then, if nothing happens before. In ms. */
const notNowPause = 5000;
/** Pure. Pause before the next attempt: 2 s, then 10 s. */
const pauseAfter = (attempts: number): number => 2000 * 5 ** (attempts - 1);

/** What is on its way to one session. */
interface Flight {
  /** Entries without a receipt. */
  readonly ids: Set<string>;
  /** When the program took it, by `TownClock.awake`; undefined while it is being handed over. */
  takenAt?: number;
  /** The run that is being started gets it as its first prompt. */
  readonly first?: true;
}

export interface CourierParts {
  store: Store;
  registry: Registry;
  manager: SessionManager;
  log: Logger;
  queue: MessageQueue;
  onChange: () => void;
}

/**
 * Carries what is due to sessions: one delivery at a time for each, when it is idle. Every attempt is recorded before it
 * is made; what an earlier attempt may have handed over is looked for in the program's own record first.
 */
export class Courier {
  private readonly parts: CourierParts;
  private readonly flights = new Map<SessionId, Flight>();
  /** When a session is tried again, by `TownClock.awake`; `firm`: not before. */
  private readonly pauses = new Map<SessionId, { until: number; firm: boolean }>();
  private readonly planned = new Set<SessionId>();
  private readonly stopping = new AbortController();
  private readonly timer = new Timer(() => this.wake());

  constructor(parts: CourierParts) {
    this.parts = parts;
  }

  /** Soon, not now: what has just happened is recorded first, and a transaction is over. */
  plan(id: SessionId): void {
    if (id === overseer || this.planned.has(id)) return;
    this.planned.add(id);
    queueMicrotask(() => {
      this.planned.delete(id);
      try {
        this.flush(id);
      } catch (error) {
        this.failed(id, undefined, error);
      }
    });
  }

  isOnItsWay(id: SessionId, entry: string): boolean {
    return this.flights.get(id)?.ids.has(entry) ?? false;
  }

  /** The session is being started with this. */
  beginFirst(id: SessionId, delivery: Delivery): void {
    this.flights.set(id, { ids: new Set(entriesOf(delivery)), first: true });
  }

  /** The start has succeeded: from here on its receipt is waited for. */
  firstTaken(id: SessionId): void {
    const flight = this.flights.get(id);
    if (flight) this.taken(id, flight);
  }

  /** The start that was to carry this as its first prompt has failed. */
  abandon(entry: string): void {
    for (const [id, { first, ids }] of this.flights) if (first && ids.has(entry)) this.drop(id);
  }

  /** Nothing is on its way to the session any more. */
  drop(id: SessionId): void {
    this.flights.delete(id);
    this.pauses.delete(id);
  }

  /** Another run takes the place of the session's: what was on its way to the old one is no more. Returns what goes to the new one already. */
  replaced(id: SessionId): string[] {
    const flight = this.flights.get(id);
    if (flight?.first && flight.takenAt === undefined) return [...flight.ids];
    this.drop(id);
    return [];
  }

  received(id: SessionId, entry: string): void {
    const flight = this.flights.get(id);
    flight?.ids.delete(entry);
    // While the driver is still at it, its word is waited for.
    if (flight?.ids.size === 0 && flight.takenAt !== undefined) this.flights.delete(id);
  }

  turnEnded(id: SessionId): void {
    const flight = this.flights.get(id);
    if (flight?.takenAt === undefined) this.plan(id);
    // The cause has the program's own words where it refused the text.
    else this.settle(id, flight, `the turn ended without a receipt (${this.parts.registry.get(id).cause})`);
  }

  dispose(): void {
    this.stopping.abort();
    this.timer.dispose();
  }

  private awake(): number {
    return this.parts.manager.clock.awake();
  }

  /** For the time at which something is to be tried again, or looked for, even if nothing happens before. */
  private setTimer(): void {
    const now = this.awake();
    const receipts = [...this.flights.values()].flatMap(({ takenAt }) =>
      takenAt === undefined ? [] : [takenAt + receiptBound],
    );
    const pauses = [...this.pauses.values()].map(({ until }) => until);
    // What was due before waits for the session to become idle.
    const times = [...pauses, ...receipts].filter((at) => at > now);
    this.timer.set(times.length === 0 ? undefined : Math.min(...times) - now);
  }

  private wake(): void {
    for (const id of [...this.pauses.keys(), ...this.flights.keys()]) this.plan(id);
    this.setTimer();
  }

  private flush(id: SessionId): void {
    // What has happened is recorded first: a receipt that waits for that would not be known here.
    if (this.stopping.signal.aborted || !this.parts.store.backlog.isEmpty) return;
    const session = this.parts.registry.find(id);
    if (!session || !this.mayGetText(session)) return;
    const now = this.awake();
    const flight = this.flights.get(id);
    if (flight) {
      if (flight.takenAt !== undefined && flight.takenAt + receiptBound <= now)
        this.settle(id, flight, 'no receipt came');
      return;
    }
    const pause = this.pauses.get(id);
    if (pause?.firm && pause.until > now) return;
    this.pauses.delete(id);
    const due = new Map(this.parts.queue.due(session).map((entry) => [entry.message, entry]));
    const batch = nextBatch([...due.keys()], (message) => Buffer.byteLength(textOf(due.get(message)!)));
    if (batch.length === 0) return;
    const next: Flight = { ids: new Set(batch.map((message) => message.id)) };
    this.flights.set(id, next);
    this.deliver(
      session,
      next,
      batch.map((message) => due.get(message)!),
    ).catch((error: unknown) => this.failed(id, next, error));
  }

  /**
   * Something in the way of a delivery went wrong before it was handed over (what follows is kept until it is recorded).
   * The flight is given back, and tried again: after a pause, or as soon as the database can be written (see `Outbox.resume`).
   */
  private failed(id: SessionId, flight: Flight | undefined, error: unknown): void {
    this.parts.log.error(`delivery to ${id}: ${messageOf(error)}`);
    if (this.stopping.signal.aborted || (flight && !this.isCurrent(id, flight))) return;
    if (flight) this.flights.delete(id);
    this.pauses.set(id, { until: this.awake() + notNowPause, firm: false });
    this.setTimer();
  }

  /** A safe moment. What is being ended is idle, too, when its turn has been cut. */
  private mayGetText(session: SessionInfo): boolean {
    return !hasEnded(session) && session.activity.kind === 'idle' && !this.parts.manager.isEnding(session.runId);
  }

  private async deliver(session: SessionInfo, flight: Flight, batch: readonly Entry[]): Promise<void> {
    const { manager, store } = this.parts;
    const { id } = session;
    const [first, ...others] = await this.withoutKnown(session, batch);
    if (!this.isCurrent(id, flight)) return;
    const now = this.parts.registry.find(id);
    if (!first || !now || !this.mayGetText(now)) return this.release(id);
    const entries: [Entry, ...Entry[]] = [first, ...others];
    store.transaction(() => entries.forEach(({ message }) => store.messages.addAttempt(message.id)));
    const outcome = await manager.drivers
      .deliver(id, composeDelivery(entries), this.stopping.signal)
      .catch((error: unknown): DeliveryOutcome => ({ kind: 'uncertain', reason: messageOf(error) }));
    if (!this.isCurrent(id, flight)) return;
    switch (outcome.kind) {
      case 'delivered':
        for (const entry of [...flight.ids]) manager.delivered(session.runId, entry);
        return this.release(id);
      case 'accepted':
        return this.taken(id, flight);
      case 'not-now':
        store.backlog.keep(() =>
          entries.forEach(({ message }) => flight.ids.has(message.id) && store.messages.takeBackAttempt(message.id)),
        );
        this.pauses.set(id, { until: this.awake() + notNowPause, firm: false });
        this.flights.delete(id);
        return this.setTimer();
      case 'failed':
      case 'uncertain':
        return this.doubt(id, flight, outcome.reason, outcome.kind === 'uncertain');
    }
  }

  /** What of the batch the model does not have already, by the program's own record of earlier attempts. */
  private async withoutKnown(session: SessionInfo, batch: readonly Entry[]): Promise<Entry[]> {
    const tried = batch.filter(({ message }) => message.attempts > 0).map(({ message }) => message.id);
    const { messages } = this.parts.store;
    const has = tried.length === 0 ? [] : await this.recall(session, tried);
    if (this.stopping.signal.aborted) return [];
    this.found(session, has ?? []);
    // Nobody can tell: it goes again, and says so.
    if (has === undefined) for (const id of tried) messages.setRepeated(id);
    return batch.flatMap(({ message: { id }, work, pointless }) => {
      const message = has?.includes(id) ? undefined : messages.get(id);
      if (message?.state !== 'accepted') return [];
      if (pointless === undefined) return [{ message, work }];
      this.parts.queue.close(message, pointless);
      return [];
    });
  }

  /** Undefined where the record cannot be read. */
  private async recall(session: SessionInfo, ids: readonly string[]): Promise<readonly string[] | undefined> {
    try {
      return await this.parts.manager.drivers.recall(session.id, ids);
    } catch (error) {
      this.parts.log.warn(`what ${session.id} has of ${ids.join(', ')} is not known: ${messageOf(error)}`);
      return undefined;
    }
  }

  /** The record has these. Where the session is idle, the turn that they were part of is over, too. */
  private found({ id, runId }: SessionInfo, entries: readonly string[]): void {
    const { manager, registry } = this.parts;
    for (const entry of entries) manager.delivered(runId, entry);
    if (entries.length > 0 && registry.find(id)?.activity.kind === 'idle') manager.turnEnded(runId);
  }

  private taken(id: SessionId, flight: Flight): void {
    if (flight.ids.size === 0) return this.release(id);
    flight.takenAt = this.awake();
    this.setTimer();
  }

  /** Taken, but not confirmed, though the turn is over. */
  private settle(id: SessionId, flight: Flight, reason: string): void {
    const session = this.parts.registry.get(id);
    delete flight.takenAt;
    this.recall(session, [...flight.ids])
      .then((has = []) => {
        if (!this.isCurrent(id, flight)) return;
        this.found(session, has);
        // A receipt that waits to be recorded is one.
        for (const entry of has) flight.ids.delete(entry);
        if (flight.ids.size === 0) this.release(id);
        else this.doubt(id, flight, reason, true);
      })
      .catch((error: unknown) => this.failed(id, flight, error));
  }

  private doubt(id: SessionId, flight: Flight, reason: string, uncertain: boolean): void {
    const { store, manager, log, registry } = this.parts;
    const now = manager.now();
    const ids = [...flight.ids];
    const failed = ids.flatMap((entry) => store.messages.get(entry) ?? []);
    const attempts = Math.max(1, ...failed.map((message) => message.attempts));
    const runId = registry.find(id)?.runId;
    store.backlog.keep(() => {
      for (const message of failed) {
        if (uncertain) store.messages.setRepeated(message.id);
        if (message.attempts < maxAttempts) store.messages.setReason(message.id, reason);
        // Mail waits to be read, with a notice or without.
        else if (message.kind === 'mail') store.messages.setNoticed(message.id, runId ?? '');
        else store.messages.close(message.id, 'dead', reason, now);
      }
      const detail = { messages: ids.join(', '), attempt: attempts, reason };
      store.addEvent({
        at: now,
        sessionId: id,
        ...(runId === undefined ? {} : { runId }),
        type: 'message.in-doubt',
        detail,
      });
    });
    log.warn(`attempt ${attempts} to deliver ${ids.join(', ')} to ${id} failed: ${reason}`);
    if (attempts < maxAttempts) this.pauses.set(id, { until: this.awake() + pauseAfter(attempts), firm: true });
    this.release(id);
    this.setTimer();
  }

  /** Nothing is on its way any more; what else is due may go. */
  private release(id: SessionId): void {
    this.flights.delete(id);
    this.parts.onChange();
    this.plan(id);
  }

  /** False when the session has ended meanwhile, or the host lets go: the next one looks up what has become of it. */
  private isCurrent(id: SessionId, flight: Flight): boolean {
    return this.flights.get(id) === flight && !this.stopping.signal.aborted;
  }
}
