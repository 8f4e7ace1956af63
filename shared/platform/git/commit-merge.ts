/** Commits for the queue, made of trees by plumbing: no checkout, no hook, no editor, and no signature that needs a terminal. */
import { GasTownError } from '../errors.ts';
import { git, runGit } from './git.ts';

/** What is written into the commit by which a branch comes into its target. */
export interface MergeWords {
  /** First line. */
  subject: string;
  body?: string;
  /** `Gastown-Unit: task-7`, in this order. */
  trailers: readonly (readonly [key: string, value: string])[];
}

/**
 * Rejects with `refused`, with what to do, where git does not know who the user is. `commit-tree` does not sign unless it is
 * told to, whatever `commit.gpgsign` says: a passphrase could not be asked for here.
 */
export async function requireIdentity(repository: string, signal?: AbortSignal): Promise<void> {
  const { code, stderr } = await runGit(repository, ['var', 'GIT_COMMITTER_IDENT'], { signal });
  if (code === 0) return;
  const why = stderr.trim().split('\n').at(-1) ?? '';
  throw new GasTownError(
    'refused',
    `git does not know who you are in ${repository}, so no merge commit can be made (${why}). Tell it: git config --global user.name "…" and git config --global user.email "…"`,
  );
}

/** A commit of both parents. The user is its author and committer; the branch's own commits keep theirs. */
export function commitMerge(
  repository: string,
  { tree, onto, head }: { tree: string; onto: string; head: string },
  words: MergeWords,
  signal?: AbortSignal,
): Promise<string> {
  const args = ['commit-tree', tree, '-p', onto, '-p', head, '-F', '-'];
  return git(repository, args, { signal, input: messageOf(words) });
}

/** One commit of all that the branch has, by the author of its newest one. */
export async function commitSquash(
  repository: string,
  { tree, onto, head }: { tree: string; onto: string; head: string },
  words: MergeWords,
  signal?: AbortSignal,
): Promise<string> {
  const author = await git(repository, ['log', '-1', '--format=%an%x00%ae%x00%ad', '--date=raw', head], { signal });
  const [name = '', email = '', date = ''] = author.split('\0');
  return git(repository, ['commit-tree', tree, '-p', onto, '-F', '-'], {
    signal,
    input: messageOf(words),
    env: { GIT_AUTHOR_NAME: name, GIT_AUTHOR_EMAIL: email, GIT_AUTHOR_DATE: date },
  });
}

/**
 * The same change as a commit's, with its author and message, on top of another commit: as `git rebase` does it. `tree` is
 * what `merge-tree` makes of the commit and `pickBase`. The merge of a commit with several parents cannot be done so.
 */
export async function commitAgain(
  repository: string,
  { tree, onto, commit }: { tree: string; onto: string; commit: string },
  signal?: AbortSignal,
): Promise<string> {
  const facts = await git(repository, ['log', '-1', '--format=%an%x00%ae%x00%ad%x00%B', '--date=raw', commit], {
    signal,
  });
  const [name = '', email = '', date = '', message = ''] = facts.split('\0');
  return git(repository, ['commit-tree', tree, '-p', onto, '-F', '-'], {
    signal,
    input: message,
    env: { GIT_AUTHOR_NAME: name, GIT_AUTHOR_EMAIL: email, GIT_AUTHOR_DATE: date },
  });
}

/** A commit with the files of `onto` whose parent is that of `commit`: what the two have parted from is that parent then. */
export function pickBase(
  repository: string,
  { onto, commit }: { onto: string; commit: string },
  signal?: AbortSignal,
): Promise<string> {
  return git(repository, ['commit-tree', `${onto}^{tree}`, '-p', `${commit}^`, '-F', '-'], { signal, input: 'onto\n' });
}

function messageOf({ subject, body, trailers }: MergeWords): string {
  const parts = [
    subject.replaceAll('\n', ' '),
    ...(body?.trim() ? [body.trim()] : []),
    trailers.map(([key, value]) => `${key}: ${value.replaceAll('\n', ' ')}`).join('\n'),
  ];
  return `${parts.join('\n\n')}\n`;
}

/** Whether a commit is in the history of another, or is it. A question that git cannot answer rejects. */
export async function isAncestor(
  repository: string,
  commit: string,
  of: string,
  signal?: AbortSignal,
): Promise<boolean> {
  const { code, stderr } = await runGit(repository, ['merge-base', '--is-ancestor', '--end-of-options', commit, of], {
    signal,
  });
  if (code === 0 || code === 1) return code === 0;
  throw new GasTownError('internal', `git could not compare ${commit} and ${of} in ${repository}: ${stderr.trim()}`);
}
