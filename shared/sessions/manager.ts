import type {
  AskAnswer,
  AttachTarget,
  BackendDriver,
  Delivery,
  DeliveryOutcome,
  DriverHost,
  InsideEvent,
  RunReference,
  RunSpec,
} from '../backends/driver.ts';
import { GasTownError, messageOf, throwIfCancelled } from '../errors.ts';
import type { BackendName, ChildSession, SessionId, SessionInfo, SessionState } from '../orchestrator.ts';
import { Emitter } from '../process/emitter.ts';
import { newId, newToken } from '../process/ids.ts';
import type { Logger } from '../process/logger.ts';
import type { StoredRun, StoredSession } from '../store/sessions.ts';
import type { Store } from '../store/store.ts';
import type { Registry } from './registry.ts';
import { infoOf } from './session-info.ts';
import { StatusBook } from './status-book.ts';
import type { Fact, Source, Status } from './status.ts';

export type NewSession = Omit<StoredSession, 'runId' | 'createdAt'>;

/** Makes the driver's order out of what is stored; the first prompt only where the run is new. */
export type SpecBuilder = (session: StoredSession, run: StoredRun, firstPrompt?: Delivery) => Promise<RunSpec>;

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

/**
 * Starts, watches and stops runs through the drivers, and turns what they report into the registry's view. The intent is
 * in the store before the driver acts, so that a restart can tell what should be there.
 */
export class SessionManager implements DriverHost {
  readonly log: Logger;
  private readonly store: Store;
  private readonly registry: Registry;
  private readonly clock: () => number;
  private readonly specOf: SpecBuilder;
  private readonly drivers = new Map<BackendName, BackendDriver>();
  private readonly statuses = new StatusBook();
  private readonly sessionOfRun = new Map<string, SessionId>();
  /** Runs whose start has not returned: their end is the start's failure, not an event of its own. */
  private readonly starting = new Map<string, { cancel: AbortController; settled: Promise<void> }>();
  private disposed = false;
  /** Runs of an earlier host of which it is not yet known whether they still run. */
  private readonly adoptions = new Map<string, Promise<void>>();
  /** Adopted runs that had been given something whose turn was not over when the last host went. */
  private readonly owedTurns = new Set<string>();

  private readonly deliveredEmitter: Emitter<RunEvent & { deliveryId: string }>;
  private readonly turnEndedEmitter: Emitter<RunEvent>;
  private readonly endedEmitter: Emitter<RunEvent & { status: Status }>;
  readonly onDelivered: Emitter<RunEvent & { deliveryId: string }>['event'];
  readonly onTurnEnded: Emitter<RunEvent>['event'];
  readonly onEnded: Emitter<RunEvent & { status: Status }>['event'];

  constructor(options: SessionManagerOptions) {
    this.log = options.log;
    this.store = options.store;
    this.registry = options.registry;
    this.clock = options.now;
    this.specOf = options.specOf;
    const failed = (error: unknown): void => this.log.error(`a listener failed: ${messageOf(error)}`);
    this.deliveredEmitter = new Emitter(failed);
    this.turnEndedEmitter = new Emitter(failed);
    this.endedEmitter = new Emitter(failed);
    this.onDelivered = this.deliveredEmitter.event;
    this.onTurnEnded = this.turnEndedEmitter.event;
    this.onEnded = this.endedEmitter.event;
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
    if (!present || hasEnded(present)) return;
    throw new GasTownError('name-taken', `${id} is already ${present.state}. Attach to it, stop it first, or choose another name.`);
  }

