import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import * as z from 'zod/mini';
import { openRegular } from '../../platform/read-bounded.ts';
import { unlessMissing } from '../../platform/files.ts';
import { orElse } from '../../platform/or-else.ts';
import { deliveryMark } from '../../domain/delivery.ts';
import type { TurnFailure } from '../../domain/run.ts';
import { failureOf } from './hook-facts.ts';
import { readRecordEntry } from './record-entry.ts';
import type { ClaudeReference } from './reference.ts';

type Conversation = Pick<ClaudeReference, 'configDir' | 'claudeSession'>;

/** A message that the conversation has. */
export interface GivenMessage {
  id: string;
  /** When it was put there, in epoch milliseconds. */
  at: number;
  /** The model has said something since. */
  answered: boolean;
}

/**
 * Those of the messages that the conversation has, by the session's transcript (`projects/<work dir>/<session id>.jsonl`), and
 * when its newest entry was made (epoch milliseconds; 0 where there is none). The transcript names some that the model has
 * not: those that a hook refused, or that wait in the program's queue. Rejects where the folder or a file in it cannot be
 * read; a session that was never told anything has none.
 */
export async function inTranscript(
  { configDir, claudeSession }: Conversation,
  messageIds: readonly string[],
): Promise<{ given: GivenMessage[]; newest: number }> {
  if (messageIds.length === 0) return { given: [], newest: 0 };
  const files = await candidates(configDir, claudeSession);
  const texts = await Promise.all(files.map((file) => unlessMissing(textOfFile(file))));
  const lines = texts.flatMap((text) => text?.split('\n') ?? []);
  const given = messageIds.flatMap((id) => {
    const mark = deliveryMark(id);
    const isGiven = (line: string): boolean => {
      const entry = line.includes(mark) ? readRecordEntry(line) : undefined;
      return entry?.kind === 'given' && entry.text.includes(mark);
    };
    const index = lines.findLastIndex(isGiven);
    return index < 0 ? [] : [{ id, index, at: readRecordEntry(lines[index]!)!.at }];
  });
  const answer = lines.findLastIndex((line) => readRecordEntry(line)?.kind === 'answer');
  const newest = readRecordEntry(lines.findLast((line) => readRecordEntry(line) !== undefined) ?? '')?.at ?? 0;
  return { given: given.map(({ id, index, at }) => ({ id, at, answered: index < answer })), newest };
}

/** The file, where there is one. */
export async function transcriptOf({ configDir, claudeSession }: Conversation): Promise<string | undefined> {
  for (const file of await candidates(configDir, claudeSession)) if (await unlessMissing(stat(file))) return file;
  return undefined;
}

/**
 * Whether Claude Code has a record of the conversation, so that it can be resumed. One without a prompt has none, and one
 * that was killed may have only the first lines of it, which it does not take for a conversation.
 */
export async function hasTranscript({ configDir, claudeSession }: Conversation): Promise<boolean> {
  const files = await candidates(configDir, claudeSession);
  const texts = await Promise.all(files.map((file) => unlessMissing(textOfFile(file))));
  return texts.some((text) => text !== undefined && /"type":"(user|assistant)"/.test(text));
}

/** What the model said last. */
export async function lastWordsIn(conversation: Conversation): Promise<string | undefined> {
  return fromTheEnd(conversation, ({ type, isApiErrorMessage, message }) => {
    const words = type === 'assistant' && !isApiErrorMessage ? textOf(message.content) : '';
    return words === '' ? undefined : words;
  });
}

/** Whether the model has said something since then, in epoch milliseconds. */
export async function hasSpokenSince(conversation: Conversation, since: number): Promise<boolean> {
  const last = await fromTheEnd(conversation, (entry) => (entry.type === 'assistant' ? entry : undefined));
  return last !== undefined && Date.parse(last.timestamp) >= since;
}

/** Why the newest turn failed: then Claude Code itself has the last word in it. Undefined where it did not, or goes on. */
export async function lastFailureIn(conversation: Conversation): Promise<TurnFailure | undefined> {
  const last = await fromTheEnd(conversation, (entry) => entry);
  if (!last?.isApiErrorMessage) return undefined;
  return failureOf(last.error, textOf(last.message.content), Date.parse(last.timestamp));
}

const entrySchema = z.object({
  type: z.enum(['user', 'assistant']),
  /** What a sub-agent was told or said, where it is in the same file. */
  isSidechain: z.optional(z.literal(false)),
  /** Set where Claude Code itself speaks, of an error. */
  isApiErrorMessage: z.optional(z.boolean()),
  /** Its word for the error, as in the hook that tells of it. */
  error: orElse(z.string(), 'unknown'),
  timestamp: z.string(),
  message: z.object({
    content: z.union([z.string(), z.array(z.object({ type: z.string(), text: z.optional(z.string()) }))]),
  }),
});
type Entry = z.output<typeof entrySchema>;

/** The first thing, from the end, that `read` makes of an entry. A line that is not as expected says nothing. */
async function fromTheEnd<T>(
  { configDir, claudeSession }: Conversation,
  read: (entry: Entry) => T | undefined,
): Promise<T | undefined> {
  const texts = await Promise.all(
    (await candidates(configDir, claudeSession)).map((file) => unlessMissing(textOfFile(file))),
  );
  const lines = texts.flatMap((text) => text?.split('\n') ?? []);
  for (const line of lines.reverse()) {
    const entry = /"type":"(user|assistant)"/.test(line) ? entryOf(line) : undefined;
    const found = entry && read(entry);
    if (found !== undefined) return found;
  }
  return undefined;
}

function entryOf(line: string): Entry | undefined {
  try {
    return entrySchema.safeParse(JSON.parse(line)).data;
  } catch {
    // Half a line: it is being written.
    return undefined;
  }
}

function textOf(content: Entry['message']['content']): string {
  if (typeof content === 'string') return content.trim();
  return content
    .flatMap(({ type, text }) => (type === 'text' && text !== undefined ? [text] : []))
    .join('\n')
    .trim();
}

/**
 * Pure. The file that a hook names as its conversation's record, where that is one: whoever runs in a session can tell the
 * host of any file, and none but `projects/<folder>/<session id>.jsonl` is read for it.
 */
export function recordNamed(path: string, { configDir, claudeSession }: Conversation): string | undefined {
  const name = `${claudeSession}.jsonl`;
  const folder = basename(dirname(path));
  if (basename(path) !== name || folder === '' || folder === '.' || folder === '..') return undefined;
  return join(configDir, 'projects', folder, name);
}

async function textOfFile(file: string): Promise<string> {
  const handle = await openRegular(file);
  try {
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}

/** Where the transcript may be: the folder's name says where the session works, which may be another place by now. */
async function candidates(configDir: string, claudeSession: string): Promise<string[]> {
  const projects = join(configDir, 'projects');
  const folders = (await unlessMissing(readdir(projects))) ?? [];
  return folders.map((folder) => join(projects, folder, `${claudeSession}.jsonl`));
}
