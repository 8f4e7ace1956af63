import { GasTownError } from '../errors.ts';
import { git, runGit } from './git.ts';

/**
 * Pure: what forbids a word as the last part of a branch's name (`git check-ref-format`), for people; undefined where
 * nothing does. For words of letters, digits, ".", "_" and "-".
 */
export function problemInBranch(word: string): string | undefined {
  if (word.includes('..')) return 'no branch may have ".." in its name';
  if (word.startsWith('.') || word.endsWith('.')) return 'no branch may begin or end with "."';
  return /\.lock$/i.test(word) ? 'no branch may end with ".lock"' : undefined;
}

/**
 * Throws `isolation-failed` where another branch is in the way of a new one, naming it: git cannot have a branch `a` beside
 * `a/b`. Where the file system ignores case, `A` is in the way, too.
 */
export async function requireFreeBranch(repository: string, branch: string, signal?: AbortSignal): Promise<void> {
  const [top = branch] = branch.split('/', 1);
  const listed = await git(repository, ['for-each-ref', '--ignore-case', '--format=%(refname)', `refs/heads/${top}`], {
    signal,
  });
  const others = listed.split('\n').map((ref) => ref.slice('refs/heads/'.length));
  const exactly = others.find((other) => isInWay(other, branch));
  const other =
    exactly ?? others.find((each) => isInWay(each.toLowerCase(), branch.toLowerCase()) || isSameButCase(each, branch));
  if (other === undefined || (exactly === undefined && !(await ignoresCase(repository, signal)))) return;
  throw new GasTownError(
    'isolation-failed',
    `the branch "${other}" of ${repository} is in the way, as git cannot have "${branch}" beside it. Rename it, for example: git branch -m ${other} my-${other.replaceAll('/', '-')}`,
  );
}

const isInWay = (other: string, branch: string): boolean =>
  other !== '' && (branch.startsWith(`${other}/`) || other.startsWith(`${branch}/`));
const isSameButCase = (other: string, branch: string): boolean =>
  other !== branch && other.toLowerCase() === branch.toLowerCase();

async function ignoresCase(repository: string, signal?: AbortSignal): Promise<boolean> {
  const { stdout } = await runGit(repository, ['config', '--type=bool', 'core.ignorecase'], { signal });
  return stdout.trim() === 'true';
}
