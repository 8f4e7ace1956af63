import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Say } from './progress.ts';

/** What a cache entry is made from. Any change of it makes a new entry. */
export interface CacheEntry {
  readonly name: string;
  readonly version: string;
  /** Everything else the content depends on: checksums, the recipe's revision. */
  readonly recipe: readonly string[];
  /** Files (relative) that a complete entry has; an entry that lost one is made again. */
  readonly has: readonly string[];
}

/** The per-user cache folder, shared by all clones of the project. bootstrap.mjs uses the same one. */
export function cacheFolder(): string {
  const base = process.env['XDG_CACHE_HOME'] ?? '';
  return path.join(base === '' ? path.join(homedir(), '.cache') : base, 'gastown-vscode');
}

/** Name of a folder that is being filled. */
const BUILDING = 'building-';

/** Builds in this process run one after another: the lock below blocks, and would wait for itself. */
let queue: Promise<unknown> = Promise.resolve();

/**
 * The folder of a cache entry. Where it does not exist yet, `build` fills a temporary folder, which then takes the
 * entry's name in one rename: an interrupted build leaves no half entry.
 */
export function cached(entry: CacheEntry, say: Say, build: (folder: string) => Promise<void>): Promise<string> {
  const key = createHash('sha256').update(JSON.stringify(entry.recipe)).digest('hex').slice(0, 8);
  const folder = path.join(cacheFolder(), `${entry.name}-${entry.version}-${key}`);
  const complete = (): boolean => entry.has.every((file) => existsSync(path.join(folder, file)));
  const make = async (): Promise<string> => {
    if (complete()) return folder;
    await mkdir(cacheFolder(), { recursive: true });
    const unlock = lockCache(say);
    try {
      // Another set-up may have made it while this one waited for the lock.
      if (complete()) return folder;
      await removeAbandonedBuilds();
      const temporary = await mkdtemp(path.join(cacheFolder(), BUILDING));
      await build(temporary);
      await rm(folder, { recursive: true, force: true });
      await rename(temporary, folder);
      return folder;
    } finally {
      await removeAbandonedBuilds();
      unlock();
    }
  };
  const result = queue.then(make);
  // The queue only orders builds: whoever asked for a build that fails gets its error from `result`.
  queue = result.catch(() => undefined);
  return result;
}

/** Call only with the lock: then nobody builds, and what lies there was left by a build that failed or died. */
async function removeAbandonedBuilds(): Promise<void> {
  for (const name of await readdir(cacheFolder())) {
    if (name.startsWith(BUILDING)) await rm(path.join(cacheFolder(), name), { recursive: true, force: true });
  }
}

/** One set-up at a time per user. An SQLite write lock ends with its process, so a crash never leaves it behind. */
function lockCache(say: Say): () => void {
  const database = new DatabaseSync(path.join(cacheFolder(), 'lock.db'));
  try {
    database.exec('PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE');
  } catch {
    // Busy is the only way this fails on a writable folder; any other error comes again, and is thrown, below.
    say('• Another set-up is filling the cache: waiting for it …');
    database.exec(`PRAGMA busy_timeout = ${30 * 60_000}; BEGIN EXCLUSIVE`);
  }
  return () => database.close();
}
