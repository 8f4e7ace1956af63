import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { unlessMissing } from '../../config/write-atomically.ts';
import { deliveryMark } from '../driver.ts';
import type { ClaudeReference } from './reference.ts';

/**
 * Those of the deliveries that Claude Code has recorded in the session's transcript
 * (`projects/<work dir>/<session id>.jsonl`): what it has recorded, the model has or will get.
 */
export async function inTranscript(
  { configDir, claudeSession }: Pick<ClaudeReference, 'configDir' | 'claudeSession'>,
  deliveries: readonly string[],
): Promise<string[]> {
  if (deliveries.length === 0) return [];
  const projects = join(configDir, 'projects');
  const folders = (await unlessMissing(readdir(projects))) ?? [];
  const texts = await Promise.all(folders.map((folder) => unlessMissing(readFile(join(projects, folder, `${claudeSession}.jsonl`), 'utf8'))));
  return deliveries.filter((id) => texts.some((text) => text?.includes(deliveryMark(id))));
}
