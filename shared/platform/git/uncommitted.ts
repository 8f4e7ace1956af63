import { git } from './git.ts';

/** The files of a worktree that no commit has as they are, those that git ignores left out; a new folder counts as one. */
export async function uncommittedIn(worktree: string, signal?: AbortSignal): Promise<string[]> {
  const printed = await git(worktree, ['status', '--porcelain', '-z', '--no-renames', '--untracked-files=normal'], {
    signal,
  });
  return printed.split('\0').flatMap((entry) => (entry === '' ? [] : [entry.slice(3)]));
}
