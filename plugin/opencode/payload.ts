import { isObject } from '../../shared/platform/objects.ts';
type Payload = Record<string, unknown>;

/** Everything the host wants to know; the rest (parts, deltas, files) stays here. */
const reported = new Set([
  'session.created',
  'session.updated',
  'session.deleted',
  'session.status',
  'session.idle',
  'session.error',
  'session.compacted',
  'permission.asked',
  'permission.replied',
  'question.asked',
  'question.replied',
  'question.rejected',
]);

/** Longest text in a payload, in characters; a diff in a permission's metadata may be any size. */
const longestText = 20_000;
/**
 * What there is of a payload at most: levels, values, characters of all texts. Well within what the host takes in one message
 * (`shared/channel/frame-bounds.ts`, `server.ts`): it disconnects whoever sends more, and the report would be sent again.
 */
const bounds = { depth: 32, values: 10_000, text: 1_000_000 };
/** All texts of a message, in characters. They are not shortened: they are compared with what was delivered. */
const longestMessage = 2_000_000;

/** Pure. What of an Opencode event is reported; undefined: nothing. */
export function payloadOf(type: string, properties: Payload): Payload | undefined {
  if (type === 'message.updated') return messagePayload(properties);
  if (!reported.has(type)) return undefined;
  const info = properties['info'];
  if (!isObject(info)) return shortened(properties) as Payload;
  const { id, parentID, title, directory, metadata, cost, tokens } = info;
  return asSent({
    sessionID: properties['sessionID'],
    info: shortened({ id, parentID, title, directory, metadata, cost, tokens }),
  });
}

/** Pure. What is reported of a message that is about to be stored. */
export function messageTexts(sessionID: string, messageID: string, texts: readonly string[]): Payload {
  let left = longestMessage;
  const fitting = texts.slice(0, bounds.values).filter(({ length }) => {
    if (length > left) return false;
    left -= length;
    return true;
  });
  return { sessionID, messageID, texts: fitting };
}

/** User messages, and answers when they are complete, with their price. */
function messagePayload(properties: Payload): Payload | undefined {
  const info = properties['info'];
  if (!isObject(info)) return undefined;
  const { id, sessionID, role, parentID, time, cost, tokens, error, modelID, providerID, agent } = info;
  const completed = isObject(time) && typeof time['completed'] === 'number';
  if (role !== 'user' && !(role === 'assistant' && completed)) return undefined;
  return asSent({
    sessionID,
    info: shortened({ id, sessionID, role, parentID, time, cost, tokens, error, modelID, providerID, agent }),
  });
}

/** The same within bounds; where something is left out stands "…". */
function shortened(whole: unknown): unknown {
  const left = { values: bounds.values, text: bounds.text };
  const text = (value: string): string => {
    const most = Math.max(0, Math.min(longestText, left.text));
    left.text -= value.length;
    return value.length > most ? `${value.slice(0, most)}…` : value;
  };
  const within = (value: unknown, depth: number): unknown => {
    left.values -= 1;
    if (typeof value === 'string') return text(value);
    if (typeof value !== 'object' || value === null) return value;
    if (depth === bounds.depth) return '…';
    const entries: [string, unknown][] = [];
    for (const [name, inner] of Object.entries(value)) {
      if (left.values <= 0) {
        entries.push(['…', '…']);
        break;
      }
      entries.push([text(name), within(inner, depth + 1)]);
    }
    return Array.isArray(value) ? entries.map(([, inner]) => inner) : Object.fromEntries(entries);
  };
  return within(whole, 0);
}

/** As it is on the wire. */
function asSent(payload: Payload): Payload {
  return JSON.parse(JSON.stringify(payload)) as Payload;
}
