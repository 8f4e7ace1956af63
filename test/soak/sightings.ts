/** A message that the model saw in its turns. */
export interface SeenMessage {
  conversation: string;
  /** `user`: what was put before it; the rest is the agent program's. */
  role: string;
  text: string;
}

/** What the model's record says about one entry of the outbox. */
export interface Sighting {
  /** How often its text, or the notice of it, was put before a model: once per message, however often history repeats it. */
  times: number;
  /** The most of them in one conversation. */
  mostInOne: number;
}

/** What is known of one request to a model. */
export interface AskedTurn {
  kind: string;
  /** Epoch milliseconds. */
  time: number;
  /** All that was put before it in this conversation; the last of it is what the turn is about. */
  userTexts: readonly string[];
}

/** When a model was first asked with an entry, and last in the turn about it. Epoch milliseconds. */
export interface Asked {
  first: number;
  last: number;
}

/** By which an entry is found in a text, or in the heading of one that is too long to type and goes by file. */
const mark = /\[gt ([\w.-]+)\]/g;
const anyId = /\bmsg_[a-z0-9]+/g;
const accepted = /\b(?:nudge|mail|broadcast) (msg_[a-z0-9]+) to \S+: accepted/g;

/** Pure. The entries of the outbox that were put before the model, by id. */
export function sightingsIn(messages: readonly SeenMessage[]): Map<string, Sighting> {
  const found = new Map<string, Map<string, number>>();
  for (const { conversation, role, text } of messages) {
    if (role !== 'user') continue;
    const ids = new Set([...text.matchAll(mark)].map((match) => match[1]!));
    for (const id of ids) {
      const perConversation = found.get(id) ?? new Map<string, number>();
      found.set(id, perConversation.set(conversation, (perConversation.get(conversation) ?? 0) + 1));
    }
  }
  return new Map(
    [...found].map(([id, perConversation]) => {
      const counts = [...perConversation.values()];
      return [id, { times: counts.reduce((sum, count) => sum + count, 0), mostInOne: Math.max(...counts) }];
    }),
  );
}

/** Pure. By the id of the entry; a history that is sent again says nothing new. */
export function askedIn(requests: readonly AskedTurn[]): Map<string, Asked> {
  const marks = new Map<string, readonly string[]>();
  const marksOf = (text: string): readonly string[] => {
    const known = marks.get(text) ?? [...text.matchAll(mark)].map((match) => match[1]!);
    marks.set(text, known);
    return known;
  };
  const asked = new Map<string, Asked>();
  for (const { kind, time, userTexts } of requests) {
    if (kind !== 'turn') continue;
    for (const id of userTexts.flatMap(marksOf)) if (!asked.has(id)) asked.set(id, { first: time, last: time });
    for (const id of marksOf(userTexts.at(-1) ?? '')) asked.get(id)!.last = time;
  }
  return asked;
}

/** Pure. Ids that stand in what tools said, such as the letters that `gt mail inbox` prints. */
export function idsIn(results: Iterable<string>): Set<string> {
  const ids = new Set<string>();
  for (const result of results) for (const [id] of result.matchAll(anyId)) ids.add(id);
  return ids;
}

/** Pure. Ids of messages of which `gt` told the agent that they are accepted. */
export function acceptedIn(results: Iterable<string>): Set<string> {
  const ids = new Set<string>();
  for (const result of results) for (const match of result.matchAll(accepted)) ids.add(match[1]!);
  return ids;
}

/** Pure. What `gt done` told agents: unit → the state in which it is reported. */
export function reportedIn(results: Iterable<string>): Map<string, string> {
  const units = new Map<string, string>();
  for (const result of results) {
    for (const match of result.matchAll(/^(\S+) is reported: (\w+)\.$/gm)) units.set(match[1]!, match[2]!);
  }
  return units;
}
