/** What the set-up of a worktree has left in it that git ignores: as long as nobody has changed such a file, it is nobody's work. */
import { lstat } from 'node:fs/promises';
import { unlessMissing } from '../files.ts';
import { addNote, readNote } from './admin-folder.ts';
import { pathOf } from './file-names.ts';

/** Whole path as bytes (latin1) → what changes with every change of the file, by the system's word. */
export type UntouchedFiles = ReadonlyMap<string, string>;

/** More are not remembered: they count as work, until the settings name what may go (`worktrees.rebuildable`). */
const mostFiles = 5_000;

/** Remembers these files as they are now. False where they are too many. */
export async function rememberSetUp(admin: string, root: string, names: readonly string[]): Promise<boolean> {
  if (names.length > mostFiles) return false;
  const stamps: [string, string][] = [];
  for (const name of names) {
    const stamp = await stampOf(pathOf(root, name));
    if (stamp !== undefined) stamps.push([name, stamp]);
  }
  await addNote(admin, 'set-up', JSON.stringify(stamps));
  return true;
}

export async function untouchedSince(admin: string, root: string): Promise<UntouchedFiles> {
  const text = await readNote(admin, 'set-up');
  const stamps = text === undefined || text === '' ? [] : (JSON.parse(text) as [string, string][]);
  return new Map(stamps.map(([name, stamp]) => [keyOf(pathOf(root, name)), stamp]));
}

export async function isUntouched(files: UntouchedFiles, path: Buffer): Promise<boolean> {
  const known = files.get(keyOf(path));
  return known !== undefined && known === (await stampOf(path));
}

const keyOf = (path: Buffer): string => path.toString('latin1');

/** The time of its last change cannot be set by whoever writes it. */
async function stampOf(path: Buffer): Promise<string | undefined> {
  const facts = await unlessMissing(lstat(path, { bigint: true }));
  return facts && [facts.ino, facts.size, facts.ctimeNs].join(':');
}
