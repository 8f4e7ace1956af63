import { findTown } from '../../shared/config/find-town.ts';

/** The town that the window's folders are in: that of the first folder that is in one. */
export async function findTownOf(folders: readonly string[]): Promise<string | undefined> {
  for (const folder of folders) {
    const root = await findTown(folder);
    if (root !== undefined) return root;
  }
  return undefined;
}
