/**
 * Whose a file is. On a machine with several users a folder further up may be one that others write in, and what they put
 * there is not obeyed: neither settings, which name programs, nor a host's file, which says whose answers to follow (as git
 * does it since CVE-2022-24765). Windows has no such owners; there nothing is refused.
 */
import { lstat, stat } from 'node:fs/promises';

/** Why none of these files may be obeyed: one of them, or what it links to, is neither the user's nor the system's. Rejects where one is missing. */
export async function foreignOwner(paths: readonly string[]): Promise<string | undefined> {
  const user = process.getuid?.();
  if (user === undefined) return undefined;
  for (const path of paths) {
    for (const { uid } of [await lstat(path), await stat(path)]) {
      if (uid !== user && uid !== 0) return `${path} belongs to another user (${uid})`;
    }
  }
  return undefined;
}

/** Why a file that only its owner should be able to read is not to be believed; undefined where nothing speaks against it. */
export async function notPrivate(path: string): Promise<string | undefined> {
  if (process.getuid === undefined) return undefined;
  const { mode } = await stat(path);
  return (mode & 0o077) === 0
    ? undefined
    : `others may read or write ${path} (its mode is ${(mode & 0o777).toString(8)})`;
}
