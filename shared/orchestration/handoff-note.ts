import { runGit } from '../platform/git/git.ts';
import { checkedOut } from '../platform/git/result.ts';
import type { SessionId } from '../domain/orchestrator.ts';
import type { StoredWork } from '../store/work.ts';
import type { Town } from './town.ts';
import { staysBehind } from './own-worktree.ts';
import { cutText } from '../platform/cut-text.ts';

/** At most so many commits, changed files and characters of last words are told; the worktree has the rest. */
const bounds = { commits: 10, files: 20, words: 2000 };

/** What whoever goes on with a unit is told of what is there: who had it, its branch, what was done, the last words. */
export async function handOverNote(
  town: Pick<Town, 'manager' | 'registry'>,
  from: SessionId,
  unit: Pick<StoredWork, 'branch' | 'base'> | undefined,
): Promise<string> {
  const session = town.registry.find(from);
  const place = session === undefined ? undefined : await placeText(session.workDir, unit);
  const words = session === undefined ? undefined : await town.manager.drivers.lastWords(from);
  return [
    session === undefined ? undefined : `${from} (${session.agent}) had it before you.`,
    place,
    words === undefined || words.trim() === ''
      ? undefined
      : `The last thing it said was: ${cutText(words.trim(), bounds.words)}`,
  ]
    .filter((part) => part !== undefined)
    .join('\n');
}

async function placeText(
  workDir: string,
  unit: Pick<StoredWork, 'branch' | 'base'> | undefined,
): Promise<string | undefined> {
  if (unit?.branch === undefined) return undefined;
  // What is checked out counts: its session may have left the branch that it was given.
  const branch = await checkedOut(workDir).catch(() => unit.branch);
  const range = unit.base === undefined ? ['-n', '1', 'HEAD'] : [`${unit.base}..HEAD`];
  const log = await runGit(workDir, ['log', '--format=%h %s', ...range, '--']);
  const commits = log.code === 0 ? lines(log.stdout) : undefined;
  const status = await runGit(workDir, ['status', '--porcelain', '--untracked-files=all']);
  const files = status.code === 0 ? lines(status.stdout).map((line) => line.slice(3)) : undefined;
  return [
    branch === undefined
      ? `It is on no branch (detached HEAD), in ${workDir}.`
      : staysBehind(unit.branch)
        ? `It was done on the branch ${branch}, in ${workDir}: both stay theirs. Work in your own worktree; what you lack of the commits you merge from there.`
        : `Its branch is ${branch}, in ${workDir}.`,
    unit.base === undefined ? undefined : list('Commits on it so far', commits, bounds.commits),
    files?.length === 0 ? undefined : list('Not committed yet', files, bounds.files),
  ]
    .filter((part) => part !== undefined)
    .join('\n');
}

function list(what: string, items: readonly string[] | undefined, most: number): string {
  if (items === undefined) return `${what}: git could not tell; look there.`;
  if (items.length === 0) return `${what}: none.`;
  const more = items.length > most ? [`- and ${items.length - most} more`] : [];
  return [`${what}:`, ...items.slice(0, most).map((item) => `- ${item}`), ...more].join('\n');
}

const lines = (text: string): string[] => text.split('\n').filter((line) => line.trim() !== '');
