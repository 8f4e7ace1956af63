import { notPrivateCode } from './own-socket.ts';
import { readHostFile } from './read-host-file.ts';

/**
 * Asks the host where whoever starts this said that it is. Where nobody is there, asks where the host's file says: the
 * host of today may have another folder for temporary files, or have opened the town by another path, than the one that
 * began the session. Rejects as the last of them does.
 */
export async function atHost<T>(
  told: string,
  hostFile: string | undefined,
  ask: (socket: string) => Promise<T>,
): Promise<T> {
  try {
    return await ask(told);
  } catch (error) {
    if (hostFile === undefined || !isNobodyThere(error)) throw error;
    // A file that cannot be read says no other place.
    const host = await readHostFile(hostFile).catch(() => undefined);
    if (host === undefined || host.socket === told) throw error;
    return ask(host.socket);
  }
}

const isNobodyThere = (error: unknown): boolean =>
  error instanceof Error &&
  'code' in error &&
  ['no-host', 'ENOENT', 'ECONNREFUSED', notPrivateCode].includes(String(error.code));
