import type {
  AskAnswer,
  AttachTarget,
  BackendDriver,
  Delivery,
  DeliveryOutcome,
  DriverHost,
  InsideEvent,
  RunReference,
  TurnFailure,
} from '../backends/driver.ts';
import { GasTownError, messageOf, throwIfCancelled } from '../errors.ts';
import type { BackendName, ChildSession, SessionId, SessionInfo } from '../orchestrator.ts';
import { Emitter } from '../process/emitter.ts';
import type { Logger } from '../process/logger.ts';
import type { StoredRun, StoredSession } from '../store/sessions.ts';
import type { Store } from '../store/store.ts';
import { Adoptions } from './adoption.ts';
import type { Registry } from './registry.ts';
import { RunControl } from './run-control.ts';
import type { NewSession, Restart, SpecBuilder } from './run-control.ts';
import { hasEnded, infoOf } from './session-info.ts';
import { StatusBook } from './status-book.ts';
import type { Fact, Source, Status } from './status.ts';

export interface SessionManagerOptions {
  store: Store;
  registry: Registry;
  log: Logger;
  now: () => number;
  specOf: SpecBuilder;
}

export interface RunEvent {
  session: SessionInfo;
  runId: string;
}

export interface TurnEnd extends RunEvent {
  /** Set where the model did not answer: what was in the turn has not been acted on. */
  failure?: TurnFailure;
}

/**
 * Starts, watches and stops runs through the drivers, and turns what they report into the registry's view. The intent is
 * in the store before the driver acts, so that a restart can tell what should be there.
 */
export class SessionManager implements DriverHost {
  readonly log: Logger;
  private readonly store: Store;
  private readonly registry: Registry;
  private readonly clock: () => number;
  private readonly drivers = new Map<BackendName, BackendDriver>();
  private readonly statuses = new StatusBook();
  private readonly sessionOfRun = new Map<string, SessionId>();
  private readonly control: RunControl;
  private readonly adoptions: Adoptions;
  private disposed = false;
  /** When a sign of progress was last heard of a run, in epoch milliseconds. */
  private readonly progresses = new Map<string, number>();
  /** Adopted runs that had been given something whose turn was not over when the last host went. */
  private readonly owedTurns = new Set<string>();

  private readonly deliveredEmitter: Emitter<RunEvent & { deliveryId: string }>;
  private readonly turnEndedEmitter: Emitter<TurnEnd>;
  private readonly endedEmitter: Emitter<RunEvent & { status: Status }>;
  private readonly replacedEmitter: Emitter<RunEvent>;
  private readonly answeredEmitter: Emitter<RunEvent & { askId: string; cause: string }>;
  readonly onDelivered: Emitter<RunEvent & { deliveryId: string }>['event'];
  readonly onTurnEnded: Emitter<TurnEnd>['event'];
  /** The session's run is over, and it was not ended for a restart. Told again when one that failed is given up. */
  readonly onEnded: Emitter<RunEvent & { status: Status }>['event'];
  /** `session` goes on with another run than `runId`. */
  readonly onReplaced: Emitter<RunEvent>['event'];
  /** An ask was answered, or is no longer asked; `cause` says how. Told before it shows; may be repeated. */
  readonly onAnswered: Emitter<RunEvent & { askId: string; cause: string }>['event'];

  constructor(options: SessionManagerOptions) {
    this.log = options.log;
    this.store = options.store;
    this.registry = options.registry;
    this.clock = options.now;
    const failed = (error: unknown): void => this.log.error(`a listener failed: ${messageOf(error)}`);
    this.deliveredEmitter = new Emitter(failed);
    this.turnEndedEmitter = new Emitter(failed);
    this.endedEmitter = new Emitter(failed);
    this.replacedEmitter = new Emitter(failed);
    this.answeredEmitter = new Emitter(failed);
    this.onDelivered = this.deliveredEmitter.event;
    this.onTurnEnded = this.turnEndedEmitter.event;
    this.onEnded = this.endedEmitter.event;
    this.onReplaced = this.replacedEmitter.event;
    this.onAnswered = this.answeredEmitter.event;
    const keeper = {
      ...options,
      driver: (backend: BackendName) => this.driver(backend),
      adopted: (runId: string) => this.adoptions.settled(runId),
      isDisposed: () => this.disposed,
      report: (runId: string, fact: Fact, cause: string) => this.report(runId, 'host', fact, cause),
      record: this.record.bind(this),
      enter: this.enter.bind(this),
      replace: this.replace.bind(this),
      drop: this.drop.bind(this),
      noteEnd: this.noteEnd.bind(this),
    };
    this.control = new RunControl(keeper);
    this.adoptions = new Adoptions(keeper, {
      isDisposed: () => this.disposed,
      onAdopted: (runId) => {
        if (this.store.messages.isTurnOpen(runId) && !this.store.troubles.isOf(runId)) this.owedTurns.add(runId);
      },
    });
  }

  addDriver(driver: BackendDriver): void {
    this.drivers.set(driver.backend, driver);
  }

