import type { Item } from './request.ts';

const reminder = /<system-reminder>([\s\S]*?)<\/system-reminder>/g;

/**
 * How Claude Code hands over a text that the user sent in the middle of a turn: in a system message (2.1.330) or in a
 * reminder (2.1.197), between these words. Opencode sends a plain user message.
 */
const midTurn = new RegExp(
  '^\\s*The user sent a new message while you were working:\\n([\\s\\S]*)\\n\\n' +
    '(?:This is how Claude Code surfaces messages|IMPORTANT: After completing your current task)',
);

/** Blocks in a user message that Claude Code wrote itself. */
const notTyped = /^\s*<(?:task-notification|local-command-[a-z]+|command-name|command-message)>/;

/**
 * What stands in a conversation after the user stopped a turn; Opencode says it in the result of the tool that ran.
 */
const interrupted = /^\s*\[Request interrupted by user(?: for tool use)?\]\s*$/;
const abortedTool = /^Tool execution aborted|<shell_metadata>\nUser aborted the command\n<\/shell_metadata>\s*$/;

/** Sorts the text of a user message into what a user wrote and what the agent program added. */
export function itemsOfText(text: string, index: number): Item[] {
  const items = remindersIn(text, index);
  const rest = text.replace(reminder, '').trim();
  if (rest === '') return items;
  const kind = interrupted.test(rest) ? 'interrupt' : notTyped.test(rest) ? 'note' : 'user';
  return [...items, { kind, index, text: rest }];
}

/** A tool's result, with what the agent program added to it. */
export function itemsOfResult(text: string, index: number): Item[] {
  const aborted: Item[] = abortedTool.test(text) ? [{ kind: 'interrupt', index, text }] : [];
  return [{ kind: 'result', index, text }, ...remindersIn(text, index), ...aborted];
}

/** What the agent program says: a note, or the words of the user that it passes on. */
export function itemOfNote(text: string, index: number): Item {
  const words = midTurn.exec(text)?.[1];
  return words === undefined ? { kind: 'note', index, text } : { kind: 'user', index, text: words };
}

function remindersIn(text: string, index: number): Item[] {
  return [...text.matchAll(reminder)].map((match) => itemOfNote(match[1] ?? '', index));
}

/** Text of a message's content in either dialect: a string, or a list of blocks of which the text ones count. */
export function textsOf(content: unknown): string[] {
  if (typeof content === 'string') return [content];
  if (!Array.isArray(content)) return [];
  return content.flatMap((block: unknown) => {
    const text = field(block, 'text');
    return typeof text === 'string' ? [text] : [];
  });
}

/** A field of a value that may or may not be an object. */
export function field(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;
}

/** A list, or nothing where the value is none. */
export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
