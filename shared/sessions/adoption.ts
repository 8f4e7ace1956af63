import { messageOf } from '../errors.ts';
import type { BackendName, SessionId } from '../orchestrator.ts';
import type { StoredRun, StoredSession } from '../store/sessions.ts';
import { hasEnded } from './session-info.ts';
import type { RunKeeper } from './run-control.ts';
import type { Fact } from './status.ts';

/** Why a run is over that ended while nobody could see it. */
const endedUnseen = 'it ended while no host was there';

/** Takes up, after a host restart, what the store remembers as alive. */
export class Adoptions {
  private readonly keeper: RunKeeper;
  /** A run was taken up, and is about to be shown as running. */
  private readonly onAdopted: (session: SessionId, runId: string) => Promise<void>;
  private readonly pending = new Map<string, { backend: BackendName; settled: Promise<void> }>();

  constructor(keeper: RunKeeper, onAdopted: (session: SessionId, runId: string) => Promise<void>) {
    this.keeper = keeper;
    this.onAdopted = onAdopted;
  }

  /** Resolves when it is known whether the run, of an earlier host, still runs. */
  async settled(runId: string): Promise<void> {
    await this.pending.get(runId)?.settled;
  }

  /** Resolves when that is known of every run of this backend. */
  async allSettled(backend: BackendName): Promise<void> {
    const adoptions = [...this.pending.values()].filter((each) => each.backend === backend);
    await Promise.all(adoptions.map(({ settled }) => settled));
  }

  /** Every run becomes visible: taken up, or as ended. */
  async all(ready: Promise<void> = Promise.resolve()): Promise<void> {
    const known = this.keeper.store.sessions.all();
    const adoptions = known.map(({ session, run }) => {
      const settled = this.adopt(session, run, ready).finally(() => this.pending.delete(run.id));
      this.pending.set(run.id, { backend: session.backend, settled });
      return settled;
    });
    await Promise.all(adoptions);
  }

  private async adopt(session: StoredSession, run: StoredRun, ready: Promise<void>): Promise<void> {
    const { keeper } = this;
    const report = (fact: Fact, cause: string): void => keeper.report(run.id, fact, cause);
    keeper.enter(session, run);
    if (hasEnded(run)) return report(endOf(run), run.error ?? 'ended earlier');
    await ready;
    try {
      const driver = keeper.driver(session.backend);
      const spec = await keeper.specOf(session, run);
      const unconfirmed = keeper.store.messages
        .pending(session.id)
        .flatMap(({ id, attempts }) => (attempts > 0 ? [id] : []));
      const record = { sessionId: session.id, runId: run.id, reference: run.reference, spec, unconfirmed };
      if (run.stopRequestedAt !== undefined) {
        report({ kind: 'stopping' }, 'stop requested before the restart');
        if (await driver.adopt(record)) await driver.stop(run.id);
        report({ kind: 'ended' }, 'stopped on request');
      } else if (await driver.adopt(record)) {
        const at = keeper.now();
        keeper.store.backlog.keep(() => keeper.store.sessions.setRunning(run.id, at));
        await this.onAdopted(session.id, run.id);
        report({ kind: 'ready' }, 'taken up again after a restart of the host');
        keeper.record(session.id, run.id, 'session.adopted', {});
      } else {
        report({ kind: 'ended', unseen: true }, endedUnseen);
      }
    } catch (error) {
      if (keeper.isDisposed()) return;
      report({ kind: 'failed', error: `could not be taken up again: ${messageOf(error)}` }, 'adopt');
    }
  }
}

function endOf(run: StoredRun): Fact {
  if (run.state === 'failed') return { kind: 'failed', error: run.error ?? 'failed' };
  return run.endedUnseen ? { kind: 'ended', unseen: true } : { kind: 'ended' };
}
