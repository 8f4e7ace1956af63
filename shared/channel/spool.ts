import { randomUUID } from 'node:crypto';
import { mkdir, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Params } from './protocol.ts';

/** What is kept while no host listens. Everything else is asked for an answer, so it fails then. */
export type SpooledCall =
  { method: 'work.done'; params: Params<'work.done'> } | { method: 'work.escalate'; params: Params<'work.escalate'> };

/** One report of a session: a file of its own, 0600, below `.runtime/spool` (0700), named so that order of names is order of time. */
export type SpooledReport = SpooledCall & {
  version: 1;
  /** Idempotency key. */
  id: string;
  /** Epoch milliseconds. */
  at: number;
  /** The run that reports, and its secret. */
  run: string;
  token: string;
};

export const spoolFolder = (root: string): string => join(root, '.runtime', 'spool');
/** How the files end that are to be taken; others are being written. */
export const spoolEnding = '.json';

/**
 * Keeps a report for the next host of the town. Returns the file; undefined where the town has been removed. Rejects as the
 * file system does.
 */
export async function keepReport(
  root: string,
  call: SpooledCall,
  by: { run: string; token: string },
): Promise<string | undefined> {
  if (!(await stat(join(root, '.runtime')).catch(() => undefined))) return undefined;
  const folder = spoolFolder(root);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const report: SpooledReport = { version: 1, id: randomUUID(), at: Date.now(), ...by, ...call };
  const file = join(folder, `${String(report.at).padStart(16, '0')}-${report.id}${spoolEnding}`);
  await writeFile(`${file}.tmp`, JSON.stringify(report), { mode: 0o600, flag: 'wx', flush: true });
  await rename(`${file}.tmp`, file);
  return file;
}
