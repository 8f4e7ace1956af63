import type { BackendDriver, Delivery, RunReference, RunSpec } from '../backends/driver.ts';
import type { ResolvedAgent } from '../config/agents.ts';
import { GasTownError, messageOf } from '../errors.ts';
import type { BackendName, SessionId, SessionInfo } from '../orchestrator.ts';
import { newId, newToken } from '../process/ids.ts';
import type { Logger } from '../process/logger.ts';
import type { StoredRun, StoredSession } from '../store/sessions.ts';
import type { Store } from '../store/store.ts';
import type { Registry } from './registry.ts';
import { hasEnded } from './session-info.ts';
import type { Fact } from './status.ts';

export type NewSession = Omit<StoredSession, 'runId' | 'createdAt'>;

/** Makes the driver's order out of what is stored; the first prompt only where the run is new. */
export type SpecBuilder = (session: StoredSession, run: StoredRun, firstPrompt?: Delivery) => Promise<RunSpec>;

export interface Restart {
  /** Why, for people and for the session's timeline. */
  reason: string;
  /** Goes on with another agent. The same one where absent. */
  agent?: ResolvedAgent;
  /** What the new run is asked first. Called in the transaction that records the run. */
  firstPrompt?: (runId: string) => Delivery | undefined;
}

/** What the control of runs needs of the manager around it. */
export interface RunKeeper {
  readonly store: Store;
  readonly registry: Registry;
  readonly log: Logger;
  readonly specOf: SpecBuilder;
  now(): number;
  driver(backend: BackendName): BackendDriver;
  /** Resolves when it is known whether the run, of an earlier host, still runs. */
  adopted(runId: string): Promise<void>;
  /** The host is letting go of the town. */
  isDisposed(): boolean;
  report(runId: string, fact: Fact, cause: string): void;
  record(sessionId: SessionId, runId: string, type: string, detail: Record<string, unknown>): void;
  /** Takes a run of a new session into the registry. */
  enter(session: StoredSession, run: StoredRun): void;
  /** The session goes on with another run; `cause` says why. */
  replace(session: StoredSession, run: StoredRun, before: string, cause: string): void;
  /** Takes the session off the registry. */
  drop(id: SessionId, runId: string): void;
  /** What the run's status says by now, in case nothing was shown of it before. */
  noteEnd(runId: string): void;
}

/** Starts, restarts and stops runs. The intent is in the store before the driver acts. */
export class RunControl {
  private readonly keeper: RunKeeper;
  /** Runs whose start has not returned: their end is the start's failure, not an event of its own. */
  private readonly starting = new Map<string, { cancel: AbortController; settled: Promise<void> }>();
  /** Sessions whose restart has not returned, and the runs that are ended for one. */
  private readonly restarting = new Set<SessionId>();
  private readonly replaced = new Set<string>();

  constructor(keeper: RunKeeper) {
    this.keeper = keeper;
  }

  isStarting(runId: string): boolean {
    return this.starting.has(runId);
  }

  isRestarting(id: SessionId): boolean {
    return this.restarting.has(id);
  }

  /** Whether the run is ended only to make room for the session's next one. */
  isReplaced(runId: string): boolean {
    return this.replaced.has(runId);
  }

  /** See `SessionManager.start`. */
  async start(wanted: NewSession, signal: AbortSignal, firstPrompt?: Delivery): Promise<SessionInfo> {
    const { keeper } = this;
    const now = keeper.now();
    const run = newRun(wanted.id, now);
    const session: StoredSession = { ...wanted, runId: run.id, createdAt: now };
    keeper.store.sessions.begin(session, run);
    keeper.enter(session, run);
    try {
      return await this.run(session, run, signal, firstPrompt);
    } catch (error) {
      // Nothing of it stays: whoever asked has the reason.
      keeper.store.backlog.keep(() => keeper.store.sessions.removeRun(session.id, run.id));
      keeper.drop(session.id, run.id);
      throw error;
    }
  }

  /** See `SessionManager.restart`. */
  async restart(id: SessionId, restart: Restart, signal: AbortSignal): Promise<SessionInfo> {
    const { store } = this.keeper;
    const known = store.sessions.session(id);
    if (!known)
      throw new GasTownError('unknown-session', `${id} has no record in this town, so it cannot be restarted.`);
    if (this.restarting.has(id)) throw new GasTownError('refused', `${id} is being restarted already.`);
    this.restarting.add(id);
    const stopRequest = (): number | undefined => store.sessions.run(known.runId)?.stopRequestedAt;
    const before = stopRequest();
    try {
      await this.endForRestart(id, known.runId);
      if (stopRequest() !== before) {
        throw new GasTownError('cancelled', `${id} was stopped while it was being restarted.`);
      }
      return await this.begin(known, restart, signal);
    } catch (error) {
      // Where no run took its place, the end of the one that was to make room is to be seen.
      if (store.sessions.session(id)?.runId === known.runId) this.keeper.noteEnd(known.runId);
      throw error;
    } finally {
      this.restarting.delete(id);
    }
  }

