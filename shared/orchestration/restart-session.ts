import type { ResolvedAgent } from '../domain/agent.ts';
import type { Delivery } from '../domain/delivery.ts';
import type { Outbox } from '../messages/outbox.ts';
import type { SessionId, SessionInfo } from '../domain/orchestrator.ts';
import type { Store } from '../store/store.ts';
import type { WorkService } from '../work/service.ts';
import { withdrawWork } from '../messages/withdraw.ts';
import type { SessionManager } from '../sessions/manager.ts';
import type { ReservedName } from '../sessions/session-names.ts';

export interface SessionRestart {
  /** Why, for people, for the timeline and for the model, e.g. `the program was killed`. */
  reason: string;
  /** Another agent to go on with. */
  agent?: ResolvedAgent;
  /** The session's own, where the restart is part of a start that has reserved it. */
  name?: ReservedName;
  /** What the model is told besides. */
  note?: string;
  /** Who wants it: `host`, or whoever asked. */
  by?: string;
}

/**
 * Restarts a session (see `SessionManager.restart`). Its work stays its own throughout, and is put before the new run
 * again, with the note that it was restarted; where there is none, the model is asked nothing. What waited for the session
 * in the outbox goes to the new run.
 */
export async function restartSession(
  parts: { manager: SessionManager; outbox: Outbox; work: WorkService; store: Store },
  id: SessionId,
  restart: SessionRestart,
  signal?: AbortSignal,
): Promise<SessionInfo> {
  const { manager, outbox } = parts;
  const { reason, agent, name } = restart;
  let first: string | undefined;
  try {
    const session = await manager.restart(
      id,
      {
        reason,
        ...(agent === undefined ? {} : { agent }),
        ...(name === undefined ? {} : { name }),
        firstPrompt: (runId) => {
          const prompt = putWorkAgain(parts, id, runId, restart);
          first = prompt?.id;
          return prompt;
        },
      },
      signal,
    );
    if (first !== undefined) outbox.handedOver(first);
    return session;
  } catch (error) {
    if (first !== undefined) outbox.abandon(first, 'the session did not start again');
    throw error;
  }
}

/** The first unit becomes the first prompt, further ones wait in the outbox. Part of the transaction that records the run. */
function putWorkAgain(
  { manager, outbox, work, store }: { manager: SessionManager; outbox: Outbox; work: WorkService; store: Store },
  id: SessionId,
  runId: string,
  { reason, note, by = 'host' }: SessionRestart,
): Delivery | undefined {
  // What has stalled waits for the user: the host by itself does not put it before a model again.
  const units = work.ownedBy(id).filter(({ state }) => by !== 'host' || state !== 'stalled');
  for (const unit of units) withdrawWork(store, id, unit.id, 'told again after the restart', manager.now());
  const told = `This session was restarted (${reason}). Look at what is there already before you go on.${note === undefined ? '' : ` ${note}`}`;
  const entries = units.map((unit) => {
    work.move(unit, 'assigned', { by, runId, note: `${id} is restarted: ${reason}` });
    return { from: by, to: id, kind: 'work' as const, body: told, workId: unit.id };
  });
  const [first, ...others] =
    entries.length > 0 || note === undefined ? entries : [{ from: by, to: id, kind: 'nudge' as const, body: told }];
  const delivery = first && outbox.acceptAsFirstPrompt(first).delivery;
  for (const entry of others) outbox.accept(entry);
  return delivery;
}
