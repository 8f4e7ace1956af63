import type { RunSpec } from '../backends/driver.ts';
import type { ResolvedAgent } from '../domain/agent.ts';
import { GasTownError, messageOf } from '../platform/errors.ts';
import type { SessionId, SessionInfo } from '../domain/orchestrator.ts';
import type { Ids } from '../platform/ids.ts';
import type { Logger } from '../platform/logger.ts';
import type { StoredRun, StoredSession } from '../store/sessions.ts';
import type { Store } from '../store/store.ts';
import type { LiveRuns } from './live-runs.ts';
import type { PendingAdoptions } from './pending-adoptions.ts';
import type { Registry } from './registry.ts';
import type { SessionDrivers } from './session-drivers.ts';
import { hasEnded } from '../domain/session-state.ts';
import type { Delivery } from '../domain/delivery.ts';
import type { ReservedName } from './session-names.ts';

export type NewSession = Omit<StoredSession, 'runId' | 'createdAt'>;

/** Makes the driver's order out of what is stored; the first prompt only where the run is new. */
export type SpecBuilder = (session: StoredSession, run: StoredRun, firstPrompt?: Delivery) => Promise<RunSpec>;

/** The same for a run that an earlier host has started. */
export type LeftSpecBuilder = (session: StoredSession, run: StoredRun) => Promise<RunSpec>;

export interface Restart {
  /** Why, for people and for the session's timeline. */
  reason: string;
  /** Goes on with another agent. The same one where absent. */
  agent?: ResolvedAgent;
  /** The session's own, where the restart is part of a start that has reserved it. */
  name?: ReservedName;
  /** What the new run is asked first. Called in the transaction that records the run. */
  firstPrompt?: (runId: string) => Delivery | undefined;
}

export interface RunControlParts {
  store: Store;
  registry: Registry;
  log: Logger;
  ids: Ids;
  specOf: SpecBuilder;
  runs: LiveRuns;
  pending: PendingAdoptions;
  drivers: SessionDrivers;
}

/** Starts, restarts and stops runs. The intent is in the store before the driver acts. */
export class RunControl {
  private readonly parts: RunControlParts;
  /** Starts that have not returned, by run. */
  private readonly starting = new Map<string, { cancel: AbortController; settled: Promise<void> }>();
  /** Sessions whose restart has not returned. */
  private readonly restarting = new Set<SessionId>();

  constructor(parts: RunControlParts) {
    this.parts = parts;
  }

  isRestarting(id: SessionId): boolean {
    return this.restarting.has(id);
  }

  /** See `SessionManager.start`. */
  async start(wanted: NewSession, signal: AbortSignal, firstPrompt?: Delivery): Promise<SessionInfo> {
    const { store, runs, registry } = this.parts;
    const now = runs.now();
    const run = newRun(this.parts.ids, wanted.id, now);
    const session: StoredSession = { ...wanted, runId: run.id, createdAt: now };
    store.sessions.begin(session, run);
    // Only now: where it could not be recorded, the one that has ended is still the session of this name.
    const ended = registry.find(wanted.id);
    if (ended && hasEnded(ended)) runs.drop(wanted.id, ended.runId);
    runs.enter(session, run);
    try {
      return await this.run(session, run, signal, firstPrompt);
    } catch (error) {
      // Nothing of it stays: whoever asked has the reason.
      store.backlog.keep(() => store.sessions.removeRun(session.id, run.id));
      runs.drop(session.id, run.id);
      throw error;
    }
  }

