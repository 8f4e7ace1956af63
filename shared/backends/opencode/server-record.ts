import { chmod, mkdir, rm } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod/mini';
import { writeAtomically } from '../../platform/files.ts';

const serverRecord = z.object({
  /** Random; the server has it in its environment, so it can be found even where the record has no pid. */
  id: z.string(),
  /** Stands for what the server was started with; agents that differ in it cannot share a server. */
  launch: z.string(),
  program: z.string(),
  port: z.int(),
  password: z.string(),
  /** The server's own token on the channel. */
  token: z.string(),
  /** Absent until the process exists. */
  pid: z.optional(z.int()),
  startTime: z.optional(z.string()),
});

/** What a later host needs to find the server again. Holds secrets: 0600 in a folder of 0700. */
export type ServerRecord = z.output<typeof serverRecord>;

export async function writeServerRecord(folder: string, record: ServerRecord): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  await writeAtomically(recordFile(folder), `${JSON.stringify(record, undefined, 2)}\n`);
  await chmod(recordFile(folder), 0o600);
}

/** Undefined where there is none, or none that can be read. Synchronous, as a token may be asked for at once. */
export function readServerRecord(folder: string): ServerRecord | undefined {
  try {
    return serverRecord.parse(JSON.parse(readFileSync(recordFile(folder), 'utf8')));
  } catch {
    // None, or of another version: its server ends itself when its lease is over.
    return undefined;
  }
}

export async function removeServerRecord(folder: string): Promise<void> {
  await rm(recordFile(folder), { force: true });
}

export function recordFile(folder: string): string {
  return path.join(folder, 'server.json');
}