  /** See `SessionManager.stop`. */
  async stop(id: SessionId): Promise<SessionInfo> {
    const { keeper } = this;
    const info = keeper.registry.get(id);
    keeper.store.sessions.requestStop(info.runId, keeper.now());
    keeper.report(info.runId, { kind: 'stopping' }, 'stop requested');
    const start = this.starting.get(info.runId);
    if (start) {
      start.cancel.abort();
      await start.settled;
      const cause = 'stopped before it was ready';
      if (keeper.registry.find(id)?.runId !== info.runId)
        return { ...info, state: 'stopped', since: keeper.now(), cause };
    }
    await keeper.adopted(info.runId);
    await keeper.driver(info.backend).stop(info.runId);
    keeper.report(info.runId, { kind: 'ended' }, 'stopped on request');
    return keeper.registry.get(id);
  }

  /** A session that has failed is over, as one that was stopped: nothing starts it again. What may be left of its run goes. */
  async giveUp(id: SessionId): Promise<SessionInfo> {
    const { keeper } = this;
    const { runId, backend, cause } = keeper.registry.get(id);
    keeper.store.sessions.giveUp(id, runId, keeper.now());
    await keeper.driver(backend).stop(runId);
    keeper.report(runId, { kind: 'given-up' }, `given up: ${cause}`);
    return keeper.registry.get(id);
  }

  /** Ends the session's run where it lives. */
  private async endForRestart(id: SessionId, runId: string): Promise<void> {
    const { keeper } = this;
    const info = keeper.registry.get(id);
    if (this.starting.has(runId))
      throw new GasTownError('refused', `${id} is being started. Wait for that, or stop it.`);
    if (hasEnded(info)) return;
    await keeper.adopted(runId);
    this.replaced.add(runId);
    try {
      await keeper.driver(info.backend).stop(runId);
    } finally {
      this.replaced.delete(runId);
    }
  }

  /** The new run; on rejection the session stays, as failed. */
  private async begin(
    known: StoredSession,
    { reason, agent = known.agent, firstPrompt }: Restart,
    signal: AbortSignal,
  ): Promise<SessionInfo> {
    const { keeper } = this;
    const { store } = keeper;
    const now = keeper.now();
    const run = newRun(known.id, now);
    const { quarantined: _lifted, ...rest } = known;
    const session: StoredSession = { ...rest, agent, backend: agent.backend, runId: run.id };
    const reference = agent.backend === known.backend ? store.sessions.lastReference(known.id) : undefined;
    const delivery = store.transaction(() => {
      store.sessions.renew(session, run, known.runId);
      store.sessions.addRestart(session.id, now, reason);
      return firstPrompt?.(run.id);
    });
    keeper.replace(session, run, known.runId, `restarted: ${reason}`);
    keeper.record(session.id, run.id, 'session.restarted', {
      reason,
      agent: agent.name,
      resumes: reference !== undefined,
    });
    const unconfirmed = store.messages
      .pending(session.id)
      .flatMap(({ id, attempts }) => (attempts === 0 || id === delivery?.id ? [] : [id]));
    try {
      return await this.run(session, run, signal, delivery, reference && { reference, unconfirmed });
    } catch (error) {
      const stopped = store.sessions.run(run.id)?.stopRequestedAt !== undefined || GasTownError.is(error, 'cancelled');
      if (stopped) keeper.report(run.id, { kind: 'ended' }, 'stopped before it was ready');
      else keeper.report(run.id, { kind: 'failed', error: `it did not start again: ${messageOf(error)}` }, 'restart');
      throw error;
    }
  }

  private async run(
    session: StoredSession,
    run: StoredRun,
    signal: AbortSignal,
    firstPrompt: Delivery | undefined,
    resume?: { reference: RunReference; unconfirmed: readonly string[] },
  ): Promise<SessionInfo> {
    const { keeper } = this;
    const cancel = new AbortController();
    let settle = (): void => undefined;
    const settled = new Promise<void>((resolve) => {
      settle = resolve;
    });
    this.starting.set(run.id, { cancel, settled });
    try {
      keeper.record(session.id, run.id, 'session.starting', { agent: session.agent.name, workDir: session.workDir });
      const driver = keeper.driver(session.backend);
      const spec = await keeper.specOf(session, run, firstPrompt);
      await driver.start(resume ? { ...spec, resume } : spec, AbortSignal.any([signal, cancel.signal]));
      this.starting.delete(run.id);
      const readyAt = keeper.now();
      keeper.store.backlog.keep(() => keeper.store.sessions.setRunning(run.id, readyAt));
      keeper.report(run.id, { kind: 'ready' }, 'session started');
      keeper.noteEnd(run.id);
      keeper.log.info(`[orchestration] spawned ${session.backend} session ${session.id} for rig ${session.rig || '-'}`);
      return keeper.registry.get(session.id);
    } catch (error) {
      // Nothing is undone then, and nobody waits for the answer: the next host finds the run as after a crash.
      if (keeper.isDisposed()) return new Promise<never>(() => undefined);
      this.starting.delete(run.id);
      keeper.record(session.id, run.id, 'session.start-failed', { error: messageOf(error) });
      keeper.log.warn(`[orchestration] ${session.id} did not start: ${messageOf(error)}`);
      throw error;
    } finally {
      settle();
    }
  }
}

function newRun(sessionId: SessionId, startedAt: number): StoredRun {
  return { id: newId('run'), sessionId, token: newToken(), state: 'starting', reference: {}, startedAt };
}
