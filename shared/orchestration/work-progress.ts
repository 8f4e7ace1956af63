import type { Outbox } from '../messages/outbox.ts';
import { DisposableStore } from '../platform/disposable-store.ts';
import type { Disposable } from '../platform/emitter.ts';
import type { SessionManager } from '../sessions/manager.ts';
import { hasDied } from '../domain/session-state.ts';
import type { Store } from '../store/store.ts';
import type { WorkService } from '../work/service.ts';

/**
 * Lets work follow what its session does: it runs from the moment the model has it; a turn that ends without a report is
 * answered with one reminder, and after that the unit is stalled (DESIGN D2: idle is not done); a session that
 * was stopped, or ended in order, gives its unit back.
 */
export function followSessions(parts: {
  manager: SessionManager;
  work: WorkService;
  outbox: Outbox;
  store: Store;
}): Disposable {
  const disposables = new DisposableStore();
  const { manager, work, outbox, store } = parts;
  const keep = (follow: () => void): void => store.backlog.keep(follow);

  disposables.add(
    manager.events.onDidDeliver(({ session, runId, deliveryId }) => {
      if (store.messages.get(deliveryId)?.kind !== 'work') return;
      keep(() => {
        const workId = store.messages.get(deliveryId)?.workId;
        const unit = workId === undefined ? undefined : work.find(workId);
        // A receipt may be told twice, and late: by then the unit may have gone to somebody else.
        if (unit?.state !== 'assigned' || unit.owner !== session.id) return;
        work.move(unit, 'running', { by: 'host', runId, note: 'the model has it' });
      });
    }),
  );

  disposables.add(
    manager.events.onDidEndTurn(({ session, runId, failure }) => {
      // The model did not answer: it has nothing to report on (see `TurnFailureHandler`).
      if (failure || session.asks.length > 0) return;
      keep(() => {
        if (outbox.queued(session.id) > 0) return;
        const unit = work.ownedBy(session.id).find((owned) => owned.state === 'running');
        if (!unit) return;
        if (store.messages.wasReminded(runId, unit.id)) {
          work.move(unit, 'stalled', { by: 'host', runId, note: 'its turn ended twice without a report' });
          return;
        }
        outbox.accept({ from: 'host', to: session.id, kind: 'reminder', body: '', workId: unit.id });
      });
    }),
  );

  disposables.add(
    manager.events.onDidEnd(({ session, runId, status }) => {
      // A session that died keeps its work: the reconciler says what becomes of both.
      if (hasDied(session)) return;
      keep(() => {
        for (const unit of work.ownedBy(session.id)) {
          work.move(
            unit,
            'open',
            { by: 'host', runId, note: `${session.id} ended (${status.cause})` },
            { owner: null },
          );
        }
      });
    }),
  );
  return disposables;
}
