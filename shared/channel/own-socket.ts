import { lstat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** The `code` of the error about a folder that may be somebody else's. */
export const notPrivateCode = 'not-private';

/**
 * Rejects unless the socket lies in a folder that is ours alone (with Node's error where there is none). That folder lies
 * where everybody may make folders: whoever makes it while no host is there would be given our token, and be obeyed.
 */
export async function requireOwnSocket(socket: string): Promise<void> {
  // A named pipe has no folder.
  if (process.platform === 'win32') return;
  const folder = dirname(socket);
  const facts = await lstat(folder);
  if (facts.isDirectory() && facts.uid === process.getuid?.() && (facts.mode & 0o077) === 0) return;
  const error = new Error(
    `${folder} is not a private folder of this user, so whoever listens there is not taken for the host.`,
  );
  throw Object.assign(error, { code: notPrivateCode });
}
