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
