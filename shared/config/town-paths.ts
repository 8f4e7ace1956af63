import { createHash } from 'node:crypto';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { WorktreePlaces } from '../platform/git/worktree-places.ts';

/**
 * Where a town keeps what it writes: all of it below `.runtime`, except the socket (its path would be too long there) and
 * the worktrees.
 */
export interface TownPaths {
  root: string;
  runtime: string;
  database: string;
  /** What the database is restored from where it is gone or damaged. */
  databaseCopy: string;
  /** What is over and old, a file for each month. */
  archive: string;
  hostFile: string;
  hostLock: string;
  socket: string;
  bin: string;
  foreignBin: string;
  formerWorktrees: string;
  sessions: string;
  runs: string;
  directives: string;
}

/** As the host knows them. */
export type HostPaths = TownPaths & WorktreePlaces;

export function townPaths(root: string): TownPaths {
  const runtime = join(root, '.runtime');
  return {
    root,
    runtime,
    database: join(runtime, 'town.db'),
    databaseCopy: join(runtime, 'town.db.copy'),
    archive: join(runtime, 'archive'),
    hostFile: join(runtime, 'host.json'),
    hostLock: join(runtime, 'host.lock'),
    socket: socketPath(root),
    bin: join(runtime, 'bin'),
    foreignBin: join(runtime, 'bin-gastown'),
    formerWorktrees: join(runtime, 'worktrees'),
    sessions: join(runtime, 'sessions'),
    runs: join(runtime, 'runs'),
    directives: join(root, 'directives'),
  };
}

/**
 * The same path for the life of the town, so that agents find a restarted host where the last one was. A Unix socket's
 * path may have about 100 characters at most, hence a hash in a short folder instead of a path below the town.
 */
function socketPath(root: string): string {
  const hash = createHash('sha256').update(root).digest('hex').slice(0, 16);
  if (process.platform === 'win32') return `\\\\.\\pipe\\gastown-${hash}`;
  return join(tmpdir(), `gastown-${userInfo().uid}`, `${hash}.sock`);
}