  /**
   * Starts a new run of a session. Resolves when it can take prompts; on rejection the session is gone again, and the
   * driver has cleaned up what it had started.
   */
  async start(wanted: NewSession, signal: AbortSignal, firstPrompt?: Delivery): Promise<SessionInfo> {
    throwIfCancelled(signal, `Starting ${wanted.id}`);
    this.makeWay(wanted.id);
    const now = this.now();
    const session: StoredSession = { ...wanted, runId: newId('run'), createdAt: now };
    const run: StoredRun = {
      id: session.runId,
      sessionId: session.id,
      token: newToken(),
      state: 'starting',
      reference: {},
      startedAt: now,
    };
    this.store.sessions.begin(session, run);
    this.enter(session, run);
    const cancel = new AbortController();
    let settle = (): void => undefined;
    const settled = new Promise<void>((resolve) => {
      settle = resolve;
    });
    this.starting.set(run.id, { cancel, settled });
    this.record(session.id, run.id, 'session.starting', { agent: session.agent.name, workDir: session.workDir });
    try {
      const driver = this.driver(session.backend);
      await driver.start(await this.specOf(session, run, firstPrompt), AbortSignal.any([signal, cancel.signal]));
      this.starting.delete(run.id);
      this.store.sessions.setRunning(run.id);
      this.report(run.id, 'host', { kind: 'ready' }, 'session started');
      this.noteEnd(run.id);
      this.log.info(`[orchestration] spawned ${session.backend} session ${session.id} for rig ${session.rig || '-'}`);
      return this.registry.get(session.id);
    } catch (error) {
      this.starting.delete(run.id);
      this.record(session.id, run.id, 'session.start-failed', { error: messageOf(error) });
      this.log.warn(`[orchestration] ${session.id} did not start: ${messageOf(error)}`);
      this.forget(session.id, run.id);
      throw error;
    } finally {
      settle();
    }
  }

  /** Stops the session's run. What was asked for is recorded first, so that no restart undoes it. */
  async stop(id: SessionId): Promise<SessionInfo> {
    const info = this.registry.get(id);
    if (hasEnded(info)) return info;
    this.store.sessions.requestStop(info.runId, this.now());
    this.report(info.runId, 'host', { kind: 'stopping' }, 'stop requested');
    const start = this.starting.get(info.runId);
    if (start) {
      start.cancel.abort();
      await start.settled;
      const cause = 'stopped before it was ready';
      if (this.registry.find(id)?.runId !== info.runId) return { ...info, state: 'stopped', since: this.now(), cause };
    }
    await this.adoptions.get(info.runId);
    await this.driver(info.backend).stop(info.runId);
    this.report(info.runId, 'host', { kind: 'ended' }, 'stopped on request');
    return this.registry.get(id);
  }

  deliver(id: SessionId, delivery: Delivery, signal: AbortSignal): Promise<DeliveryOutcome> {
    const info = this.registry.get(id);
    return this.driver(info.backend).deliver(info.runId, delivery, signal);
  }

  async answer(id: SessionId, askId: string, answer: AskAnswer): Promise<void> {
    const info = this.registry.get(id);
    const ask = info.asks.find((open) => open.id === askId);
    if (!ask) throw new GasTownError('refused', `${id} no longer waits for this: it was answered elsewhere, or the turn ended.`);
    if (!ask.resolvable) throw new GasTownError('refused', `"${ask.title}" can only be answered in the terminal of ${id}.`);
    await this.driver(info.backend).answer(info.runId, askId, answer);
    this.record(id, info.runId, 'ask.answered', { ask: ask.title, answer: answer.kind });
  }

  async attach(id: SessionId): Promise<AttachTarget> {
    await this.adoptions.get(this.registry.get(id).runId);
    const info = this.registry.get(id);
    if (hasEnded(info)) throw new GasTownError('refused', `${id} has ended (${info.cause}). Start it again to attach.`);
    return this.driver(info.backend).attach(info.runId);
  }

  async fromInside(runId: string, event: InsideEvent): Promise<unknown> {
    const id = this.sessionOfRun.get(runId);
    if (id === undefined) return undefined;
    return this.driver(this.registry.get(id).backend).fromInside(runId, event);
  }

  /** Takes up, after a host restart, every run that the store remembers as alive; the others become visible as ended. */
  async adoptAll(): Promise<void> {
    const known = this.store.sessions.all();
    const adoptions = known.map(({ session, run }) => {
      const adoption = this.adopt(session, run).finally(() => this.adoptions.delete(run.id));
      this.adoptions.set(run.id, adoption);
      return adoption;
    });
    await Promise.all(adoptions);
  }

