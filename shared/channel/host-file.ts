import { rm } from 'node:fs/promises';
import { protocolVersion } from './protocol.ts';
import type { HostFile } from './protocol.ts';
import { writeAtomically } from '../platform/files.ts';
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

export async function removeHostFile(file: string): Promise<void> {
  await rm(file, { force: true });
}
