import type { DriverHost } from '../backends/driver.ts';
import type { ChildSession, SessionId, SessionInfo } from '../domain/orchestrator.ts';
import type { RunReference, TurnFailure } from '../domain/run.ts';
import { hasDied, hasEnded } from '../domain/session-state.ts';
import type { StatusReport, Source } from '../domain/status-report.ts';
import { DisposableStore } from '../platform/disposable-store.ts';
import type { Disposable } from '../platform/emitter.ts';
import type { Logger } from '../platform/logger.ts';
import type { TownClock } from '../platform/town-clock.ts';
import type { StoredRun, StoredSession } from '../store/sessions.ts';
import type { Store } from '../store/store.ts';
import type { Registry } from './registry.ts';
import { RunStatusTracker } from './run-status-tracker.ts';
import { RunEmitters } from './run-events.ts';
import type { RunEvents } from './run-events.ts';
import { infoOf } from './session-info.ts';
import type { Status } from './status.ts';

export interface LiveRunsOptions {
  store: Store;
  registry: Registry;
  log: Logger;
  clock: TownClock;
}

/**
 * The present runs of the sessions, and what drivers report of them: it goes into the registry's view, the record, and the
 * events. It starts and ends nothing.
 */
export class LiveRuns implements DriverHost, Disposable {
  readonly log: Logger;
  readonly events: RunEvents;
  private readonly store: Store;
  private readonly registry: Registry;
  private readonly disposables = new DisposableStore();
  readonly clock: TownClock;
  private readonly tell: RunEmitters;
  private readonly runs = new RunStatusTracker();
  /** Runs whose start has not returned: their end is the start's failure, not an event of its own. */
  private readonly starting = new Set<string>();
  /** Runs that are ended only to make room for their session's next one. */
  private readonly replaced = new Set<string>();
  /** Runs whose last turn failed while no host was there, which has been told: the same failure, once more, is no other one. */
  private readonly failedUnseen = new Map<string, string>();
  private disposed = false;

  constructor({ store, registry, log, clock }: LiveRunsOptions) {
    this.log = log;
    this.store = store;
    this.registry = registry;
    this.clock = clock;
    this.disposables.add(clock.onDidJump((by) => this.onJump(by)));
    this.disposables.add(clock.onAfterJump(() => this.showShifted()));
    this.tell = new RunEmitters(log);
    this.events = this.tell.events;
  }

  /** The host is letting go of the town: no more reports are taken. */
  get isDisposed(): boolean {
    return this.disposed;
  }

  dispose(): void {
    this.disposed = true;
    void this.disposables.dispose();
  }

  /** Whose run it is; undefined for one that is not the present one of its session. */
  sessionOf(runId: string): SessionId | undefined {
    return this.runs.sessionOf(runId);
  }

  /** Takes a run of a new session into the registry. */
  enter(session: StoredSession, run: StoredRun): void {
    this.runs.open(run);
    this.registry.register(infoOf(session, run));
  }

  /** The session goes on with another run; `cause` says why. */
  replace(session: StoredSession, run: StoredRun, before: string, cause: string): void {
    const wasOver = hasEnded(this.registry.get(session.id));
    this.close(before);
    this.runs.open(run);
    this.tell.replaced.fire({
      session: this.registry.replace({ ...infoOf(session, run), cause }),
      runId: before,
      wasOver,
    });
  }

  /** Takes the session off the registry. */
  drop(id: SessionId, runId: string): void {
    this.close(runId);
    this.registry.unregister(id);
  }

  /** Whether its start is under way: its end is not shown meanwhile. */
  setStarting(runId: string, starting: boolean): void {
    if (starting) this.starting.add(runId);
    else this.starting.delete(runId);
  }

  /** Whether it is ended only to make room for the session's next run: nothing of it is shown meanwhile. */
  setReplaced(runId: string, replaced: boolean): void {
    if (replaced) this.replaced.add(runId);
    else this.replaced.delete(runId);
  }

