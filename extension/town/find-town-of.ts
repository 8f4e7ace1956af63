import { isAbsolute, relative } from 'node:path';
import { findTown } from '../../shared/config/find-town.ts';
import type { RefusedTown } from '../../shared/config/find-town.ts';

export interface FoundTown {
  root: string;
  /** It lies in an opened folder, so the trust in the workspace is trust in its settings, too. */
  isOpened: boolean;
}

/** The town that the window's folders are in: that of the first folder that is in one. */
export async function findTownOf(
  folders: readonly string[],
  refused: (town: RefusedTown) => void = () => undefined,
): Promise<FoundTown | undefined> {
  for (const folder of folders) {
    const root = await findTown(folder, refused);
    if (root !== undefined) return { root, isOpened: isIn(root, folders) };
  }
  return undefined;
}

/** Whether a path is one of the folders, or in one. */
export function isIn(path: string, folders: readonly string[]): boolean {
  return folders.some((folder) => {
    const way = relative(folder, path);
    return way === '' || (!/^\.\.([/\\]|$)/.test(way) && !isAbsolute(way));
  });
}
