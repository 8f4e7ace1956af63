/** What to notify the person of. Pure. */
import type { Ask } from '../../shared/sessions/activity.ts';
import type { SessionView, TownSnapshot } from '../../shared/town/snapshot.ts';
import { classOf } from '../views/session-icon.ts';

/** One reason for which a session waits. */
export interface WaitingCause {
  /** The same for as long as it waits for the same thing. */
  key: string;
  session: SessionView;
  /** Absent where the session only says that it waits. */
  ask: Ask | undefined;
}

export function waitingCauses(snapshot: TownSnapshot): WaitingCause[] {
  return snapshot.sessions
    .filter((session) => classOf(session) === 'waiting')
    .flatMap((session): WaitingCause[] => {
      const cause = (ask: Ask | undefined, what: string) => ({ key: `${session.runId}/${what}`, session, ask });
      if (session.asks.length === 0) return [cause(undefined, `since ${session.since}`)];
      return session.asks.map((ask) => cause(ask, ask.id));
    });
}

/** A longer text would be cut in a notification, and nobody shall allow what they cannot read. */
const messageLength = 100;

/** Whether the ask can be allowed or denied right in a message: everything about it is in its title. */
export function fitsInMessage(ask: Ask): boolean {
  const { kind, resolvable, title } = ask;
  return kind === 'permission' && resolvable && title.length <= messageLength && !/[\n…]/.test(title);
}