  driver(backend: BackendName): BackendDriver {
    const driver = this.drivers.get(backend);
    if (!driver) throw new GasTownError('unknown-backend', `There is no backend "${backend}" in this window.`);
    return driver;
  }

  /** Takes an ended session of this name off the registry. Throws `name-taken` while it lives. */
  makeWay(id: SessionId): void {
    this.requireFree(id);
    const ended = this.registry.find(id);
    if (ended) this.drop(id, ended.runId);
  }

  /** Throws `name-taken` while a session of this name lives. */
  requireFree(id: SessionId): void {
    const present = this.registry.find(id);
    if (!present || (hasEnded(present) && !this.control.isRestarting(id))) return;
    throw new GasTownError('name-taken', `${id} is already ${present.state}. Attach to it, stop it first, or choose another name.`);
  }

  /**
   * Starts a session. Resolves when it can take prompts; on rejection the session is gone again, and the driver has
   * cleaned up what it had started.
   */
  async start(wanted: NewSession, signal: AbortSignal, firstPrompt?: Delivery): Promise<SessionInfo> {
    throwIfCancelled(signal, `Starting ${wanted.id}`);
    this.makeWay(wanted.id);
    return this.control.start(wanted, signal, firstPrompt);
  }

  /**
   * Gives the session a new run in its work dir, ending the one that it has. With an agent of the same backend the new run
   * resumes the conversation where the program still knows it. What the session has stays its own throughout. Resolves when
   * the run can take prompts; on rejection the session stays, as failed (or stopped, where somebody stopped it meanwhile).
   */
  async restart(id: SessionId, restart: Restart, signal: AbortSignal = new AbortController().signal): Promise<SessionInfo> {
    throwIfCancelled(signal, `Restarting ${id}`);
    return this.control.restart(id, restart, signal);
  }

  /** Whether a restart of the session is under way. */
  isRestarting(id: SessionId): boolean {
    return this.control.isRestarting(id);
  }

  /**
   * Stops the session's run; one that has failed is given up. What was asked for is recorded first, so that no restart
   * undoes it.
   */
  async stop(id: SessionId): Promise<SessionInfo> {
    const info = this.registry.get(id);
    if (!hasEnded(info) || this.control.isRestarting(id)) return this.control.stop(id);
    return info.state === 'failed' ? this.control.giveUp(id) : info;
  }

  /** Whether the run is being ended, for good or to make room for the next: nothing is put before it any more. */
  isEnding(runId: string): boolean {
    return this.control.isReplaced(runId) || this.store.sessions.run(runId)?.stopRequestedAt !== undefined;
  }

  deliver(id: SessionId, delivery: Delivery, signal: AbortSignal): Promise<DeliveryOutcome> {
    const info = this.registry.get(id);
    return this.driver(info.backend).deliver(info.runId, delivery, signal);
  }

  recall(id: SessionId, messageIds: readonly string[]): Promise<readonly string[]> {
    const info = this.registry.get(id);
    return this.driver(info.backend).recall(info.runId, messageIds);
  }

  async answer(id: SessionId, askId: string, answer: AskAnswer): Promise<void> {
    const info = this.registry.get(id);
    const ask = info.asks.find((open) => open.id === askId);
    if (!ask) throw new GasTownError('refused', `${id} no longer waits for this: it was answered elsewhere, or the turn ended.`);
    if (!ask.resolvable) throw new GasTownError('refused', `"${ask.title}" can only be answered in the terminal of ${id}.`);
    await this.driver(info.backend).answer(info.runId, askId, answer);
  }

  async attach(id: SessionId): Promise<AttachTarget> {
    await this.adoptions.settled(this.registry.get(id).runId);
    const info = this.registry.get(id);
    if (hasEnded(info)) throw new GasTownError('refused', `${id} has ended (${info.cause}). Start it again to attach.`);
    return this.driver(info.backend).attach(info.runId);
  }

  /** What the session's model said last, where its program can tell. */
  async lastWords(id: SessionId): Promise<string | undefined> {
    const info = this.registry.get(id);
    if (hasEnded(info)) return undefined;
    try {
      return await this.driver(info.backend).lastWords(info.runId);
    } catch (error) {
      this.log.debug(`the last words of ${id} are not known: ${messageOf(error)}`);
      return undefined;
    }
  }

  async fromInside(runId: string, event: InsideEvent): Promise<unknown> {
    const id = this.sessionOfRun.get(runId);
    if (id === undefined) return undefined;
    return this.driver(this.registry.get(id).backend).fromInside(runId, event);
  }

  /** Takes up, after a host restart, every run that the store remembers as alive; the others become visible as ended. */
  adoptAll(): Promise<void> {
    return this.adoptions.all();
  }

  /**
   * Takes no more reports: the store is about to be closed, and sessions live on for the next host. Call it before the
   * drivers let go, so that what they give up on is not taken for a stop or a failed start.
   */
  dispose(): void {
    this.disposed = true;
  }

