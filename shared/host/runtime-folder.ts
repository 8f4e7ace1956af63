import { chmod, mkdir, readdir, rm, rmdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { RemovalItem } from '../channel/protocol.ts';
import { unlessMissing } from '../platform/files.ts';
import { messageOf } from '../platform/errors.ts';
import type { HostPaths, TownPaths } from '../config/town-paths.ts';
import { removeEmptyFolders } from '../orchestration/town-worktrees.ts';

/** Hides what stays of the folder from git, so it goes with the last of it. */
const ignoreFile = '.gitignore';

export const ignoreFileIn = (runtime: string): string => join(runtime, ignoreFile);

/**
 * Makes the folder: private, and nothing of it for git, also where the town was made by Gas Town itself. Nothing above it: a
 * town that was moved or deleted is not made again.
 */
export async function makeRuntime(runtime: string): Promise<void> {
  await mkdir(runtime, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  if (process.platform !== 'win32') await chmod(runtime, 0o700);
  await writeFile(ignoreFileIn(runtime), '*\n', { flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
}

/**
 * Deletes what is below `.runtime`, but worktrees and the lock, by which nobody else hosts the town meanwhile. The database
 * is the last to go: until then another host knows what there is to remove. Tells what could not be deleted.
 */
export async function emptyRuntime({
  runtime,
  worktrees,
  formerWorktrees,
  hostLock,
  database,
}: HostPaths): Promise<RemovalItem[]> {
  const isOf = (file: string) => (name: string) => name.startsWith(basename(file));
  const kept = (name: string): boolean =>
    name === ignoreFile || name === basename(formerWorktrees) || isOf(hostLock)(name);
  const names = ((await unlessMissing(readdir(runtime))) ?? []).filter((name) => !kept(name));
  const stays: RemovalItem[] = [];
  // Copies of the database first: a joined window takes the town for removed when neither is there.
  const ofDatabase = names.filter(isOf(database)).sort((a, b) => b.length - a.length);
  for (const name of [...names.filter((each) => !isOf(database)(each)), ...ofDatabase]) {
    const path = join(runtime, name);
    try {
      await rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    } catch (error) {
      stays.push({ path, what: `it could not be deleted: ${messageOf(error)}` });
    }
  }
  await removeEmptyFolders(formerWorktrees);
  await removeEmptyFolders(worktrees);
  // Those that all towns share, where this was the last.
  for (const folder of [dirname(worktrees), dirname(dirname(worktrees))]) await rmdir(folder).catch(() => undefined);
  return stays;
}

/** Deletes the lock, which the caller has released, and the folder where nothing else is left in it. */
export async function removeLock({ runtime, hostLock }: TownPaths): Promise<void> {
  const names = (await unlessMissing(readdir(runtime))) ?? [];
  const ofLock = names.filter((name) => name.startsWith(basename(hostLock)));
  for (const name of ofLock) await rm(join(runtime, name), { force: true });
  if (names.some((name) => name !== ignoreFile && !ofLock.includes(name))) return;
  await rm(join(runtime, ignoreFile), { force: true });
  // Another window may open the town at this very moment.
  await rmdir(runtime).catch(() => undefined);
}