  /** Whether the run is being ended, for good or to make room for the next: nothing is put before it any more. */
  isEnding(runId: string): boolean {
    return this.replaced.has(runId) || this.store.sessions.run(runId)?.stopRequestedAt !== undefined;
  }

  /** A turn of it that an earlier host saw begin may have ended since: its being idle tells that it has. */
  oweTurn(runId: string): void {
    this.runs.oweTurn(runId, true);
  }

  /** A turn of it failed while no host was there. Its driver may find that, too, and tell. */
  failedMeanwhile(runId: string, failure: TurnFailure): void {
    this.turnEnded(runId, failure);
    this.failedUnseen.set(runId, failure.reason);
  }

  /** What the run's status says by now, in case nothing was shown of it before: a run that ended between being ready and `start` returning. */
  noteEnd(runId: string): void {
    const status = this.runs.statusOf(runId);
    const id = this.runs.sessionOf(runId);
    if (status && id !== undefined) this.show(id, runId, status);
  }

  record(sessionId: SessionId, runId: string, type: string, detail: Record<string, unknown>): void {
    const event = { at: this.now(), sessionId, runId, type, detail };
    this.store.backlog.keep(() => this.store.addEvent(event));
  }

  // DriverHost

  now(): number {
    return this.clock.now();
  }

  awake(): number {
    return this.clock.awake();
  }

  report(runId: string, source: Source, fact: StatusReport, cause: string, seq?: number): void {
    const id = this.disposed ? undefined : this.runs.sessionOf(runId);
    if (id === undefined) return;
    if (fact.kind === 'busy') this.failedUnseen.delete(runId);
    const status = this.runs.take({ runId, source, fact, cause, at: this.now(), seq });
    if (!status) return;
    if (fact.kind === 'answered') {
      const { kind: _answered, ...end } = fact;
      this.tell.answered.fire({ session: this.registry.get(id), runId, ...end, cause });
    }
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

  setServerPid(runId: string, serverPid: number): void {
    const id = this.disposed ? undefined : this.runs.sessionOf(runId);
    if (id !== undefined) this.registry.update(id, { serverPid });
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
    const told = this.failedUnseen.get(runId);
    this.failedUnseen.delete(runId);
    if (failure && failure.reason === told) return;
    const session = this.sessionAt(runId);
    // A turn that is cut short has not ended.
    if (session && !this.isEnding(runId)) this.tell.turnEnded.fire({ session, runId, ...(failure ? { failure } : {}) });
  }

  // the rest

  /** What was noted before the clock was set back stays older than what comes now. */
  private onJump(by: number): void {
    const seconds = Math.round(Math.abs(by) / 1000);
    this.log.info(
      `[orchestration] the clock was set ${by < 0 ? `back by ${seconds} s` : `forward by ${seconds} s, or the machine slept`}`,
    );
    if (by < 0) this.runs.shift(by);
  }

  private showShifted(): void {
    for (const [id, { since }] of this.runs.all())
      if (this.registry.get(id).since !== since) this.registry.update(id, { since });
  }

  private close(runId: string): void {
    this.runs.close(runId);
    this.failedUnseen.delete(runId);
  }

  private sessionAt(runId: string): SessionInfo | undefined {
    const id = this.disposed ? undefined : this.runs.sessionOf(runId);
    return id === undefined ? undefined : this.registry.find(id);
  }

  private show(id: SessionId, runId: string, status: Status): void {
    const before = this.registry.get(id);
    if (this.starting.has(runId) && hasEnded(status)) return;
    if (this.replaced.has(runId)) return;
    const after = this.registry.update(id, status);
    const changed =
      before.state !== after.state ||
      before.activity.kind !== after.activity.kind ||
      hasDied(before) !== hasDied(after);
    if (!changed) return;
    if (after.activity.kind === 'idle' && this.runs.owesTurn(runId)) this.turnEnded(runId);
    this.record(id, runId, 'session.status', { state: after.state, activity: after.activity.kind, cause: after.cause });
    if (before.state !== after.state) {
      this.log.info(`[orchestration] session ${id} state: ${before.state} → ${after.state}`, { cause: after.cause });
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
}
