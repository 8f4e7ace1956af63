/** What happened to a session, in one order: its events, the messages to and from it, and the history of its work. Pure. */
import type { WorkHistoryEntry } from '../domain/work-state.ts';
import type { StoredMessage } from '../store/messages.ts';
import type { StoredEvent } from '../store/store.ts';
import { eventText } from './event-text.ts';
import type { LogEntry } from '../channel/views.ts';
import { cutText } from '../platform/cut-text.ts';

/** A message as the timeline needs it. */
type Message = StoredMessage & { closedAt?: number; repeated?: boolean };

export interface TimelineParts {
  session: string;
  events: readonly StoredEvent[];
  messages: readonly Message[];
  histories: readonly { id: string; history: readonly WorkHistoryEntry[] }[];
}

/** Oldest first; what happened in the same millisecond in the order in which it was recorded. */
export function timeline({ session, events, messages, histories }: TimelineParts): LogEntry[] {
  const entries = [
    ...events.flatMap(ofEvent),
    ...messages.flatMap((message) => ofMessage(message, session)),
    ...histories.flatMap(({ id, history }) => history.map((entry) => ofWork(id, entry))),
  ];
  return entries
    .map((entry, index) => ({ entry, index }))
    .sort((a, b) => a.entry.at - b.entry.at || a.index - b.index)
    .map(({ entry }) => entry);
}

function ofEvent(event: StoredEvent): LogEntry[] {
  const { at, type, runId, detail } = event;
  // What it waits for is told by the ask.
  if (type === 'session.status' && detail['activity'] === 'attention') return [];
  const { by, detail: whole } = detail;
  return [
    {
      at,
      type,
      text: oneLine(eventText(event)),
      ...(runId === undefined ? {} : { runId }),
      ...(typeof by === 'string' ? { by } : {}),
      ...(typeof whole === 'string' && whole !== '' ? { detail: whole } : {}),
    },
  ];
}

function ofMessage(message: Message, session: string): LogEntry[] {
  const { id, from, to, kind, subject, body, workId, state, runId, reason, attempts } = message;
  const other = to === session ? `from ${from}` : `to ${to}`;
  const about = workId ?? (subject === '' ? body : subject);
  const run = runId === undefined || runId === '' ? {} : { runId };
  const said = (at: number | undefined, what: string, note = ''): LogEntry[] =>
    at === undefined
      ? []
      : [{ at, type: `message.${what}`, text: `${kind} ${id} ${other}: ${what}${note}`, by: from, ...run }];
  const doubts = [...(attempts > 1 ? [`attempt ${attempts}`] : []), ...(message.repeated ? ['possibly repeated'] : [])];
  const isClosed = state === 'refused' || state === 'expired' || state === 'dead';
  return [
    ...said(message.sentAt, 'accepted', about === '' ? '' : `: ${oneLine(about)}`),
    ...said(message.deliveredAt, 'delivered', doubts.length === 0 ? '' : ` (${doubts.join(', ')})`),
    ...said(kind === 'mail' ? message.readAt : undefined, 'read'),
    ...said(message.actedAt, 'acted'),
    ...(isClosed
      ? said(message.closedAt ?? message.sentAt, state, reason === undefined ? '' : ` (${oneLine(reason)})`)
      : []),
  ];
}

function ofWork(id: string, { at, state, by, runId, note }: WorkHistoryEntry): LogEntry {
  const text = `${id} is ${state}${note === undefined ? '' : `: ${oneLine(note)}`}`;
  return { at, type: `work.${state}`, text, by, ...(runId === undefined ? {} : { runId }) };
}

const longestText = 300;

function oneLine(text: string): string {
  return cutText(text.replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ').trim(), longestText);
}
