import type { SessionInfo, SessionState } from '../orchestrator.ts';
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

/**
 * Whether the run is over without anybody having wanted that: it failed, or ended while no host was there. Such a session
 * keeps what it has, until it is started again or given up.
 */
export function hasDied({ state, endedUnseen }: Pick<SessionInfo, 'state' | 'endedUnseen'>): boolean {
  return state === 'failed' || endedUnseen === true;
}

/** Whether the session's run is over. */
export function hasEnded({ state }: { state: SessionState }): boolean {
  return state === 'stopped' || state === 'failed';
}
