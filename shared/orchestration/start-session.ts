import { GasTownError, messageOf } from '../platform/errors.ts';
import type { ResolvedAgent } from '../domain/agent.ts';
import type { Outbox } from '../messages/outbox.ts';
import type { SessionInfo } from '../domain/orchestrator.ts';
import type { WorkService } from '../work/service.ts';
import type { SessionManager } from '../sessions/manager.ts';
import type { ReservedName } from '../sessions/session-names.ts';

export interface Launch {
  name: ReservedName;
  agent: ResolvedAgent;
  workDir: string;
  branch?: string;
  /** What the caller wants kept with the session. */
  metadata?: Record<string, string>;
  /** A unit that is already bound to this session: it becomes the first prompt. */
  workId?: string;
  /** Who asked for it, and what they said about the work. */
  by: string;
  note?: string;
}

/**
 * Starts a session, with its work as the first prompt where it has some. The work is bound before the process starts,
 * so that an agent never looks for work that is not there yet (gastown.md E7). On failure the prompt is closed as
 * refused; what becomes of the unit is for the caller to say.
 */
export async function launchSession(
  parts: { manager: SessionManager; outbox: Outbox; work: WorkService },
  launch: Launch,
  signal: AbortSignal,
): Promise<SessionInfo> {
  const { manager, outbox } = parts;
  const { agent, workDir, branch, metadata } = launch;
  const { id, role, rig, name: agentName } = launch.name;
  const wanted = {
    id,
    role,
    rig,
    agentName,
    agent,
    workDir,
    backend: agent.backend,
    ...(branch === undefined ? {} : { branch }),
    ...(metadata === undefined ? {} : { metadata }),
  };
  // A polecat's name goes from one worker to the next; what was meant for the last one is not for this one.
  if (role === 'polecat') outbox.expire(id, `${id} ended before it had this, and another worker has its name now`);
  const work = { from: launch.by, to: id, kind: 'work' as const, body: launch.note ?? '' };
  const first =
    launch.workId === undefined ? undefined : outbox.acceptAsFirstPrompt({ ...work, workId: launch.workId });
  try {
    const session = await manager.start(wanted, signal, first?.delivery);
    if (first) outbox.handedOver(first.message.id);
    return session;
  } catch (error) {
    const reason = `the session did not start: ${messageOf(error)}`;
    if (first) outbox.abandon(first.message.id, reason);
    outbox.expire(id, reason);
    if (GasTownError.is(error)) throw error;
    throw new GasTownError('spawn-failed', `${id} could not be started: ${messageOf(error)}`, { cause: error });
  }
}
