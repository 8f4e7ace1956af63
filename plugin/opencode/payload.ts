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

/** Pure. What of an Opencode event is reported; undefined: nothing. */
export function payloadOf(type: string, properties: Payload): Payload | undefined {
  if (type === 'message.updated') return messagePayload(properties);
  if (!reported.has(type)) return undefined;
  const info = properties['info'];
  if (!isObject(info)) return shortened(properties) as Payload;
  const { id, parentID, title, directory, metadata, cost, tokens } = info;
  return withoutUndefined({
    sessionID: properties['sessionID'],
    info: { id, parentID, title, directory, metadata, cost, tokens },
  });
}

/** User messages, and answers when they are complete, with their price. */
function messagePayload(properties: Payload): Payload | undefined {
  const info = properties['info'];
  if (!isObject(info)) return undefined;
  const { id, sessionID, role, parentID, time, cost, tokens, error, modelID, providerID, agent } = info;
  const completed = isObject(time) && typeof time['completed'] === 'number';
  if (role !== 'user' && !(role === 'assistant' && completed)) return undefined;
  const shown = {
    id,
    sessionID,
    role,
    parentID,
    time,
    cost,
    tokens,
    error: shortened(error),
    modelID,
    providerID,
    agent,
  };
  return withoutUndefined({ sessionID, info: shown });
}

function shortened(value: unknown): unknown {
  if (typeof value === 'string') return value.length > longestText ? `${value.slice(0, longestText)}…` : value;
  if (Array.isArray(value)) return value.map(shortened);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, shortened(inner)]));
}

function withoutUndefined(payload: Payload): Payload {
  return JSON.parse(JSON.stringify(payload)) as Payload;
}

export function isObject(value: unknown): value is Payload {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
