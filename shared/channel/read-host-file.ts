import { dirname } from 'node:path';
import { unlessMissing } from '../platform/files.ts';
import { foreignOwner, notPrivate } from '../platform/ownership.ts';
import { readBounded } from '../platform/read-bounded.ts';
import type { HostFile } from './protocol.ts';

/**
 * Undefined where no host has ever been, or what is there is not a host file, or may be somebody else's: the file has to be
 * the user's and nobody else's to read, and the socket theirs.
 */
export async function readHostFile(file: string): Promise<HostFile | undefined> {
  const text = await unlessMissing(readBounded(file));
  if (text === undefined) return undefined;
  try {
    if (((await foreignOwner([dirname(file), file])) ?? (await notPrivate(file))) !== undefined) return undefined;
    const host = JSON.parse(text) as HostFile;
    // A socket that is not there is told by whoever connects.
    const foreign = await unlessMissing(foreignOwner([host.socket]));
    return foreign === undefined ? host : undefined;
  } catch {
    // A file cut short by a crash says the same as none: the lock decides who is host, and the next host writes it anew.
    return undefined;
  }
}
