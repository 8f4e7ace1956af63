import type { SessionInfo } from '../orchestrator.ts';
import { hasEnded } from '../sessions/manager.ts';
import type { StoredWork } from '../store/work.ts';
import type { TownParts } from './parts.ts';

/** Life-cycle callbacks of the seed's companion plan; each is called once per occurrence. */
export interface LifecycleCallbacks {
  onSessionStarted?(session: SessionInfo): void;
  onSessionIdle?(session: SessionInfo): void;
  onSessionEnded?(session: SessionInfo): void;
  onWorkCompleted?(work: StoredWork): void;
}

type Known = Pick<SessionInfo, 'runId' | 'state' | 'activity'>;

export function callBack(town: TownParts, callbacks: LifecycleCallbacks): void {
  // What an earlier host has called back for is not called back again.
  const before = new Map<string, Known>(
    town.store.sessions.all().map(({ session, run }) => [session.id, { runId: run.id, state: run.state, activity: { kind: 'unknown' } }]),
  );
  town.registry.onDidChange(({ kind, session }) => {
    const last = before.get(session.id);
    before.set(session.id, session);
    if (kind === 'unregistered') {
      before.delete(session.id);
      return;
    }
    const same = last?.runId === session.runId;
    if (session.state === 'running' && !(same && last.state === 'running')) callbacks.onSessionStarted?.(session);
    if (session.activity.kind === 'idle' && !(same && last.activity.kind === 'idle')) callbacks.onSessionIdle?.(session);
    if (hasEnded(session) && !(same && hasEnded(last))) callbacks.onSessionEnded?.(session);
  });
  town.work.onDidChange((work) => {
    if (work.state === 'done') callbacks.onWorkCompleted?.(work);
  });
}
