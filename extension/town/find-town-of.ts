import { isAbsolute, relative } from 'node:path';
import { findTown } from '../../shared/config/find-town.ts';
import type { RefusedTown } from '../../shared/config/find-town.ts';

export interface FoundTown {
  root: string;
  /**
   * It lies in an opened folder, so the trust in the workspace is trust in its settings, too; or the user has opened it
   * before. Else they are to be asked.
   */
  mayOpen: boolean;
}

export interface FindOptions {
  /** Whether the user has opened it before. */
  isKnown: (root: string) => boolean;
  refused?: (town: RefusedTown) => void;
}

/**
 * The town that the window's folders are in: of the first folder whose town may be opened. Only where there is none, the
 * first one that lies above them: a question about it must not stand before a town that needs none.
 */
export async function findTownOf(
  folders: readonly string[],
  { isKnown, refused }: FindOptions,
): Promise<FoundTown | undefined> {
  let above: FoundTown | undefined;
  for (const folder of folders) {
    const root = await findTown(folder, refused);
    if (root === undefined) continue;
    if (isIn(root, folders) || isKnown(root)) return { root, mayOpen: true };
    above ??= { root, mayOpen: false };
  }
  return above;
}

/** Whether a path is one of the folders, or in one. */
export function isIn(path: string, folders: readonly string[]): boolean {
  return folders.some((folder) => {
    const way = relative(folder, path);
    return way === '' || (!/^\.\.([/\\]|$)/.test(way) && !isAbsolute(way));
  });
}
