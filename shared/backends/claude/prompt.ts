import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deliveryMark } from '../driver.ts';
import type { Delivery, RunSpec } from '../driver.ts';
import { encodePrompt, maxTypedBytes } from './encode.ts';

/** Where a run's long texts are; Claude may read there without asking (see `settings.ts`). */
export const messagesDirOf = (spec: Pick<RunSpec, 'runDir'>): string => join(spec.runDir, 'messages');

/**
 * What is typed: the text, or, where it is very long, whose it is and the file that has it. Either way all marks of the
 * delivery are in it.
 */
export async function promptOf(spec: Pick<RunSpec, 'runDir'>, delivery: Delivery): Promise<string> {
  const encoded = encodePrompt(delivery.text);
  if (Buffer.byteLength(encoded) <= maxTypedBytes) return encoded;
  const folder = messagesDirOf(spec);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, `${delivery.id.replace(/[^\w-]/g, '_')}.md`);
  await writeFile(file, delivery.text, { mode: 0o600 });
  return encodePrompt(`${delivery.heading ?? deliveryMark(delivery.id)}\nIt is long, so it is in a file. Read all of ${file} now, and take it as if it stood here.`);
}
