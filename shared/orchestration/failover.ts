import type { ResolvedAgent } from '../domain/agent.ts';
import type { SessionInfo } from '../domain/orchestrator.ts';
import { restartSession } from './restart-session.ts';
import { handOverNote } from './handoff-note.ts';
import type { Town } from './town.ts';

/**
 * Lets a session go on with another agent: the same session and worktree, its work stays its own. A conversation does not
 * go from one backend to the other, so the new model is told what is there; what the other one was given without acting on
 * it, the outbox puts before it again.
 */
export async function failOver(
  town: Pick<Town, 'manager' | 'registry' | 'outbox' | 'work' | 'store'>,
  session: SessionInfo,
  agent: ResolvedAgent,
  reason: string,
): Promise<SessionInfo> {
  const [unit] = town.work.ownedBy(session.id);
  const { id, runId } = session;
  town.store.addEvent({
    at: town.manager.now(),
    sessionId: id,
    runId,
    type: 'session.failover',
    detail: { from: session.agent, agent: agent.name, reason },
  });
  const note = await handOverNote(town, session.id, unit);
  return restartSession(town, session.id, {
    agent,
    reason: `it goes on with ${agent.name} instead of ${session.agent}: ${reason}`,
    note,
  });
}