  private async adopt(session: StoredSession, run: StoredRun): Promise<void> {
    this.enter(session, run);
    if (hasEnded(run)) {
      this.report(run.id, 'host', endOf(run), run.error ?? 'ended earlier');
      return;
    }
    try {
      const spec = await this.specOf(session, run);
      const unconfirmed = this.store.messages.pending(session.id).map(({ id }) => id);
      const record = { sessionId: session.id, runId: run.id, reference: run.reference, spec, unconfirmed };
      if (run.stopRequestedAt !== undefined) {
        this.report(run.id, 'host', { kind: 'stopping' }, 'stop requested before the restart');
        if (await this.driver(session.backend).adopt(record)) await this.driver(session.backend).stop(run.id);
        this.report(run.id, 'host', { kind: 'ended' }, 'stopped on request');
      } else if (await this.driver(session.backend).adopt(record)) {
        this.store.sessions.setRunning(run.id);
        if (this.store.messages.isTurnOpen(run.id)) this.owedTurns.add(run.id);
        this.report(run.id, 'host', { kind: 'ready' }, 'taken up again after a restart of the host');
        this.record(session.id, run.id, 'session.adopted', {});
      } else {
        this.report(run.id, 'host', { kind: 'ended', error: 'it ended while no host was there' }, 'gone');
      }
    } catch (error) {
      if (this.disposed) return;
      this.report(run.id, 'host', { kind: 'failed', error: `could not be taken up again: ${messageOf(error)}` }, 'adopt');
    }
  }

  /** Takes no more reports: the store is about to be closed, and sessions live on for the next host. */
  dispose(): void {
    this.disposed = true;
  }

  // DriverHost

  now(): number {
    return this.clock();
  }

  report(runId: string, source: Source, fact: Fact, cause: string, seq?: number): void {
    const id = this.disposed ? undefined : this.sessionOfRun.get(runId);
    if (id === undefined) return;
    const status = this.statuses.take({ runId, source, fact, cause, at: this.now(), seq });
    if (status) this.show(id, runId, status);
  }

  saveReference(runId: string, reference: RunReference): void {
    if (this.disposed) return;
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

  delivered(runId: string, deliveryId: string): void {
    const session = this.sessionAt(runId);
    if (session) this.deliveredEmitter.fire({ session, runId, deliveryId });
  }

  turnEnded(runId: string): void {
    this.owedTurns.delete(runId);
    const session = this.sessionAt(runId);
    if (session) this.turnEndedEmitter.fire({ session, runId });
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

  private show(id: SessionId, runId: string, status: Status): void {
    const before = this.registry.get(id);
    if (this.starting.has(runId) && (status.state === 'failed' || status.state === 'stopped')) return;
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
    }
  }

  /** A run that ended between being ready and `start` returning is shown only now. */
  private noteEnd(runId: string): void {
    const status = this.statuses.of(runId);
    const id = this.sessionOfRun.get(runId);
    if (status && id !== undefined) this.show(id, runId, status);
  }

  private forget(id: SessionId, runId: string): void {
    this.store.sessions.remove(id);
    this.drop(id, runId);
  }

  private drop(id: SessionId, runId: string): void {
    this.statuses.close(runId);
    this.sessionOfRun.delete(runId);
    this.owedTurns.delete(runId);
    this.registry.unregister(id);
  }

  private record(sessionId: SessionId, runId: string, type: string, detail: Record<string, unknown>): void {
    this.store.addEvent({ at: this.now(), sessionId, runId, type, detail });
  }
}

/** Whether the session's run is over. */
export function hasEnded({ state }: { state: SessionState }): boolean {
  return state === 'stopped' || state === 'failed';
}

function endOf(run: StoredRun): Fact {
  if (run.state === 'failed') return { kind: 'failed', error: run.error ?? 'failed' };
  return { kind: 'ended' };
}
