import { existsSync } from 'node:fs';
import { readdir, realpath, rmdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { unlessMissing } from '../platform/files.ts';
import { findingsText } from '../platform/git/findings.ts';
import type { Finding } from '../platform/git/findings.ts';
import { isAside } from '../platform/git/remove-worktree.ts';
import { removeStanding, standingName } from '../platform/git/standing-worktree.ts';
import { forgetWorktree, listWorktrees } from '../platform/git/worktree.ts';
import type { WorktreePlaces } from '../platform/git/worktree-places.ts';
import { sessionIdOf } from '../domain/names.ts';
import { isOurBranch } from './own-worktree.ts';
import type { Worktrees } from './worktrees.ts';

/** A folder where the town's worktrees are. */
export interface TownWorktree {
  path: string;
  /** The main checkout; undefined where git does not know the folder as a worktree. */
  repository?: string;
  /** The branch that goes with it: only one that was made for a session. */
  branch?: string;
}

export async function findWorktrees(places: WorktreePlaces): Promise<TownWorktree[]> {
  return Promise.all((await findFolders(places)).map(worktreeAt));
}

/** Every `<rig>/<name>` of a session in the town's places, whether the town still knows the rig or not. */
export async function findFolders({ worktrees, formerWorktrees }: WorktreePlaces): Promise<string[]> {
  const rigs = (await Promise.all([worktrees, formerWorktrees].map(foldersIn))).flat();
  const all = (await Promise.all(rigs.map(foldersIn))).flat();
  return all.filter((folder) => !isAside(folder) && basename(folder) !== standingName);
}

async function foldersIn(folder: string): Promise<string[]> {
  const entries = (await unlessMissing(readdir(folder, { withFileTypes: true }))) ?? [];
  return entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(folder, name))
    .sort();
}

async function worktreeAt(path: string): Promise<TownWorktree> {
  try {
    const [main, ...linked] = await listWorktrees(path);
    const real = await realpath(path);
    // The town may lie in a repository of its own, of which this is then no more than a folder.
    const known = linked.find((entry) => entry.path === real);
    if (!main || !known) return { path };
    const { branch } = known;
    return {
      path,
      repository: main.path,
      ...(branch !== undefined && isOurBranch(branch) ? { branch } : {}),
    };
  } catch {
    // What git cannot tell about is not touched.
    return { path };
  }
}

const unknown: Finding = { kind: 'unknown', reason: 'git does not know it as a worktree' };

/** Why it would stay; nothing where it would go. */
export function reasonsFor({ path, repository, branch }: TownWorktree, worktrees: Worktrees): Promise<Finding[]> {
  if (repository === undefined) return Promise.resolve([unknown]);
  return worktrees.reasonsToStay({ repository, path, ...(branch === undefined ? {} : { branch }) }, rigAt(path));
}

/** Removes it, with its branch, where that loses nothing; else it stays as it is. Tells why. */
export async function removeTownWorktree(
  { path, repository, branch }: TownWorktree,
  worktrees: Worktrees,
): Promise<string | undefined> {
  if (repository === undefined) return findingsText([unknown]);
  const place = { repository, path, ...(branch === undefined ? {} : { branch }) };
  // The folder is the end of the id, also of a crew member's and the refinery's.
  return worktrees.over(place, { session: sessionIdOf('polecat', rigAt(path), basename(path)), rig: rigAt(path) });
}

/** The command that runs in it before it goes; undefined where none does. */
export const teardownOf = ({ path, repository }: TownWorktree, worktrees: Worktrees): Promise<string | undefined> =>
  repository === undefined ? Promise.resolve(undefined) : worktrees.teardownOf(rigAt(path), path);

const rigAt = (path: string): string => basename(dirname(path));

/** Takes off git's record what it has of worktrees in the town's places that are gone; those of others stay on it. */
export async function forgetMissing(repository: string, { worktrees, formerWorktrees }: WorktreePlaces): Promise<void> {
  const places = [worktrees, formerWorktrees];
  const real = await Promise.all(places.map((folder) => unlessMissing(realpath(folder))));
  const below = [...places, ...real.filter((folder) => folder !== undefined)].map((folder) => join(folder, '/'));
  for (const { path } of await listWorktrees(repository)) {
    if (below.some((folder) => path.startsWith(folder)) && !existsSync(path)) await forgetWorktree(repository, path);
  }
}

/** Where the merge queue of a rig tries what it is about to merge. */
export const standingPath = ({ worktrees }: WorktreePlaces, rig: string): string => join(worktrees, rig, standingName);

/** Takes that away: nothing in it is anybody's work. */
export async function removeStandingOf(repository: string, places: WorktreePlaces, rig: string): Promise<void> {
  const path = standingPath(places, rig);
  if (existsSync(path)) await removeStanding(repository, path);
}

/** Removes the folder with those in it that are empty, and nothing else. */
export async function removeEmptyFolders(folder: string): Promise<void> {
  for (const each of [...(await foldersIn(folder)), folder]) {
    // It stays where something is in it.
    await rmdir(each).catch(() => undefined);
  }
}
