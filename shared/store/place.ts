import { existsSync, renameSync, statSync } from 'node:fs';

/** Which file a path names, as opposed to another one that has its name by now; undefined where there is none. */
export function fileIdentity(path: string): string | undefined {
  const facts = statSync(path, { throwIfNoEntry: false });
  return facts && `${facts.dev}:${facts.ino}`;
}

/** What stands beside a database, by the ends of the names: while it is open there are its log and the index of that. */
export const databaseParts = ['', '-wal', '-shm'] as const;

/** Beside a database that was found damaged while it was in use. */
export const suspectMark = (file: string): string => `${file}.suspect`;

/** Moves a database, with what belongs to it, to a name that tells what it is and when. Returns the new path. */
export function setAside(file: string, what: 'damaged' | 'found', at: number): string {
  const name = `${file}.${what}-${new Date(at).toISOString().replaceAll(/[:.]/g, '-')}`;
  for (const part of databaseParts) if (existsSync(file + part)) renameSync(file + part, name + part);
  return name;
}
