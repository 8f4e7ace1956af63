import { messageOf } from '../errors.ts';
import type { TownParts } from './parts.ts';
import type { Problem } from './snapshot.ts';
import { findWorktrees } from './town-worktrees.ts';

/** What is wrong with the town's database and what belongs to it, in words for people. `others` changes nothing now. */
export function storeProblems({ store }: Pick<TownParts, 'store'>, ...others: (string | undefined)[]): Problem[] {
  const told = others.flatMap((message): Problem[] =>
    message === undefined ? [] : [{ message, severity: 'warning' }],
  );
  const { trouble } = store.backlog;
  if (!trouble) return told;
  const { message, waiting } = trouble;
  const kept =
    waiting === 0
      ? ''
      : ` ${waiting} thing${waiting === 1 ? '' : 's'} that happened since wait to be recorded: close no window until this is gone.`;
  return [{ message: `${message}${kept}` }, ...told];
}

/** The worktrees that are there, of which the store knows nothing; said after the database was restored, or begun anew. */
export async function strayWorktrees({
  store,
  paths,
  log,
}: Pick<TownParts, 'store' | 'paths' | 'log'>): Promise<string> {
  const known = new Set(store.sessions.all().map(({ session }) => session.workDir));
  const branches = new Set(store.work.all().flatMap(({ branch }) => branch ?? []));
  try {
    const found = (await findWorktrees(paths)).filter(
      ({ path, branch }) => !known.has(path) && !(branch !== undefined && branches.has(branch)),
    );
    if (found.length === 0) return '';
    const places = found.map(({ path, branch }) => (branch === undefined ? path : `${path} (branch ${branch})`));
    return ` Worktrees that it does not know, each as it was left: ${places.join(', ')}.`;
  } catch (error) {
    log.warn(`worktrees of the town: ${messageOf(error)}`);
    return '';
  }
}