  /** See `SessionManager.restart`. */
  async restart(id: SessionId, restart: Restart, signal: AbortSignal): Promise<SessionInfo> {
    const { store } = this.parts;
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
      if (store.sessions.session(id)?.runId === known.runId) this.parts.runs.noteEnd(known.runId);
      throw error;
    } finally {
      this.restarting.delete(id);
    }
  }

  /** See `SessionManager.stop`. */
  async stop(id: SessionId): Promise<SessionInfo> {
    const { store, registry, runs, pending, drivers } = this.parts;
    const info = registry.get(id);
    store.sessions.requestStop(info.runId, runs.now());
    runs.report(info.runId, 'host', { kind: 'stopping' }, 'stop requested');
    const start = this.starting.get(info.runId);
    if (start) {
      start.cancel.abort();
      await start.settled;
      const cause = 'stopped before it was ready';
      if (registry.find(id)?.runId !== info.runId) return { ...info, state: 'stopped', since: runs.now(), cause };
    }
    await pending.settled(info.runId);
    await drivers.of(info.backend).stop(info.runId);
    runs.report(info.runId, 'host', { kind: 'ended' }, 'stopped on request');
    return registry.get(id);
  }

  /** A session that has failed is over, as one that was stopped: nothing starts it again. What may be left of its run goes. */
  async giveUp(id: SessionId): Promise<SessionInfo> {
    const { store, registry, runs, drivers } = this.parts;
    const { runId, backend, cause } = registry.get(id);
    store.sessions.giveUp(id, runId, runs.now());
    await drivers.of(backend).stop(runId);
    runs.report(runId, 'host', { kind: 'given-up' }, `given up: ${cause}`);
    return registry.get(id);
  }

  /** Ends the session's run where it lives. */
  private async endForRestart(id: SessionId, runId: string): Promise<void> {
    const { registry, runs, pending, drivers } = this.parts;
    const info = registry.get(id);
    if (this.starting.has(runId))
      throw new GasTownError('refused', `${id} is being started. Wait for that, or stop it.`);
    if (hasEnded(info)) return;
    await pending.settled(runId);
    runs.setReplaced(runId, true);
    try {
      await drivers.of(info.backend).stop(runId);
    } finally {
      runs.setReplaced(runId, false);
    }
  }

  /** The new run; on rejection the session stays, as failed. */
  private async begin(
    known: StoredSession,
    { reason, agent = known.agent, firstPrompt }: Restart,
    signal: AbortSignal,
  ): Promise<SessionInfo> {
    const { store, runs } = this.parts;
    const now = runs.now();
    const run = newRun(this.parts.ids, known.id, now);
    const { quarantined: _lifted, ...rest } = known;
    const session: StoredSession = { ...rest, agent, backend: agent.backend, runId: run.id };
    const reference = agent.backend === known.backend ? store.sessions.lastReference(known.id) : undefined;
    const delivery = store.transaction(() => {
      store.sessions.renew(session, run, known.runId);
      store.sessions.addRestart(session.id, now, reason);
      return firstPrompt?.(run.id);
    });
    runs.replace(session, run, known.runId, `restarted: ${reason}`);
    runs.record(session.id, run.id, 'session.restarted', {
      reason,
      agent: agent.name,
      resumes: reference !== undefined,
    });
    const unconfirmed = store.messages
      .pending(session.id)
      .flatMap(({ id, attempts }) => (attempts === 0 || id === delivery?.id ? [] : [id]));
    try {
      return await this.run(session, run, signal, delivery, {
        again: true,
        ...(reference && { resume: { reference, unconfirmed } }),
      });
    } catch (error) {
      const stopped = store.sessions.run(run.id)?.stopRequestedAt !== undefined || GasTownError.is(error, 'cancelled');
      if (stopped) runs.report(run.id, 'host', { kind: 'ended' }, 'stopped before it was ready');
      else
        runs.report(
          run.id,
          'host',
          { kind: 'failed', error: `it did not start again: ${messageOf(error)}` },
          'restart',
        );
      throw error;
    }
  }

  private async run(
    session: StoredSession,
    run: StoredRun,
    signal: AbortSignal,
    firstPrompt: Delivery | undefined,
    earlier: Pick<RunSpec, 'again' | 'resume'> = {},
  ): Promise<SessionInfo> {
    const { store, registry, log, runs, drivers } = this.parts;
    const cancel = new AbortController();
    let settle = (): void => undefined;
    const settled = new Promise<void>((resolve) => {
      settle = resolve;
    });
    this.starting.set(run.id, { cancel, settled });
    runs.setStarting(run.id, true);
    try {
      runs.record(session.id, run.id, 'session.starting', { agent: session.agent.name, workDir: session.workDir });
      const driver = drivers.of(session.backend);
      const spec = await this.parts.specOf(session, run, firstPrompt);
      await driver.start({ ...spec, ...earlier }, AbortSignal.any([signal, cancel.signal]));
      this.starting.delete(run.id);
      runs.setStarting(run.id, false);
      const readyAt = runs.now();
      store.backlog.keep(() => store.sessions.setRunning(run.id, readyAt));
      runs.report(run.id, 'host', { kind: 'ready' }, 'session started');
      runs.noteEnd(run.id);
      log.info(`[orchestration] spawned ${session.backend} session ${session.id} for rig ${session.rig || '-'}`);
      return registry.get(session.id);
    } catch (error) {
      // Nothing is undone then, and nobody waits for the answer: the next host finds the run as after a crash.
      if (runs.isDisposed) return new Promise<never>(() => undefined);
      this.starting.delete(run.id);
      runs.setStarting(run.id, false);
      runs.record(session.id, run.id, 'session.start-failed', { error: messageOf(error) });
      log.warn(`[orchestration] ${session.id} did not start: ${messageOf(error)}`);
      throw error;
    } finally {
      settle();
    }
  }
}

function newRun(ids: Ids, sessionId: SessionId, startedAt: number): StoredRun {
  return { id: ids.newId('run'), sessionId, token: ids.newToken(), state: 'starting', reference: {}, startedAt };
}
