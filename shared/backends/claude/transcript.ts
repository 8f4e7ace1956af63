import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
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

/** Where the transcript may be: the folder's name says where the session works, which may be another place by now. */
async function candidates(configDir: string, claudeSession: string): Promise<string[]> {
  const projects = join(configDir, 'projects');
  const folders = (await unlessMissing(readdir(projects))) ?? [];
  return folders.map((folder) => join(projects, folder, `${claudeSession}.jsonl`));
}
