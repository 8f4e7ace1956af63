import type { SessionInfo } from '../orchestrator.ts';
import type { AskKind, Question } from '../sessions/activity.ts';
import { hasEnded } from '../sessions/session-info.ts';

/** One wait for the person: what a session asks, or that it waits for something that can be seen in its terminal only. */
export interface AttentionView {
  session: string;
  runId: string;
  /** Absent where the session only says that it waits: then its terminal tells for what. */
  ask?: string;
  kind: AskKind | 'dialog';
  /** One line. */
  title: string;
  /** Everything that there is to know: tool arguments, plan text, question. */
  detail: string;
  /** The answers that a single question offers. */
  options: readonly string[];
  /** All questions, where there are several, or several answers may be chosen. */
  questions?: readonly Question[];
  /** Whether it can be answered from here; else only in the session's terminal. */
  resolvable: boolean;
  /** Epoch milliseconds. */
  since: number;
}

/** Pure. What the session waits for now, oldest first. */
export function waitsOf(session: Pick<SessionInfo, 'id' | 'runId' | 'state' | 'activity' | 'asks' | 'since' | 'cause'>): AttentionView[] {
  if (hasEnded(session)) return [];
  const { id, runId, activity, asks, since, cause } = session;
  if (asks.length > 0) {
    return asks.map(({ id: ask, kind, title, detail, options, questions, resolvable, since: askedAt }) => ({
      session: id,
      runId,
      ask,
      kind,
      title,
      detail,
      options,
      ...(questions ? { questions } : {}),
      resolvable,
      since: askedAt,
    }));
  }
  if (activity.kind !== 'attention') return [];
  return [{ session: id, runId, kind: activity.ask, title: cause, detail: '', options: [], resolvable: false, since }];
}

/** Pure. All waits of the town, oldest first. */
export function allWaits(sessions: readonly Parameters<typeof waitsOf>[0][]): AttentionView[] {
  return sessions.flatMap(waitsOf).sort((a, b) => a.since - b.since || a.session.localeCompare(b.session));
}
