import type { Outbox } from '../mail/outbox.ts';
import type { SessionManager } from '../sessions/manager.ts';
import { hasDied } from '../sessions/session-info.ts';
import type { Store } from '../store/store.ts';
import type { WorkService } from './service.ts';

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
}): void {
  const { manager, work, outbox, store } = parts;
  const keep = (follow: () => void): void => store.backlog.keep(follow);

  manager.events.onDelivered(({ runId, deliveryId }) => {
    if (store.messages.get(deliveryId)?.kind !== 'work') return;
    keep(() => {
      const workId = store.messages.get(deliveryId)?.workId;
      const unit = workId === undefined ? undefined : work.find(workId);
      if (unit?.state === 'assigned') work.move(unit, 'running', { by: 'host', runId, note: 'the model has it' });
    });
  });

  manager.events.onTurnEnded(({ session, runId, failure }) => {
    // The model did not answer: it has nothing to report on (see `Troubles`).
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
  });

  manager.events.onEnded(({ session, runId, status }) => {
    // A session that died keeps its work: the reconciler says what becomes of both.
    if (hasDied(session)) return;
    keep(() => {
      for (const unit of work.ownedBy(session.id)) {
        work.move(unit, 'open', { by: 'host', runId, note: `${session.id} ended (${status.cause})` }, { owner: null });
      }
    });
  });
}
