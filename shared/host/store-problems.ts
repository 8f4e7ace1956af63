import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { unlessMissing } from '../platform/files.ts';
import { messageOf } from '../platform/errors.ts';
import { folderOf, headsOf, variableOf } from '../platform/process-table.ts';
import type { ApiContext } from '../api/context.ts';
import type { Problem } from '../domain/problem.ts';
import type { ProblemKind } from '../domain/trouble.ts';
import { findWorktrees } from '../orchestration/town-worktrees.ts';
import type { TownWorktree } from '../orchestration/town-worktrees.ts';

/** What is wrong with the town's database and what belongs to it, in words for people. `others`, by kind, changes nothing now. */
export function storeProblems(
  { store }: Pick<ApiContext, 'store'>,
  others: readonly (readonly [ProblemKind, string | undefined])[],
): Problem[] {
  const told = others.flatMap(([kind, message]): Problem[] =>
    message === undefined ? [] : [{ kind, message, severity: 'warning' }],
  );
  const { trouble, damage } = store.backlog;
  if (damage !== undefined && damage !== trouble?.message) told.unshift({ kind: 'store', message: damage });
  if (!trouble) return told;
  const { message, waiting } = trouble;
  const things = `${waiting} thing${waiting === 1 ? '' : 's'} that happened since`;
  // What is damaged is mended by the next opening only.
  const kept =
    waiting === 0
      ? ''
      : damage === message
        ? ` ${things} cannot be recorded.`
        : ` ${things} wait to be recorded: close no window until this is gone.`;
  return [{ kind: 'store', message: `${message}${kept}` }, ...told];
}

/** The worktrees that are there, of which the store knows nothing; said after the database was restored, or begun anew. */
export async function strayWorktrees({
  store,
  paths,
  log,
}: Pick<ApiContext, 'store' | 'paths' | 'log'>): Promise<string> {
  try {
    // A session works in the real place of its worktree, or in a folder of it.
    const folders = store.sessions.all().map(({ session }) => session.workDir);
    const left = [...store.worktrees.kept().values(), ...store.worktrees.unfinished()];
    const inStore = new Set(await Promise.all(left.map(({ path }) => realOf(path))));
    const branches = new Set(store.work.all().flatMap(({ branch }) => branch ?? []));
    const isKnown = async ({ path, branch }: TownWorktree): Promise<boolean> => {
      const real = await realOf(path);
      if (inStore.has(real) || (branch !== undefined && branches.has(branch))) return true;
      return folders.some((folder) => folder === real || folder.startsWith(join(real, '/')));
    };
    const there = await findWorktrees(paths);
    const known = await Promise.all(there.map(isKnown));
    const found = there.filter((_, index) => !known[index]);
    if (found.length === 0) return '';
    const places = found.map(({ path, branch }) => (branch === undefined ? path : `${path} (branch ${branch})`));
    return ` Worktrees that it does not know, each as it was left: ${places.join(', ')}.`;
  } catch (error) {
    log.warn(`worktrees of the town: ${messageOf(error)}`);
    return '';
  }
}

const realOf = async (path: string): Promise<string> => (await unlessMissing(realpath(path))) ?? path;

/**
 * The sessions that run, of which the store knows nothing; said as above. They are nobody's to drive, and what they are at
 * is not known: nothing is done to them.
 */
export async function strayRuns({ store, paths, log }: Pick<ApiContext, 'store' | 'paths' | 'log'>): Promise<string> {
  try {
    const heads = await headsOf('GT_TOWN_ROOT', paths.root, 'GT_RUN');
    const strangers = [...heads].filter(([run]) => store.sessions.run(run) === undefined);
    const words = strangers.map(async ([run, { pid }]) => {
      const [session, folder] = await Promise.all([variableOf(pid, 'GT_SESSION'), folderOf(pid)]);
      const where = folder === undefined ? '' : `, in ${folder}`;
      return ` ${session ?? 'A session'} (run ${run}, pid ${pid}${where}) goes on and the town does not know it: end it, or let it finish.`;
    });
    return (await Promise.all(words)).join('');
  } catch (error) {
    log.warn(`processes of the town: ${messageOf(error)}`);
    return '';
  }
}
