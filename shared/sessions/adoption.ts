import { messageOf } from '../platform/errors.ts';
import type { SessionId } from '../domain/orchestrator.ts';
import type { StoredRun, StoredSession } from '../store/sessions.ts';
import { hasEnded } from '../domain/session-state.ts';
import type { Logger } from '../platform/logger.ts';
import type { Store } from '../store/store.ts';
import type { LiveRuns } from './live-runs.ts';
import type { PendingAdoptions } from './pending-adoptions.ts';
import type { LeftSpecBuilder } from './run-control.ts';
import type { SessionDrivers } from './session-drivers.ts';
import type { StatusReport } from '../domain/status-report.ts';

/** Pauses before a run that could not be looked at is looked at again, in ms; after the longest one it is given up. */
const pauseMs = { first: 500, longest: 8_000 };

/** Why a run is over that ended while nobody could see it. */
const endedUnseen = 'it ended while no host was there';

type Found = 'lives' | 'gone' | 'stopped' | { error: string };

export interface AdoptionParts {
  store: Store;
  log: Logger;
  specOfLeft: LeftSpecBuilder;
  runs: LiveRuns;
  pending: PendingAdoptions;
  drivers: SessionDrivers;
}

/** Takes up, after a host restart, what the store remembers as alive. */
export class Adoptions {
  private readonly parts: AdoptionParts;

  constructor(parts: AdoptionParts) {
    this.parts = parts;
  }

  /** Every run becomes visible: taken up, or as ended. */
  async all(ready: Promise<void> = Promise.resolve()): Promise<void> {
    const known = this.parts.store.sessions.all();
    const adoptions = known.map(({ session, run }) =>
      this.parts.pending.add(run.id, session.backend, this.adopt(session, run, ready)),
    );
    await Promise.all(adoptions);
  }

  private async adopt(session: StoredSession, run: StoredRun, ready: Promise<void>): Promise<void> {
    const { runs } = this.parts;
    const report = (fact: StatusReport, cause: string): void => runs.report(run.id, 'host', fact, cause);
    runs.enter(session, run);
    if (hasEnded(run)) return report(endOf(run), run.error ?? 'ended earlier');
    await ready;
    if (run.stopRequestedAt !== undefined) report({ kind: 'stopping' }, 'stop requested before the restart');
    const found = await this.takeUp(session, run);
    if (runs.isDisposed) return;
    if (found === 'lives') await this.goOn(session, run);
    else if (found === 'stopped') report({ kind: 'ended' }, 'stopped on request');
    else if (found === 'gone') report({ kind: 'ended', unseen: true }, endedUnseen);
    else report({ kind: 'failed', error: `could not be taken up again: ${found.error}` }, 'adopt');
  }

  /**
   * What has become of it, by its driver's word. That it could not be looked at does not mean that it is dead: that is tried
   * again, and a run that cannot be taken up is ended before it is called so, as another agent may follow in its work dir.
   */
  private async takeUp(session: StoredSession, run: StoredRun): Promise<Found> {
    const { log, runs } = this.parts;
    for (let pause = pauseMs.first; ; pause *= 2) {
      try {
        return await this.ask(session, run);
      } catch (error) {
        const given = { error: messageOf(error) };
        if (runs.isDisposed) return given;
        log.warn(`[orchestration] ${session.id} could not be taken up: ${given.error}`);
        const stops = this.isStopWanted(run);
        if ((stops || pause > pauseMs.longest) && (await this.end(session, run))) return stops ? 'stopped' : given;
        await new Promise((resolve) => setTimeout(resolve, Math.min(pause, pauseMs.longest)));
        if (runs.isDisposed) return given;
      }
    }
  }

  private async ask(session: StoredSession, run: StoredRun): Promise<Found> {
    const { store, runs, drivers } = this.parts;
    const driver = drivers.of(session.backend);
    const spec = await this.parts.specOfLeft(session, run);
    const unconfirmed = store.messages.pending(session.id).flatMap(({ id, attempts }) => (attempts > 0 ? [id] : []));
    const lives = await driver.adopt({
      sessionId: session.id,
      runId: run.id,
      reference: run.reference,
      spec,
      unconfirmed,
    });
    if (runs.isDisposed || !this.isStopWanted(run)) return lives ? 'lives' : 'gone';
    if (lives) await driver.stop(run.id);
    return 'stopped';
  }

  private async goOn(session: StoredSession, run: StoredRun): Promise<void> {
    const { store, log, runs } = this.parts;
    const at = runs.now();
    store.backlog.keep(() => store.sessions.setRunning(run.id, at));
    try {
      await this.takeUpTurn(session.id, run.id);
    } catch (error) {
      if (runs.isDisposed) return;
      // It lives all the same; its being idle says at the latest that the turn is over.
      log.warn(`[orchestration] how the last turn of ${session.id} ended is not known: ${messageOf(error)}`);
    }
    runs.report(run.id, 'host', { kind: 'ready' }, 'taken up again after a restart of the host');
    runs.record(session.id, run.id, 'session.adopted', {});
  }

  /** The turn may have ended while no host was there to hear of it, or of why. Idle says at the latest that it is over. */
  private async takeUpTurn(id: SessionId, runId: string): Promise<void> {
    const { store, runs, drivers } = this.parts;
    const isOpen = (): boolean => store.messages.isTurnOpen(runId) && !store.troubles.isOf(runId);
    if (!isOpen()) return;
    const failure = await drivers.lastFailure(id);
    // What has been told meanwhile is not told twice.
    if (runs.isDisposed || !isOpen()) return;
    if (failure) runs.failedMeanwhile(runId, failure);
    else runs.oweTurn(runId);
  }

  /** Ends what there is of it. False where that did not succeed. */
  private async end(session: StoredSession, run: StoredRun): Promise<boolean> {
    const { log, runs, drivers } = this.parts;
    try {
      await drivers.of(session.backend).stop(run.id);
      return true;
    } catch (error) {
      log.error(`[orchestration] what is left of ${session.id} could not be ended: ${messageOf(error)}`);
      return runs.isDisposed;
    }
  }

  private isStopWanted(run: StoredRun): boolean {
    return this.parts.store.sessions.run(run.id)?.stopRequestedAt !== undefined;
  }
}

function endOf(run: StoredRun): StatusReport {
  if (run.state === 'failed') return { kind: 'failed', error: run.error ?? 'failed' };
  return run.endedUnseen ? { kind: 'ended', unseen: true } : { kind: 'ended' };
}
