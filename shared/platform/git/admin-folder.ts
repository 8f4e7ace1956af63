/** Where git keeps what belongs to one worktree alone, and our notes there: they go with it, so another one at its path later has none. */
import { readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { readBounded } from '../read-bounded.ts';
import { unlessMissing } from '../files.ts';
import { gitPath } from './git-path.ts';

/**
 * `removal`: it was judged, and goes, by the removal of that id. `filling`: its start has not ended. `restoring`: it is
 * being brought back, and may lack files. `set-up`: it was made ready, by which these files came (see `set-up-files.ts`).
 * `bare`: it was not, by the wish of whoever began it.
 */
type Note = 'removal' | 'filling' | 'restoring' | 'set-up' | 'bare';

const fileOf = (admin: string, note: Note): string => join(admin, `gastown-${note}`);

export const addNote = (admin: string, note: Note, text = ''): Promise<void> => writeFile(fileOf(admin, note), text);

/** Undefined where there is no such note. */
export const readNote = (admin: string, note: Note): Promise<string | undefined> =>
  unlessMissing(readBounded(fileOf(admin, note)));

export const removeNote = (admin: string, note: Note): Promise<void> => rm(fileOf(admin, note), { force: true });

/** Undefined where git does not know a worktree at this path. */
export async function adminFolder({
  repository,
  path,
}: {
  repository: string;
  path: string;
}): Promise<string | undefined> {
  const folder = join(await gitPath(repository, ['--git-common-dir']), 'worktrees');
  const place = await realPlace(path);
  for (const name of (await unlessMissing(readdir(folder))) ?? []) {
    const named = await unlessMissing(readFile(join(folder, name, 'gitdir'), 'utf8'));
    if (named !== undefined && (await realPlace(dirname(resolve(folder, name, named.trim())))) === place)
      return join(folder, name);
  }
  return undefined;
}

/** Links above it resolved, also where it is gone itself. */
const realPlace = async (path: string): Promise<string> =>
  join((await unlessMissing(realpath(dirname(path)))) ?? dirname(path), basename(path));
