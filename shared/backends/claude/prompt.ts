import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deliveryMark, entriesOf } from '../../domain/delivery.ts';
import type { RunSpec } from '../driver.ts';
import { encodePrompt, isTypedAsIs, maxTypedBytes } from './encode.ts';
import type { Delivery } from '../../domain/delivery.ts';

/** Where a run's texts are that cannot be typed as they are; Claude may read there without asking (see `settings.ts`). */
export const messagesDirOf = (spec: Pick<RunSpec, 'runDir'>): string => join(spec.runDir, 'messages');

/** Every user of the machine sees a program's arguments, so not more of a prompt than this is one. In UTF-8 bytes. */
const maxArgumentBytes = 2_000;

/** What is the argument of a start: as what is typed, but a shorter one goes by a file already. */
export function firstPromptOf(spec: Pick<RunSpec, 'runDir'>, delivery: Delivery): Promise<string> {
  return promptOf(spec, delivery, maxArgumentBytes);
}

/**
 * What is typed: the text; where the composer would not keep all of it (tabs, direction marks) or would act on it
 * (`@file`), a form that it leaves alone, followed by the file that has it exactly; where that is longer than `maxBytes`
 * (0: in any case), whose it is and that file; where even this is, that file. All marks of the delivery are in it in any
 * case.
 */
export async function promptOf(
  spec: Pick<RunSpec, 'runDir'>,
  delivery: Delivery,
  maxBytes = maxTypedBytes,
): Promise<string> {
  const { id, text } = delivery;
  const fits = (prompt: string): boolean => Buffer.byteLength(prompt) <= maxBytes;
  const typed = encodePrompt(text);
  if (fits(typed) && isTypedAsIs(text)) return typed;
  const folder = messagesDirOf(spec);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, `${id.replace(/[^\w-]/g, '_')}.md`);
  await writeFile(file, text, { mode: 0o600 });
  const nearly = encodePrompt(
    `${text}\n\n(Some of its characters cannot be typed here, such as tabs and @ before a name. Where they matter, read ${file}: it has the exact text.)`,
  );
  if (fits(nearly)) return nearly;
  const marks = entriesOf(delivery).map(deliveryMark).join('\n');
  const byFile = (heading: string): string =>
    encodePrompt(
      `${heading}\nIt ${maxBytes === 0 ? 'cannot be typed here' : 'is long'}, so it is in a file. Read all of ${file} now, and take it as if it stood here.`,
    );
  const named = byFile(delivery.heading ?? marks);
  return maxBytes === 0 || fits(named) ? named : byFile(marks);
}
