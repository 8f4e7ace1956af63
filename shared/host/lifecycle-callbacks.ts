import type { SessionInfo } from '../domain/orchestrator.ts';
import { DisposableStore } from '../platform/disposable-store.ts';
import type { Disposable } from '../platform/emitter.ts';
import { hasEnded } from '../domain/session-state.ts';
import type { StoredWork } from '../store/work.ts';
import type { ApiParts } from '../api/context.ts';

/** Life-cycle callbacks of the seed's companion plan; each is called once per occurrence. */
export interface LifecycleCallbacks {
  onSessionStarted?(session: SessionInfo): void;
  onSessionIdle?(session: SessionInfo): void;
  onSessionEnded?(session: SessionInfo): void;
  onWorkCompleted?(work: StoredWork): void;
}

export function callBack(town: ApiParts, callbacks: LifecycleCallbacks): Disposable {
  const disposables = new DisposableStore();
  // What an earlier host has called back for is not called back again.
  const known = town.store.sessions.all().map(({ run }) => run);
  const started = new Set(known.filter(({ state }) => state !== 'starting').map(({ id }) => id));
  const ended = new Set(known.filter(hasEnded).map(({ id }) => id));
  const idle = new Set<string>();
  const once = (seen: Set<string>, runId: string, call: () => void): void => {
    if (seen.has(runId)) return;
    seen.add(runId);
    call();
  };
  disposables.add(
    town.registry.onDidChange(({ kind, session }) => {
      const { runId, state, activity } = session;
      if (kind === 'unregistered') {
        for (const seen of [started, ended, idle]) seen.delete(runId);
        return;
      }
      if (state === 'running') once(started, runId, () => callbacks.onSessionStarted?.(session));
      if (activity.kind === 'idle') once(idle, runId, () => callbacks.onSessionIdle?.(session));
      else idle.delete(runId);
      if (hasEnded(session)) once(ended, runId, () => callbacks.onSessionEnded?.(session));
    }),
  );
  disposables.add(
    town.work.onDidChange((work) => {
      if (work.state === 'done') callbacks.onWorkCompleted?.(work);
    }),
  );
  return disposables;
}
