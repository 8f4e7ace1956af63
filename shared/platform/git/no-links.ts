import { lstat } from 'node:fs/promises';
import path from 'node:path';
import { unlessMissing } from '../files.ts';
import { GasTownError } from '../errors.ts';

/**
 * For whoever writes into a checkout: git brings symbolic links as they are, and one may lead anywhere. Rejects with
 * `bad-config` where something on the way from `root` (whose own path is the caller's) to `root/relative` is a link.
 */
export async function requireNoLinks(root: string, relative: string): Promise<void> {
  let at = root;
  for (const part of path.normalize(relative).split(path.sep)) {
    at = path.join(at, part);
    const facts = await unlessMissing(lstat(at));
    if (facts === undefined) return;
    if (facts.isSymbolicLink())
      throw new GasTownError(
        'bad-config',
        `${at} is a link, so nothing is written through it. Make it a folder or a file of its own.`,
      );
  }
}
