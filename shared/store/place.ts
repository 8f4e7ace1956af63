import { existsSync, renameSync, statSync } from 'node:fs';

/** Which file a path names, as opposed to another one that has its name by now; undefined where there is none. */
export function fileIdentity(path: string): string | undefined {
  const facts = statSync(path, { throwIfNoEntry: false });
  return facts && `${facts.dev}:${facts.ino}`;
}

/** Moves a database, with what belongs to it, to a name that tells what it is and when. Returns the new path. */
export function setAside(file: string, what: 'damaged' | 'found', at: number): string {
  const name = `${file}.${what}-${new Date(at).toISOString().replaceAll(/[:.]/g, '-')}`;
  for (const part of ['', '-wal', '-shm']) if (existsSync(file + part)) renameSync(file + part, name + part);
  return name;
}
