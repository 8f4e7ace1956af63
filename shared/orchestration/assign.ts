import { GasTownError } from '../platform/errors.ts';
import { git } from '../platform/git/git.ts';
import type { Outbox } from '../messages/outbox.ts';
import type { Registry } from '../sessions/registry.ts';
import type { Store } from '../store/store.ts';
import type { WorkService } from '../work/service.ts';
import { slingerOf } from '../work/slinger.ts';
import type { SessionInfo, WorkUnit } from '../domain/orchestrator.ts';
import { hasEnded } from '../domain/session-state.ts';

export interface Assignment {
  /** Who gives it. */
  by: string;
  /** What they said about it. */
  note?: string;
  /** How often it was tried before. */
  attempts?: number;
}

/** Gives a unit to a session that is there, adding it where the town does not know it, and puts it before the session. */
export async function giveWork(
  parts: { registry: Registry; work: WorkService; store: Store; outbox: Outbox },
  unit: WorkUnit,
  to: string,
  { by, note = '', attempts = 0 }: Assignment,
): Promise<void> {
  const { work, store, outbox } = parts;
  const session = living(parts, to);
  const before = work.find(unit.id)?.state;
  // What the session commits from here on belongs to the unit.
  const place =
    session.branch === undefined
      ? {}
      : { branch: session.branch, base: await git(session.workDir, ['rev-parse', 'HEAD']), rig: session.rig };
  // The session may have ended meanwhile, and the unit have been cancelled.
  const { runId } = living(parts, to);
  const now = work.find(unit.id)?.state;
  if (now !== before)
    throw new GasTownError(
      'work-conflict',
      `${unit.id} is ${now ?? 'gone'} by now: somebody changed it in this moment. Look at it again.`,
    );
  // One transaction: a crash in between would leave the session with work that nobody tells it of.
  store.transaction(() => {
    if (now === undefined) addUnit(work, unit, by);
    const assigned = work.assign(
      unit.id,
      session.id,
      { by, runId },
      { ...place, attempts, notBefore: null, dispatch: null, ...slingerOf(store, work.find(unit.id), by) },
    );
    outbox.accept({ from: by, to: session.id, kind: 'work', body: note, workId: assigned.id });
  });
}

/** Takes a unit of a caller of the Orchestrator into the town. */
export function addUnit(work: WorkService, { id, type, description, payload, priority }: WorkUnit, by: string): void {
  work.add({ id, type, description, payload, priority }, by);
}

/** Throws `refused` for a session that has ended. */
function living({ registry }: { registry: Registry }, id: string): SessionInfo {
  const session = registry.get(id);
  if (!hasEnded(session)) return session;
  throw new GasTownError(
    'refused',
    `${session.id} has ended (${session.cause}). Start it again, or choose another session.`,
  );
}
