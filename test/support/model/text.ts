import type { Item } from './request.ts';

const reminder = /<system-reminder>([\s\S]*?)<\/system-reminder>/g;

/** How the agent programs hand over a text that came in the middle of a turn: the person's words inside a reminder. */
const midTurn = [
  /^\s*The user sent the following message:\n([\s\S]*?)\n+Please address this message and continue with your tasks\.\s*$/,
  /^\s*The user sent a new message while you were working:\n([\s\S]*?)(?:\n+IMPORTANT:[\s\S]*)?$/,
];

/** Blocks in a user message that Claude Code wrote itself. */
const notTyped = /^\s*<(?:task-notification|local-command-[a-z]+|command-name|command-message)>/;
const interrupted = /^\s*\[Request interrupted by user(?: for tool use)?\]\s*$/;

/**
 * Sorts the text of a user message (or of a tool result: `typed` false) into what a person wrote and what the agent
 * program added, in order.
 */
export function itemsOfText(text: string, index: number, typed = true): Item[] {
  const items: Item[] = [];
  for (const match of text.matchAll(reminder)) {
    const inner = match[1] ?? '';
    const words = midTurn.map((form) => form.exec(inner)?.[1]).find((found) => found !== undefined);
    items.push(words === undefined ? { kind: 'note', index, text: inner } : { kind: 'user', index, text: words });
  }
  const rest = text.replace(reminder, '').trim();
  if (!typed || rest === '') return items;
  if (interrupted.test(rest)) return [...items, { kind: 'interrupt', index, text: rest }];
  return [...items, { kind: notTyped.test(rest) ? 'note' : 'user', index, text: rest }];
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
