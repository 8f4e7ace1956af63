import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { foreignOwner, notPrivate } from '../platform/ownership.ts';
import { protocolVersion } from './protocol.ts';
import type { HostFile } from './protocol.ts';
import { readBounded } from '../platform/read-bounded.ts';
import { unlessMissing, writeAtomically } from '../platform/files.ts';
import { identify } from '../platform/process-table.ts';

/** Says where the host is, for `gt` in any terminal and for other windows. Only its owner can read it. */
export async function writeHostFile(file: string, socket: string, token: string): Promise<void> {
  const self = await identify(process.pid);
  const content: HostFile = {
    pid: process.pid,
    startTime: self?.startTime ?? '',
    socket,
    token,
    protocol: protocolVersion,
  };
  await writeAtomically(file, `${JSON.stringify(content, null, 2)}\n`, 0o600);
}

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

export async function removeHostFile(file: string): Promise<void> {
  await rm(file, { force: true });
}
