import type { SessionInfo } from '../domain/orchestrator.ts';
import { hasEnded } from '../domain/session-state.ts';
import type { AttentionView } from '../channel/views.ts';
import { waitsOf } from './waits.ts';

/** A wait that has been recorded, and not yet its end. */
export interface OpenWait {
  /** Of the ask; `dialog` for a wait that says nothing more. */
  id: string;
  title: string;
  /** When it was first seen, by whichever host, in epoch milliseconds. */
  since: number;
}

/** Id of a wait without an ask. A session has one at a time. */
export const dialogId = 'dialog';

export interface WaitChanges {
  opened: AttentionView[];
  closed: OpenWait[];
}

/**
 * Pure. What has begun and ended, by what the session shows now; `answered` names those of which that was reported. A wait
 * without an ask is a recorded one whose ask was lost with an earlier host, or else a new one. While it is not known what the
 * session does, nothing ends.
 */
export function waitChanges(
  open: readonly OpenWait[],
  session: SessionInfo,
  answered: ReadonlySet<string>,
): WaitChanges {
  const waits = waitsOf(session);
  const lost = open.filter(({ id }) => waits.every(({ ask }) => ask !== id));
  const told = lost.filter(({ id }) => answered.has(id));
  const untold = lost.filter(({ id }) => !answered.has(id));
  const isKnown = hasEnded(session) || (session.state === 'running' && session.activity.kind !== 'unknown');
  const unnamed = waits.some(({ ask }) => ask === undefined);
  return {
    opened: waits.filter(({ ask }) => (ask === undefined ? untold.length === 0 : open.every(({ id }) => id !== ask))),
    closed: [...told, ...(isKnown && !unnamed ? untold : [])],
  };
}
