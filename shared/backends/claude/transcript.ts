import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { unlessMissing } from '../../config/write-atomically.ts';
import { deliveryMark } from '../driver.ts';
import type { TurnFailure } from '../driver.ts';
import { failureOf } from './hook-facts.ts';
import { readRecordEntry } from './record-entry.ts';
import type { ClaudeReference } from './reference.ts';

type Conversation = Pick<ClaudeReference, 'configDir' | 'claudeSession'>;

/**
 * Those of the messages that the model has been given, by the session's transcript
 * (`projects/<work dir>/<session id>.jsonl`). It names some that the model has not: those that a hook refused, or that wait
 * in the program's queue. Rejects where the folder or a file in it cannot be read; a session that was never told anything has none.
 */
export async function inTranscript(
  { configDir, claudeSession }: Conversation,
  messageIds: readonly string[],
): Promise<string[]> {
  if (messageIds.length === 0) return [];
  const files = await candidates(configDir, claudeSession);
  const texts = await Promise.all(files.map((file) => unlessMissing(readFile(file, 'utf8'))));
  const given = texts
    .flatMap((text) => text?.split('\n') ?? [])
    .filter((line) => messageIds.some((id) => line.includes(deliveryMark(id))))
    .flatMap((line) => readRecordEntry(line) ?? [])
    .filter(({ kind }) => kind === 'given');
  return messageIds.filter((id) => given.some(({ text }) => text.includes(deliveryMark(id))));
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
  const texts = await Promise.all(files.map((file) => unlessMissing(readFile(file, 'utf8'))));
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
  isSidechain: z.literal(false).optional(),
  /** Set where Claude Code itself speaks, of an error. */
  isApiErrorMessage: z.boolean().optional(),
  /** Its word for the error, as in the hook that tells of it. */
  error: z.string().catch('unknown'),
  timestamp: z.string(),
  message: z.object({
    content: z.union([z.string(), z.array(z.object({ type: z.string(), text: z.string().optional() }))]),
  }),
});
type Entry = z.output<typeof entrySchema>;

/** The first thing, from the end, that `read` makes of an entry. A line that is not as expected says nothing. */
async function fromTheEnd<T>(
  { configDir, claudeSession }: Conversation,
  read: (entry: Entry) => T | undefined,
): Promise<T | undefined> {
  const texts = await Promise.all(
    (await candidates(configDir, claudeSession)).map((file) => unlessMissing(readFile(file, 'utf8'))),
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

/** Where the transcript may be: the folder's name says where the session works, which may be another place by now. */
async function candidates(configDir: string, claudeSession: string): Promise<string[]> {
  const projects = join(configDir, 'projects');
  const folders = (await unlessMissing(readdir(projects))) ?? [];
  return folders.map((folder) => join(projects, folder, `${claudeSession}.jsonl`));
}
