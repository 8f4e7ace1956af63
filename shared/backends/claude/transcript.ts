import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { unlessMissing } from '../../config/write-atomically.ts';
import { deliveryMark } from '../driver.ts';
import type { ClaudeReference } from './reference.ts';

/**
 * Those of the messages that Claude Code has recorded in the session's transcript
 * (`projects/<work dir>/<session id>.jsonl`): what it has recorded, the model has or will
 * get. Rejects where the folder or a file in it cannot be read; a session that was never told anything has none.
 */
export async function inTranscript(
  { configDir, claudeSession }: Pick<ClaudeReference, 'configDir' | 'claudeSession'>,
  messageIds: readonly string[],
): Promise<string[]> {
  if (messageIds.length === 0) return [];
  const files = await candidates(configDir, claudeSession);
  const texts = await Promise.all(files.map((file) => unlessMissing(readFile(file, 'utf8'))));
  return messageIds.filter((id) => texts.some((text) => text?.includes(deliveryMark(id))));
}

/**
 * Whether Claude Code has a record of the conversation, so that it can be resumed. One without a prompt has none, and one
 * that was killed may have only the first lines of it, which it does not take for a conversation.
 */
export async function hasTranscript({ configDir, claudeSession }: Pick<ClaudeReference, 'configDir' | 'claudeSession'>): Promise<boolean> {
  const files = await candidates(configDir, claudeSession);
  const texts = await Promise.all(files.map((file) => unlessMissing(readFile(file, 'utf8'))));
  return texts.some((text) => text !== undefined && /"type":"(user|assistant)"/.test(text));
}

/** What the model said last; a line that is not as expected says nothing. */
export async function lastWordsIn({ configDir, claudeSession }: Pick<ClaudeReference, 'configDir' | 'claudeSession'>): Promise<string | undefined> {
  const texts = await Promise.all((await candidates(configDir, claudeSession)).map((file) => unlessMissing(readFile(file, 'utf8'))));
  const lines = texts.flatMap((text) => text?.split('\n') ?? []);
  for (const line of lines.reverse()) {
    const words = line.includes('"assistant"') ? wordsIn(line) : '';
    if (words !== '') return words;
  }
  return undefined;
}

const entry = z.object({
  type: z.literal('assistant'),
  /** Set where Claude Code itself speaks, of an error. */
  isApiErrorMessage: z.boolean().optional(),
  message: z.object({ content: z.array(z.object({ type: z.string(), text: z.string().optional() })) }),
});

function wordsIn(line: string): string {
  try {
    const { data } = entry.safeParse(JSON.parse(line));
    if (!data || data.isApiErrorMessage) return '';
    return data.message.content.flatMap(({ type, text }) => (type === 'text' && text !== undefined ? [text] : [])).join('\n').trim();
  } catch {
    // Half a line: it is being written.
    return '';
  }
}

/** Where the transcript may be: the folder's name says where the session works, which may be another place by now. */
async function candidates(configDir: string, claudeSession: string): Promise<string[]> {
  const projects = join(configDir, 'projects');
  const folders = (await unlessMissing(readdir(projects))) ?? [];
  return folders.map((folder) => join(projects, folder, `${claudeSession}.jsonl`));
}
