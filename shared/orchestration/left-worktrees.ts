/** Worktrees that an earlier version has kept: it put them on no record, so nobody would be told of them. */
import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { readBounded } from '../platform/read-bounded.ts';
import { unlessMissing } from '../platform/files.ts';
import { messageOf } from '../platform/errors.ts';
import type { WorktreePlace } from '../platform/git/survey-worktree.ts';
import { sessionIdOf } from '../domain/names.ts';
import { isOurBranch } from './own-worktree.ts';
import { ownedStates } from '../domain/work-state.ts';
import type { Town } from './town.ts';
import { findFolders } from './town-worktrees.ts';

type Sources = Pick<Town, 'store' | 'registry' | 'worktrees' | 'rigs' | 'paths' | 'log'>;

/**
 * Puts those on record that nobody has any more, as ones that stay. Without git, because it goes on beside the first
 * moments of the town; each is judged when somebody wants it gone. Never rejects.
 */
export async function noteLeftWorktrees(town: Sources): Promise<void> {
  try {
    for (const folder of await findFolders(town.paths)) {
      try {
        await look(town, folder);
      } catch (error) {
        town.log.warn(`[orchestration] the worktree ${folder} could not be looked at: ${messageOf(error)}`);
      }
    }
  } catch (error) {
    town.log.warn(`[orchestration] worktrees of earlier versions could not be looked for: ${messageOf(error)}`);
  }
}

async function look(town: Sources, folder: string): Promise<void> {
  const path = await realpath(folder);
  if (isKnown(town, path)) return;
  const rig = basename(dirname(folder));
  const place = await placeAt(path, town.rigs.names().includes(rig) ? town.rigs.get(rig).path : undefined);
  if (!place) return;
  const changedAt = Math.floor((await stat(path)).mtimeMs);
  // Somebody may have come meanwhile.
  if (isKnown(town, path) || hasUnit(town, place)) return;
  const row = { ...place, session: sessionIdOf('polecat', rig, basename(folder)), rig, changedAt };
  town.worktrees.note(row, 'left by an earlier version; not looked at yet');
}

/** Whether it has a row, or a session of the town's, which gives it one when it is over. */
function isKnown({ store, registry, worktrees }: Sources, path: string): boolean {
  if (worktrees.wasMade(path) || store.worktrees.all().some((row) => row.path === path && row.state !== 'removed'))
    return true;
  return registry.list().some(({ workDir }) => workDir === path || workDir.startsWith(join(path, '/')));
}

const hasUnit = ({ store }: Sources, { branch }: WorktreePlace): boolean =>
  branch !== undefined && store.work.all().some((unit) => unit.branch === branch && ownedStates.includes(unit.state));

/** What its own files say of it; undefined where it is no worktree of a repository that there is. */
async function placeAt(path: string, known: string | undefined): Promise<WorktreePlace | undefined> {
  const read = async (file: string): Promise<string | undefined> =>
    (await unlessMissing(readBounded(file, 4096)))?.trim();
  const link = await read(join(path, '.git'));
  if (link === undefined || !link.startsWith('gitdir: ')) return undefined;
  const admin = resolve(path, link.slice('gitdir: '.length));
  const [common, head] = [await read(join(admin, 'commondir')), await read(join(admin, 'HEAD'))];
  if (common === undefined || head === undefined) return undefined;
  const gitDir = resolve(admin, common);
  const repository = basename(gitDir) === '.git' ? dirname(gitDir) : known;
  if (repository === undefined) return undefined;
  const branch = head.startsWith('ref: refs/heads/') ? head.slice('ref: refs/heads/'.length) : undefined;
  return { repository, path, ...(branch !== undefined && isOurBranch(branch) ? { branch } : {}) };
}
