import { chownSync } from 'node:fs';
import { vi } from 'vitest';

/** A user that no machine has. */
const foreignUid = 54_321;

/**
 * Makes a file or folder another user's. Only root can give it away; for anybody else the process takes itself for another
 * user instead, which says the same of this file (and of all others): the reason is printed. Undo with `vi.restoreAllMocks`.
 */
export function giveAway(path: string): void {
  if (process.getuid?.() === 0) return chownSync(path, foreignUid, foreignUid);
  console.info(`not root: ${path} cannot be given to another user, so this process takes itself for one`);
  vi.spyOn(process, 'getuid').mockReturnValue(foreignUid);
}
