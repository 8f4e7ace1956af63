import { dirname, resolve } from 'node:path';
import { parse } from 'jsonc-parser';
import { foreignOwner } from '../platform/ownership.ts';
import { messageOf } from '../platform/errors.ts';
import { isSafeDirectory } from '../platform/git/safe-directory.ts';
import { tooDeepAt, topLevelString } from './nesting.ts';
import { readBounded } from '../platform/read-bounded.ts';
import { settingsPath } from './settings-path.ts';
import { unlessMissing } from '../platform/files.ts';

/** A town's settings that were found and are not obeyed. */
export interface RefusedTown {
  root: string;
  reason: string;
}

/**
 * The root of the town that a folder is, or lies in: the nearest one with a `settings/config.json` of type
 * `town-settings`. A rig's settings on the way up are passed over; a file with an error in it still counts. What belongs
 * to another user counts for nothing, unless the user has told git that the folder is safe, nor what cannot be read; `refused` is told of both, as far as it may be a town.
 */
export async function findTown(
  folder: string,
  refused: (town: RefusedTown) => void = () => undefined,
): Promise<string | undefined> {
  for (let root = resolve(folder); ; root = dirname(root)) {
    try {
      const file = settingsPath(root);
      const text = await unlessMissing(readBounded(file));
      if (text !== undefined && typeOf(text) === 'town-settings') {
        const foreign = await foreignOwner([root, dirname(file), file]);
        if (foreign === undefined || (await isSafeDirectory(root))) return root;
        refused({ root, reason: foreign });
      }
    } catch (error) {
      refused({ root, reason: messageOf(error) });
    }
    if (root === dirname(root)) return undefined;
  }
}

function typeOf(text: string): unknown {
  // An error as any other: it is told where the file is opened.
  if (tooDeepAt(text)) return topLevelString(text, 'type');
  const value: unknown = parse(text);
  return typeof value === 'object' && value !== null && 'type' in value ? value.type : undefined;
}
