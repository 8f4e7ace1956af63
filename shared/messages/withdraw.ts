import type { SessionId } from '../domain/orchestrator.ts';
import type { Store } from '../store/store.ts';

/** What still waits for the session about this unit is not to be said any more. */
export function withdrawWork(store: Store, session: SessionId, workId: string, reason: string, now: number): void {
  for (const { id, kind, workId: about } of store.messages.pending(session)) {
    if (about === workId && (kind === 'work' || kind === 'reminder')) store.messages.close(id, 'expired', reason, now);
  }
}
