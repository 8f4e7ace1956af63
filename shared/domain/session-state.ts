import type { SessionInfo, SessionState } from './orchestrator.ts';

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
