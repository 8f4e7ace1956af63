import type { SessionInfo } from '../domain/orchestrator.ts';
import type { StoredRun, StoredSession } from '../store/sessions.ts';

/** What is known of a run before anything has been reported of it. */
export function infoOf(session: StoredSession, run: StoredRun): SessionInfo {
  return {
    id: session.id,
    backend: session.backend,
    role: session.role,
    agentName: session.agentName,
    rig: session.rig,
    state: 'starting',
    startedAt: run.startedAt,
    location: 'local',
    workUnits: [],
    runId: run.id,
    agent: session.agent.name,
    activity: { kind: 'unknown' },
    since: run.startedAt,
    cause: 'spawn requested',
    asks: [],
    children: [],
    workDir: session.workDir,
    ...(session.branch === undefined ? {} : { branch: session.branch }),
    ...(session.metadata === undefined ? {} : { metadata: session.metadata }),
    ...(run.pid === undefined ? {} : { pid: run.pid }),
  };
}