  /** Resolves when it is known of every run of this backend that an earlier host left whether it still runs. */
  adopted(backend: BackendName): Promise<void> {
    return this.adoptions.allSettled(backend);
  }

  // DriverHost

  now(): number {
    return this.clock();
  }

  report(runId: string, source: Source, fact: Fact, cause: string, seq?: number): void {
    const id = this.disposed ? undefined : this.sessionOfRun.get(runId);
    if (id === undefined) return;
    const status = this.statuses.take({ runId, source, fact, cause, at: this.now(), seq });
    if (!status) return;
    if (fact.kind === 'answered') this.answeredEmitter.fire({ session: this.registry.get(id), runId, askId: fact.askId, cause });
    this.show(id, runId, status);
  }

  saveReference(runId: string, reference: RunReference): void {
    // Also while the host lets go: what a driver leaves half done, the next one has to know.
    if (!this.store.isOpen) return;
    this.store.sessions.saveReference(runId, reference);
  }

  setPid(runId: string, pid: number): void {
    if (this.disposed) return;
    this.store.sessions.setPid(runId, pid);
    const id = this.sessionOfRun.get(runId);
    if (id !== undefined) this.registry.update(id, { pid });
  }

  setChildren(runId: string, children: ChildSession[]): void {
    const id = this.disposed ? undefined : this.sessionOfRun.get(runId);
    if (id !== undefined) this.registry.update(id, { children });
  }

  progress(runId: string): void {
    if (this.sessionOfRun.has(runId)) this.progresses.set(runId, this.now());
  }

  /** When the run last gave a sign of progress, as far as this host has heard. */
  progressOf(runId: string): number | undefined {
    return this.progresses.get(runId);
  }

  delivered(runId: string, deliveryId: string): void {
    const session = this.sessionAt(runId);
    if (session) this.deliveredEmitter.fire({ session, runId, deliveryId });
  }

  turnEnded(runId: string, failure?: TurnFailure): void {
    this.owedTurns.delete(runId);
    const session = this.sessionAt(runId);
    // A turn that is cut short has not ended.
    if (session && !this.isEnding(runId)) this.turnEndedEmitter.fire({ session, runId, ...(failure ? { failure } : {}) });
  }

  // the rest

  private sessionAt(runId: string): SessionInfo | undefined {
    const id = this.disposed ? undefined : this.sessionOfRun.get(runId);
    return id === undefined ? undefined : this.registry.find(id);
  }

  private enter(session: StoredSession, run: StoredRun): void {
    this.statuses.open(run.id, run.startedAt);
    this.sessionOfRun.set(run.id, session.id);
    this.registry.register(infoOf(session, run));
  }

  private replace(session: StoredSession, run: StoredRun, before: string, cause: string): void {
    this.close(before);
    this.statuses.open(run.id, run.startedAt);
    this.sessionOfRun.set(run.id, session.id);
    this.replacedEmitter.fire({ session: this.registry.replace({ ...infoOf(session, run), cause }), runId: before });
  }

  private show(id: SessionId, runId: string, status: Status): void {
    const before = this.registry.get(id);
    if (this.control.isStarting(runId) && hasEnded(status)) return;
    if (this.control.isReplaced(runId)) return;
    const after = this.registry.update(id, status);
    const changed = before.state !== after.state || before.activity.kind !== after.activity.kind;
    if (!changed) return;
    // The turn may have ended while no host was there to hear of it; idle says so at the latest.
    if (after.activity.kind === 'idle' && this.owedTurns.has(runId)) this.turnEnded(runId);
    this.record(id, runId, 'session.status', { state: after.state, activity: after.activity.kind, cause: after.cause });
    if (before.state !== after.state) {
      this.log.info(`[orchestration] session ${id} state: ${before.state} → ${after.state} (${after.cause})`);
    }
    if (!hasEnded(before) && hasEnded(after)) {
      const end = after.state === 'failed' ? 'failed' : 'stopped';
      // One that had ended before this host came is only shown again.
      if (this.store.sessions.end(runId, end, this.now(), end === 'failed' ? after.cause : undefined)) {
        this.endedEmitter.fire({ session: after, runId, status });
      }
    } else if (before.state === 'failed' && after.state === 'stopped') {
      this.endedEmitter.fire({ session: after, runId, status });
    }
  }

  /** A run that ended between being ready and `start` returning is shown only now. */
  private noteEnd(runId: string): void {
    const status = this.statuses.of(runId);
    const id = this.sessionOfRun.get(runId);
    if (status && id !== undefined) this.show(id, runId, status);
  }

  private drop(id: SessionId, runId: string): void {
    this.close(runId);
    this.registry.unregister(id);
  }

  /** What comes of the run from now on is late, and changes nothing. */
  private close(runId: string): void {
    this.statuses.close(runId);
    this.sessionOfRun.delete(runId);
    this.owedTurns.delete(runId);
    this.progresses.delete(runId);
  }

  private record(sessionId: SessionId, runId: string, type: string, detail: Record<string, unknown>): void {
    this.store.addEvent({ at: this.now(), sessionId, runId, type, detail });
  }
}
