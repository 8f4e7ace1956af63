/** What lies between two commits, read from the object store: no checkout is needed, and none is looked at. */
import { GasTownError } from '../errors.ts';
import { git, runGit } from './git.ts';

export interface FileChange {
  path: string;
  /** Where it was renamed or copied from. */
  before?: string;
  status: 'added' | 'deleted' | 'modified' | 'renamed' | 'copied' | 'type-changed';
  /** Absent for binary files. */
  additions?: number;
  deletions?: number;
  binary?: true;
}

export interface Commit {
  commit: string;
  /** The first one; absent for a commit that begins a history. */
  parent?: string;
  subject: string;
  author: string;
  /** Epoch milliseconds. */
  at: number;
}

/** As the repository has it, whatever programs it wants to be shown by. */
const plain = ['--no-ext-diff', '--no-textconv', '--ignore-submodules=none'];

/** The files that differ, by path. */
export async function readChanges(
  repository: string,
  from: string,
  to: string,
  signal?: AbortSignal,
): Promise<FileChange[]> {
  const printed = await git(
    repository,
    ['diff-tree', '-r', '-M', '-z', '--raw', '--numstat', ...plain, '--end-of-options', from, to],
    { signal },
  );
  return parseChanges(printed);
}

const statusOf: Readonly<Record<string, FileChange['status']>> = {
  A: 'added',
  D: 'deleted',
  M: 'modified',
  R: 'renamed',
  C: 'copied',
  T: 'type-changed',
};

/** Pure. Git's raw entries, then its numbers, both ended by NUL; names of renamed files come as two. */
function parseChanges(printed: string): FileChange[] {
  const fields = printed.split('\0');
  const files = new Map<string, FileChange>();
  for (let at = 0; at < fields.length;) {
    const field = fields[at++] ?? '';
    if (field.startsWith(':')) {
      const status = statusOf[field.split(' ').at(-1)?.[0] ?? ''] ?? 'modified';
      const first = fields[at++] ?? '';
      const isPair = status === 'renamed' || status === 'copied';
      const path = isPair ? (fields[at++] ?? '') : first;
      files.set(path, { path, status, ...(isPair ? { before: first } : {}) });
      continue;
    }
    const [additions, deletions, name] = field.split('\t');
    if (name === undefined || additions === undefined) continue;
    const path = name === '' ? (fields[(at += 2) - 1] ?? '') : name;
    const file = files.get(path);
    if (!file) continue;
    if (additions === '-') file.binary = true;
    else Object.assign(file, { additions: Number(additions), deletions: Number(deletions) });
  }
  return [...files.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** At most so many are told. */
const mostCommits = 500;

/** The commits of `to` that `from` does not have, oldest first; the newest 500 where there are more. */
export async function readCommits(
  repository: string,
  from: string,
  to: string,
  signal?: AbortSignal,
): Promise<Commit[]> {
  const format = '--format=%H%x00%P%x00%s%x00%an%x00%at';
  const range = ['--end-of-options', `${from}..${to}`];
  const printed = await git(repository, ['log', '-z', `--max-count=${mostCommits}`, format, ...range], { signal });
  const fields = printed.split('\0');
  const commits: Commit[] = [];
  for (let at = 0; at + 4 < fields.length; at += 5) {
    const [commit = '', parents = '', subject = '', author = '', seconds = ''] = fields.slice(at, at + 5);
    const parent = parents.split(' ')[0];
    commits.push({ commit, ...(parent ? { parent } : {}), subject, author, at: Number(seconds) * 1_000 });
  }
  return commits.reverse();
}

export type FileInCommit = { kind: 'text'; text: string } | { kind: 'missing' | 'binary' | 'too-large' };

/** Larger files are not given as text: nobody reviews them line by line. */
export const mostFileBytes = 4 * 1024 * 1024;

/** A file as a commit has it. */
export async function readFileIn(
  repository: string,
  commit: string,
  path: string,
  signal?: AbortSignal,
): Promise<FileInCommit> {
  const entry = await git(repository, ['ls-tree', '-z', '--full-tree', '-l', commit, '--', `:(literal,top)${path}`], {
    signal,
  });
  const [facts, name] = (entry.split('\0')[0] ?? '').split('\t');
  const [, type, object, size] = (facts ?? '').split(/ +/);
  if (name !== path || object === undefined) return { kind: 'missing' };
  // A submodule: what a diff shows of it is its commit.
  if (type === 'commit') return { kind: 'text', text: `Subproject commit ${object}\n` };
  if (type !== 'blob') return { kind: 'missing' };
  if (Number(size) > mostFileBytes) return { kind: 'too-large' };
  const { code, stdout, stderr } = await runGit(repository, ['cat-file', 'blob', object], { signal, bytes: true });
  if (code !== 0) throw new GasTownError('internal', `git could not read ${path} of ${commit}: ${stderr.trim()}`);
  return fileOf(Buffer.from(stdout, 'latin1'));
}

/** Pure. As git itself decides: a NUL in the first part, and it is no text. */
export const fileOf = (bytes: Buffer): FileInCommit =>
  bytes.subarray(0, 8_000).includes(0) ? { kind: 'binary' } : { kind: 'text', text: bytes.toString('utf8') };

/** Where two lines of commits parted; undefined where they have nothing in common. */
export async function mergeBase(
  repository: string,
  one: string,
  other: string,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const { code, stdout, stderr } = await runGit(repository, ['merge-base', '--end-of-options', one, other], { signal });
  if (code === 0) return stdout.trim();
  if (code === 1) return undefined;
  throw new GasTownError('internal', `git could not compare ${one} and ${other} in ${repository}: ${stderr.trim()}`);
}

/** The commit that a branch is at; undefined where there is no such branch. */
export async function headOf(repository: string, branch: string, signal?: AbortSignal): Promise<string | undefined> {
  const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', `refs/heads/${branch}^{commit}`];
  const { code, stdout } = await runGit(repository, args, { signal });
  return code === 0 ? stdout.trim() : undefined;
}
