import type { SessionInfo } from '../domain/orchestrator.ts';
import type { Ask } from '../domain/activity.ts';
import { hasEnded } from '../domain/session-state.ts';
import type { AttentionView } from '../channel/views.ts';

/** Pure. What the session waits for now, oldest first. */
export function waitsOf(
  session: Pick<SessionInfo, 'id' | 'runId' | 'state' | 'activity' | 'asks' | 'since' | 'cause'>,
): AttentionView[] {
  if (hasEnded(session)) return [];
  const { id, runId, activity, asks, since, cause } = session;
  if (asks.length > 0) {
    return asks.map((ask) => ({
      session: id,
      runId,
      ask: ask.id,
      kind: ask.kind,
      title: ask.title,
      detail: ask.detail,
      options: ask.options,
      ...(ask.questions ? { questions: ask.questions } : {}),
      resolvable: ask.resolvable,
      atAGlance: isAtAGlance(ask),
      since: ask.since,
    }));
  }
  if (activity.kind !== 'attention') return [];
  return [
    {
      session: id,
      runId,
      kind: activity.ask,
      title: cause,
      detail: '',
      options: [],
      resolvable: false,
      atAGlance: false,
      since,
    },
  ];
}

/** A longer text is cut, or fills a notification: nobody shall allow what they cannot read. */
const glanceLength = 100;

/** What may hide a part of a text, or show it as another: control and direction marks, line ends, links of a notification. */
const disguise = /[\p{C}\p{Zl}\p{Zp}]|\]\(/u;

/**
 * Only a command says by one line all that it does. What an edit writes, what a plan says, what an address is asked for and
 * what an unknown tool takes stands in the detail; a title that was cut, or whose blanks were folded, is not the command.
 */
function isAtAGlance({ kind, calls, title }: Ask): boolean {
  if (kind !== 'permission' || title.length > glanceLength || disguise.test(title)) return false;
  const isCommand = calls !== undefined && calls.every((call) => call.kind === 'shell');
  return isCommand && calls.some(({ tool, argument }) => title.endsWith(`${tool}: ${argument}`));
}

/** Pure. All waits of the town, oldest first. */
export function allWaits(sessions: readonly Parameters<typeof waitsOf>[0][]): AttentionView[] {
  return sessions.flatMap(waitsOf).sort((a, b) => a.since - b.since || a.session.localeCompare(b.session));
}
