import type { Delivery, DriverHost, RunReference, TurnFailure } from '../backends/driver.ts';
import { GasTownError, throwIfCancelled } from '../errors.ts';
import type { BackendName, ChildSession, SessionId, SessionInfo } from '../orchestrator.ts';
import type { Logger } from '../process/logger.ts';
import type { StoredRun, StoredSession } from '../store/sessions.ts';
import type { Store } from '../store/store.ts';
import { Adoptions } from './adoption.ts';
import type { Registry } from './registry.ts';
import { RunBook } from './run-book.ts';
import { RunControl } from './run-control.ts';
import type { NewSession, Restart, SpecBuilder } from './run-control.ts';
import { RunEmitters } from './run-events.ts';
import type { RunEvents } from './run-events.ts';
import { SessionDrivers } from './session-drivers.ts';
import { hasDied, hasEnded, infoOf } from './session-info.ts';
import type { Fact, Source, Status } from './status.ts';

export interface SessionManagerOptions {
  store: Store;
  registry: Registry;
  log: Logger;
  now: () => number;
  specOf: SpecBuilder;
}

/**
 * Starts, watches and stops runs through the drivers, and turns what they report into the registry's view. The intent is
 * in the store before the driver acts, so that a restart can tell what should be there.
 */
export class SessionManager implements DriverHost {
  readonly log: Logger;
  /** What is asked of the programs themselves. */
  readonly drivers: SessionDrivers;
  readonly events: RunEvents;
  private readonly store: Store;
  private readonly registry: Registry;
  private readonly clock: () => number;
  private readonly tell: RunEmitters;
  private readonly runs = new RunBook();
  private readonly control: RunControl;
  private readonly adoptions: Adoptions;
  private disposed = false;

