import { createHash } from 'node:crypto';

/** The two ways in which agent programs talk to a model. */
export type Dialect = 'openai' | 'anthropic';

/** What a request is for: a turn of the conversation, its title, its compaction, or something else (token counts). */
export type Kind = 'turn' | 'title' | 'compaction' | 'other';

/**
 * One thing in a conversation's history, in order. `user`: what the user or the orchestrator wrote. `note`: what the
 * agent program added (reminders, system messages). `interrupt`: the user stopped the turn. `index`: of its message.
 */
export type Item =
  | { readonly kind: 'user' | 'note' | 'interrupt'; readonly index: number; readonly text: string }
  | { readonly kind: 'assistant'; readonly index: number; readonly text: string; readonly tools: readonly string[] }
  | { readonly kind: 'result'; readonly index: number; readonly text: string };

/** A request to the model, the same for both dialects. */
export interface ModelRequest {
  readonly dialect: Dialect;
  readonly kind: Kind;
  readonly conversation: string;
  readonly model: string;
  readonly stream: boolean;
  readonly system: readonly string[];
  readonly items: readonly Item[];
  /** Names of the tools that the agent program offers. */
  readonly tools: readonly string[];
  /** The answer must be JSON with this field (Claude Code asks for titles so). */
  readonly jsonField?: string;
}

/**
 * A user text that no finished answer has dealt with yet, its ordinal among the user texts, and the place in `items`.
 */
export interface Pending {
  readonly text: string;
  readonly turn: number;
  readonly at: number;
}

/**
 * The user texts that are still to be answered, oldest first; the last user text is always among them. Earlier ones
 * count while the model has not ended a turn after them (a text that arrives in the middle of a turn does not undo the
 * work that the turn began) and nobody interrupted it. Pure.
 */
export function pendingTexts(items: readonly Item[]): Pending[] {
  let pending: Pending[] = [];
  let turn = 0;
  let closed = false;
  items.forEach((item, at) => {
    if (item.kind === 'user') {
      turn += 1;
      if (closed) pending = [];
      closed = false;
      pending.push({ text: item.text, turn, at });
    } else if (item.kind === 'interrupt') closed = true;
    else if (item.kind === 'assistant') closed = item.tools.length === 0;
  });
  return pending;
}

/** The tool results that follow the item at `at`. */
export function resultsAfter(items: readonly Item[], at: number): string[] {
  return items.slice(at + 1).flatMap((item) => (item.kind === 'result' ? [item.text] : []));
}

/** The conversation a request belongs to: the session id that the program sends, else a hash of the first user text. */
export function conversationOf(header: string | string[] | undefined, items: readonly Item[]): string {
  if (typeof header === 'string' && header !== '') return header;
  const first = items.find(({ kind }) => kind === 'user')?.text ?? '';
  return `text-${createHash('sha256').update(first).digest('hex').slice(0, 12)}`;
}
