/** Where a town's worktrees are (docs/decisions/0016-where-worktrees-live.md). */
import { createHash } from 'node:crypto';
import { existsSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, isAbsolute, join, sep } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

export interface WorktreePlaces {
  /** Where they are made, `<rig>/<name>`: with the user's own data, so that nothing of the town lies above a worktree. */
  worktrees: string;
  /** Below the town, where earlier versions made them. Those that are there stay until they are removed. */
  formerWorktrees: string;
}

/** Where the worktree of a polecat is, or is to be made. */
export function worktreePath({ worktrees, formerWorktrees }: WorktreePlaces, rig: string, name: string): string {
  const former = join(formerWorktrees, rig, name);
  return existsSync(former) ? former : join(worktrees, rig, name);
}

/** The worktree of the town's that a folder is in, with links resolved; undefined for one elsewhere, such as the user's checkout. */
export function worktreeAround({ worktrees, formerWorktrees }: WorktreePlaces, folder: string): string | undefined {
  for (const place of [worktrees, formerWorktrees]) {
    const real = realOf(place);
    if (!folder.startsWith(join(real, sep))) continue;
    const [rig, name] = folder.slice(join(real, sep).length).split(sep);
    if (rig && name) return join(real, rig, name);
  }
  return undefined;
}

/** The folder for new worktrees of the town: the same however the town's folder is reached. Nothing is made. */
export function worktreesFolder(
  root: string,
  environment: Environment,
  platform: NodeJS.Platform = process.platform,
): string {
  const real = realOf(root);
  const hash = createHash('sha256').update(real).digest('hex').slice(0, 12);
  const words = basename(real)
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .slice(0, 24);
  return join(userDataFolder(environment, platform), 'gastown', 'worktrees', `${words}-${hash}`);
}

const realOf = (folder: string): string => (existsSync(folder) ? realpathSync(folder) : folder);

/** Where programs keep data of the user's. No blanks in it, which build tools stumble over: not macOS's `Application Support`. */
function userDataFolder(environment: Environment, platform: NodeJS.Platform): string {
  const home = environment['HOME'] || environment['USERPROFILE'] || homedir();
  if (platform === 'win32') return environment['LOCALAPPDATA'] || join(home, 'AppData', 'Local');
  const named = environment['XDG_DATA_HOME'];
  // A snap's is thrown away with the version of the snap.
  if (named !== undefined && isAbsolute(named) && !named.startsWith(join(home, 'snap') + sep)) return named;
  return platform === 'darwin' ? join(home, 'Library') : join(home, '.local', 'share');
}