  constructor(options: SessionManagerOptions) {
    this.log = options.log;
    this.store = options.store;
    this.registry = options.registry;
    this.clock = options.now;
    this.tell = new RunEmitters(options.log);
    this.events = this.tell.events;
    this.drivers = new SessionDrivers({
      registry: options.registry,
      log: options.log,
      adopted: (runId) => this.adoptions.settled(runId),
      sessionOf: (runId) => this.runs.sessionOf(runId),
    });
    const keeper = {
      ...options,
      driver: (backend: BackendName) => this.drivers.of(backend),
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
    this.adoptions = new Adoptions(keeper, (id, runId) => this.takeUpTurn(id, runId));
  }

  /** Takes an ended session of this name off the registry. Throws `name-taken` while it lives. */
  makeWay(id: SessionId): void {
    this.requireFree(id);
    const ended = this.registry.find(id);
    if (ended) this.drop(id, ended.runId);
  }

  /** Throws `name-taken` while a session of this name lives. */
  requireFree(id: SessionId): void {
    const present = this.registry.findLive(id) ?? (this.control.isRestarting(id) ? this.registry.find(id) : undefined);
    if (!present) return;
    throw new GasTownError(
      'name-taken',
      `${present.id} is already ${present.state}. Attach to it, stop it first, or choose another name.`,
    );
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
  async restart(
    id: SessionId,
    restart: Restart,
    signal: AbortSignal = new AbortController().signal,
  ): Promise<SessionInfo> {
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
    return hasDied(info) ? this.control.giveUp(id) : info;
  }

  /** Forgets a session that has ended; one that died is given up first. Throws `refused` while it lives. */
  async dismiss(id: SessionId): Promise<SessionInfo> {
    const info = this.registry.get(id);
    if (!hasEnded(info) || this.control.isRestarting(id))
      throw new GasTownError('refused', `${id} is ${info.state}. Stop it first: gt stop ${id}`);
    const after = hasDied(info) ? await this.control.giveUp(id) : info;
    this.store.sessions.remove(id);
    this.drop(id, info.runId);
    return after;
  }

  /** Whether the run is being ended, for good or to make room for the next: nothing is put before it any more. */
  isEnding(runId: string): boolean {
    return this.control.isReplaced(runId) || this.store.sessions.run(runId)?.stopRequestedAt !== undefined;
  }

  /**
   * Adopts, after a host restart, every run that the store remembers as alive; the others become visible as ended. All are
   * registered at once; what has become of those that seem to live is looked at when `ready` resolves.
   */
  adoptAll(ready?: Promise<void>): Promise<void> {
    return this.adoptions.all(ready);
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
    const id = this.disposed ? undefined : this.runs.sessionOf(runId);
    if (id === undefined) return;
    const status = this.runs.take({ runId, source, fact, cause, at: this.now(), seq });
    if (!status) return;
    if (fact.kind === 'answered')
      this.tell.answered.fire({ session: this.registry.get(id), runId, askId: fact.askId, cause });
    this.show(id, runId, status);
  }

  saveReference(runId: string, reference: RunReference): void {
    // Also while the host lets go: what a driver leaves half done, the next one has to know.
    if (!this.store.isOpen) return;
    this.store.sessions.saveReference(runId, reference);
  }

  setPid(runId: string, pid: number): void {
    if (this.disposed) return;
    this.store.backlog.keep(() => this.store.sessions.setPid(runId, pid));
    const id = this.runs.sessionOf(runId);
    if (id !== undefined) this.registry.update(id, { pid });
  }

  setChildren(runId: string, children: ChildSession[]): void {
    const id = this.disposed ? undefined : this.runs.sessionOf(runId);
    if (id !== undefined) this.registry.update(id, { children });
  }

  setProblem(runId: string, problem: string | undefined): void {
    const id = this.disposed ? undefined : this.runs.sessionOf(runId);
    if (id === undefined || this.registry.get(id).problem === problem) return;
    this.registry.update(id, { problem });
  }

  setHeld(runId: string, held: 'terminal-in-use' | undefined): void {
    const session = this.sessionAt(runId);
    if (session && session.held !== held) this.registry.update(session.id, { held });
  }

  progress(runId: string): void {
    this.runs.progress(runId, this.now());
  }

  /** When the run last gave a sign of progress, as far as this host has heard. */
  progressOf(runId: string): number | undefined {
    return this.runs.progressOf(runId);
  }

  delivered(runId: string, deliveryId: string): void {
    const session = this.sessionAt(runId);
    if (session) this.tell.delivered.fire({ session, runId, deliveryId });
  }

  turnEnded(runId: string, failure?: TurnFailure): void {
    this.runs.oweTurn(runId, false);
    const session = this.sessionAt(runId);
    // A turn that is cut short has not ended.
    if (session && !this.isEnding(runId)) this.tell.turnEnded.fire({ session, runId, ...(failure ? { failure } : {}) });
  }

  // the rest

  /** The turn may have ended while no host was there to hear of it, or of why. Idle says at the latest that it is over. */
  private async takeUpTurn(id: SessionId, runId: string): Promise<void> {
    const isOpen = (): boolean => this.store.messages.isTurnOpen(runId) && !this.store.troubles.isOf(runId);
    if (!isOpen()) return;
    const failure = await this.drivers.lastFailure(id);
    // What has been told meanwhile is not told twice.
    if (this.disposed || !isOpen()) return;
    if (failure) this.turnEnded(runId, failure);
    else this.runs.oweTurn(runId, true);
  }

  private sessionAt(runId: string): SessionInfo | undefined {
    const id = this.disposed ? undefined : this.runs.sessionOf(runId);
    return id === undefined ? undefined : this.registry.find(id);
  }

  private enter(session: StoredSession, run: StoredRun): void {
    this.runs.open(run);
    this.registry.register(infoOf(session, run));
  }

  private replace(session: StoredSession, run: StoredRun, before: string, cause: string): void {
    const wasOver = hasEnded(this.registry.get(session.id));
    this.runs.close(before);
    this.runs.open(run);
    this.tell.replaced.fire({
      session: this.registry.replace({ ...infoOf(session, run), cause }),
      runId: before,
      wasOver,
    });
  }

  private show(id: SessionId, runId: string, status: Status): void {
    const before = this.registry.get(id);
    if (this.control.isStarting(runId) && hasEnded(status)) return;
    if (this.control.isReplaced(runId)) return;
    const after = this.registry.update(id, status);
    const changed =
      before.state !== after.state ||
      before.activity.kind !== after.activity.kind ||
      hasDied(before) !== hasDied(after);
    if (!changed) return;
    if (after.activity.kind === 'idle' && this.runs.owesTurn(runId)) this.turnEnded(runId);
    this.record(id, runId, 'session.status', { state: after.state, activity: after.activity.kind, cause: after.cause });
    if (before.state !== after.state) {
      this.log.info(`[orchestration] session ${id} state: ${before.state} → ${after.state} (${after.cause})`);
    }
    if (!hasEnded(before) && hasEnded(after)) {
      const end = after.state === 'failed' ? 'failed' : status.endedUnseen ? 'ended-unseen' : 'stopped';
      const at = this.now();
      // One that had ended before this host came is only shown again.
      const recorded = this.store.sessions.run(runId);
      if (!recorded || hasEnded(recorded)) return;
      this.store.backlog.keep(() =>
        this.store.sessions.end(runId, end, at, end === 'stopped' ? undefined : after.cause),
      );
      this.tell.ended.fire({ session: after, runId, status });
    } else if (hasDied(before) && hasEnded(after) && !hasDied(after)) {
      this.tell.ended.fire({ session: after, runId, status });
    }
  }

  /** A run that ended between being ready and `start` returning is shown only now. */
  private noteEnd(runId: string): void {
    const status = this.runs.statusOf(runId);
    const id = this.runs.sessionOf(runId);
    if (status && id !== undefined) this.show(id, runId, status);
  }

  private drop(id: SessionId, runId: string): void {
    this.runs.close(runId);
    this.registry.unregister(id);
  }

  private record(sessionId: SessionId, runId: string, type: string, detail: Record<string, unknown>): void {
    const event = { at: this.now(), sessionId, runId, type, detail };
    this.store.backlog.keep(() => this.store.addEvent(event));
  }
}
