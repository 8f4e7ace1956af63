/** What a merge would come to, from the object store alone: no checkout is needed, and none is looked at. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { GasTownError } from '../errors.ts';
import { gitPath } from './git-path.ts';
import { git, gitBounds } from './git.ts';
import { gitVersion, isAtLeast } from './version.ts';

export type MergeTrial = { kind: 'clean'; tree: string } | { kind: 'conflict'; tree: string; files: readonly string[] };

/** Two commits; the first is merged into. */
export type MergePair = readonly [onto: string, commit: string];

/** `merge-tree --write-tree --stdin` is known since then. */
export const hasMergeTree = async (): Promise<boolean> => isAtLeast(await gitVersion(), { major: 2, minor: 39 });

/**
 * Tries all pairs by one process, and answers in their order. Needs `hasMergeTree`. A conflict's tree has the files with
 * git's markers. Rejects where one of the commits is not there, or two have nothing in common.
 */
export async function mergeTrees(
  repository: string,
  pairs: readonly MergePair[],
  { signal, env }: { signal?: AbortSignal | undefined; env?: Readonly<Record<string, string>> } = {},
): Promise<MergeTrial[]> {
  if (pairs.length === 0) return [];
  const printed = await git(
    repository,
    ['merge-tree', '--write-tree', '-z', '--name-only', '--no-messages', '--stdin'],
    {
      signal,
      input: pairs.map(([onto, commit]) => `${onto} ${commit}\n`).join(''),
      boundMs: gitBounds.hook,
      ...(env === undefined ? {} : { env }),
    },
  );
  const trials = parseTrials(printed);
  if (trials.length === pairs.length) return trials;
  throw new GasTownError(
    'internal',
    `git tried ${trials.length} of ${pairs.length} merges in ${repository}, so none of them counts.`,
  );
}

/** Pure. Of each merge: 1 or 0, the tree, the files that conflict; each ended by NUL, and all by one more. */
function parseTrials(printed: string): MergeTrial[] {
  const fields = printed.split('\0');
  const trials: MergeTrial[] = [];
  for (let at = 0; at + 2 < fields.length;) {
    const [status, tree = ''] = [fields[at++], fields[at++]];
    const end = fields.indexOf('', at);
    const files = fields.slice(at, end);
    at = end + 1;
    trials.push(status === '1' ? { kind: 'clean', tree } : { kind: 'conflict', tree, files });
  }
  return trials;
}

/** Runs `act` with an environment in which git writes objects into a folder that is then deleted: the repository gets none. */
export async function withThrowAwayObjects<T>(
  repository: string,
  act: (env: Readonly<Record<string, string>>) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'gastown-objects-'));
  try {
    const objects = await gitPath(repository, ['--git-path', 'objects']);
    return await act({ GIT_OBJECT_DIRECTORY: folder, GIT_ALTERNATE_OBJECT_DIRECTORIES: quoted(objects) });
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Git takes a list of folders: one with its separator in the name is quoted as in C. */
const quoted = (path: string): string =>
  path.includes(delimiter) || path.startsWith('"') ? `"${path.replace(/["\\]/g, String.raw`\$&`)}"` : path;

/** The files that differ between two commits, as git names them. */
export async function changedNames(
  repository: string,
  from: string,
  to: string,
  signal?: AbortSignal,
): Promise<string[]> {
  const args = ['diff-tree', '-r', '-z', '--name-only', '--no-renames', '--ignore-submodules=none'];
  const printed = await git(repository, [...args, '--end-of-options', from, to], { signal });
  return printed.split('\0').filter((name) => name !== '');
}
