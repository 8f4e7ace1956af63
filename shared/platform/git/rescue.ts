/**
 * Rescue commits: what a worktree has that exists nowhere else, in the repository's object store. Its tree has `files/`, each
 * file byte by byte (no filter has touched it), and `manifest.json`. Its parents are what was checked out, the index as a
 * commit, and the commits that only logs had. So git keeps all of it, and shows it without us: `git show <ref>`.
 */
import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  open,
  readFile,
  readlink,
  rm,
  rmdir,
  symlink,
  unlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { unlessMissing } from '../files.ts';
import { git, gitBounds, runGit } from './git.ts';
import type { Occasion } from './findings.ts';
import { pathOf } from './file-names.ts';
import type { FilesSurvey } from './survey-files.ts';
import { elsewhere } from './survey-worktree.ts';
import type { WorktreePlace, WorktreeSurvey } from './survey-worktree.ts';

/** Names are bytes, one to a character. */
interface Manifest {
  version: 1;
  /** What was staged; absent where only commits are rescued. */
  index?: string;
  /** Permission bits of each file. */
  modes: Record<string, number>;
  deleted: string[];
  flags: FilesSurvey['flags'];
}

const author = {
  GIT_AUTHOR_NAME: 'Gas Town',
  GIT_AUTHOR_EMAIL: 'gastown@localhost',
  GIT_COMMITTER_NAME: 'Gas Town',
  GIT_COMMITTER_EMAIL: 'gastown@localhost',
};
const change = { boundMs: gitBounds.change };
const transfer = { boundMs: gitBounds.transfer };
const onlyPermissions = 0o7777;

/**
 * Writes a rescue commit and its ref (`refs/rescue/<label>/<time>`) where there is something to rescue on that occasion.
 * `stays` says that the branch that goes with the worktree does not go. Rejects where anything could not be written.
 */
export async function rescue(
  place: WorktreePlace,
  survey: WorktreeSurvey,
  how: { occasion: Occasion; stays: boolean; label: string; at: number },
): Promise<string | undefined> {
  const { repository, path, branch } = place;
  const withFiles = how.occasion === 'asked' && survey.files !== undefined && hasFiles(survey.files);
  const tips = await heads(
    repository,
    [...survey.tips, ...(survey.head === undefined ? [] : [survey.head])],
    how.stays ? undefined : branch,
  );
  if (!withFiles && tips.length === 0) return undefined;
  const folder = await mkdtemp(join(tmpdir(), 'gastown-rescue-'));
  try {
    const content = withFiles
      ? await writeFiles(path, survey.files!)
      : { entries: [], manifest: { version: 1 as const, modes: {}, deleted: [], flags: [] } };
    const parents = [...new Set([...(survey.head === undefined ? [] : [survey.head]), ...tips])];
    const index = withFiles ? await git(path, ['write-tree'], change) : undefined;
    if (index !== undefined)
      parents.push(await commit(repository, index, survey.head === undefined ? [] : [survey.head], 'What was staged'));
    const manifest: Manifest = { ...content.manifest, ...(index === undefined ? {} : { index }) };
    const blob = await git(repository, ['hash-object', '-w', '--stdin'], {
      ...change,
      input: `${JSON.stringify(manifest, null, 2)}\n`,
    });
    const env = { GIT_INDEX_FILE: join(folder, 'index') };
    const input = [...content.entries, `100644 ${blob}\tmanifest.json`].map((entry) => `${entry}\0`).join('');
    await git(repository, ['update-index', '-z', '--index-info'], { ...change, env, input, bytes: true });
    const tree = await git(repository, ['write-tree'], { ...change, env });
    const saved = await commit(repository, tree, parents, `What only the worktree ${path} had`);
    const ref = `refs/rescue/${refPart(how.label)}/${new Date(how.at).toISOString().replace(/[-:.]/g, '')}`;
    await git(repository, ['update-ref', '--create-reflog', ref, saved, ''], change);
    return ref;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const hasFiles = ({ uncommitted, ignored, flagged }: FilesSurvey): boolean =>
  uncommitted.length + ignored.length + flagged.length > 0;

/** Part of a ref's name by git's rules. */
const refPart = (label: string): string => label.replace(/[^A-Za-z0-9_-]+/g, '-').replace(/^-+/, '') || 'worktree';

/** Of the commits that would be reached by nothing, those that no other of them has as its parent. */
async function heads(repository: string, tips: readonly string[], branch: string | undefined): Promise<string[]> {
  if (tips.length === 0) return [];
  const listed = await git(repository, ['rev-list', '--parents', '--stdin', ...elsewhere(branch)], {
    input: [...new Set(tips)].join('\n'),
  });
  const lines = listed
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split(' '));
  const parents = new Set(lines.flatMap(([, ...above]) => above));
  return lines.flatMap(([each]) => (each !== undefined && !parents.has(each) ? [each] : []));
}

async function commit(repository: string, tree: string, parents: readonly string[], message: string): Promise<string> {
  return git(repository, ['commit-tree', tree, ...parents.flatMap((parent) => ['-p', parent]), '-m', message], {
    ...change,
    env: author,
  });
}

async function writeFiles(root: string, survey: FilesSurvey): Promise<{ entries: string[]; manifest: Manifest }> {
  const gone = new Set(survey.deleted);
  const names = [...survey.uncommitted, ...survey.flagged, ...survey.ignored].filter((name) => !gone.has(name));
  const manifest: Manifest = { version: 1, modes: {}, deleted: survey.deleted, flags: survey.flags };
  const entries: string[] = [];
  const plain: string[] = [];
  const add = (mode: string, blob: string, name: string): void => void entries.push(`${mode} ${blob}\tfiles/${name}`);
  const hash = async (input: string): Promise<string> =>
    git(root, ['hash-object', '-w', '--stdin'], { ...transfer, input, bytes: true });
  for (const name of names) {
    const path = pathOf(root, name);
    const facts = await lstat(path);
    if (facts.isSymbolicLink())
      add('120000', await hash((await readlink(path, { encoding: 'buffer' })).toString('latin1')), name);
    else if (!facts.isFile()) throw new Error(`${name} is neither a file nor a link`);
    else {
      manifest.modes[name] = facts.mode & onlyPermissions;
      // One path a line is what git takes; else it gets the content.
      if (!name.includes('\n') && !root.includes('\n')) plain.push(name);
      else add(modeOf(facts.mode), await hash((await readFile(path)).toString('latin1')), name);
    }
  }
  const input = plain.map((name) => `${pathOf(root, name).toString('latin1')}\n`).join('');
  const blobs =
    plain.length === 0
      ? ''
      : await git(root, ['hash-object', '-w', '--no-filters', '--stdin-paths'], { ...transfer, input, bytes: true });
  for (const [index, blob] of blobs.split('\n').entries()) {
    const name = plain[index];
    if (name !== undefined) add(modeOf(manifest.modes[name] ?? 0), blob, name);
  }
  return { entries, manifest };
}

const modeOf = (permissions: number): string => (permissions & 0o100 ? '100755' : '100644');

/** Puts the files and the index of a rescue commit over a fresh checkout of what was checked out. */
export async function putBack(repository: string, path: string, ref: string): Promise<void> {
  const manifest = JSON.parse(await git(repository, ['cat-file', 'blob', `${ref}:manifest.json`])) as Manifest;
  if (manifest.index === undefined) return;
  await git(path, ['read-tree', manifest.index], change);
  for (const name of manifest.deleted) await unlessMissing(unlink(pathOf(path, name)));
  for (const name of manifest.deleted) await removeEmptyAbove(path, name);
  const listed = await git(repository, ['ls-tree', '-r', '-l', '-z', ref, '--', 'files/'], { bytes: true });
  const files = listed.split('\0').flatMap((entry): SavedFile[] => {
    const [mode, , blob, size] = entry.slice(0, entry.indexOf('\t')).split(/ +/);
    const name = entry.slice(entry.indexOf('\t') + 'files/'.length + 1);
    return mode === undefined || blob === undefined
      ? []
      : [{ path: pathOf(path, name), mode, blob, size: Number(size), permissions: manifest.modes[name] }];
  });
  for (const batch of inBatches(files)) await putFiles(repository, batch);
  await git(path, ['update-index', '-q', '--really-refresh'], change).catch(() => undefined);
  const flagged = (pattern: RegExp): string =>
    manifest.flags.flatMap(({ path: name, flag }) => (pattern.test(flag) ? [`${name}\0`] : [])).join('');
  for (const [option, input] of [
    ['--assume-unchanged', flagged(/[a-z]/)],
    ['--skip-worktree', flagged(/[sS]/)],
  ] as const) {
    if (input !== '') await git(path, ['update-index', option, '-z', '--stdin'], { ...change, input, bytes: true });
  }
}

interface SavedFile {
  path: Buffer;
  mode: string;
  blob: string;
  /** In bytes. */
  size: number;
  permissions: number | undefined;
}

/** So much is read by one git at once, in bytes; what is larger goes to its file by itself. */
const batchSize = 8 * 1024 * 1024;

function inBatches(files: readonly SavedFile[]): SavedFile[][] {
  const batches: SavedFile[][] = [];
  let room = 0;
  for (const file of files) {
    if (batches.length === 0 || file.size > room) {
      batches.push([]);
      room = batchSize;
    }
    batches.at(-1)?.push(file);
    room -= file.size;
  }
  return batches;
}

async function putFiles(repository: string, files: readonly SavedFile[]): Promise<void> {
  const [first] = files;
  if (first !== undefined && first.size > batchSize) return putLarge(repository, first);
  const input = files.map(({ blob }) => `${blob}\n`).join('');
  const { code, stdout, stderr } = await runGit(repository, ['cat-file', '--batch'], {
    ...transfer,
    input,
    bytes: true,
  });
  if (code !== 0) throw new Error(`git cat-file: ${stderr.trim()}`);
  let at = 0;
  for (const { path, mode, blob, size, permissions } of files) {
    const begin = stdout.indexOf('\n', at) + 1;
    if (stdout.slice(at, begin) !== `${blob} blob ${size}\n`)
      throw new Error(`git cat-file has another answer than ${blob}: ${stdout.slice(at, begin)}`);
    const content = Buffer.from(stdout.slice(begin, begin + size), 'latin1');
    at = begin + size + 1;
    await makeWay(path);
    if (mode === '120000') await symlink(content, path);
    else {
      // Nobody else may read it before it has its own permissions.
      await writeFile(path, content, { flag: 'wx', mode: 0o600 });
      if (permissions !== undefined) await chmod(path, permissions);
    }
  }
}

async function putLarge(repository: string, { path, blob, permissions }: SavedFile): Promise<void> {
  await makeWay(path);
  const handle = await open(path, 'wx', 0o600);
  try {
    await git(repository, ['cat-file', 'blob', blob], { ...transfer, outputTo: handle.fd });
  } finally {
    await handle.close();
  }
  if (permissions !== undefined) await chmod(path, permissions);
}

/** Folders that only the files had which are not there: where one of them was, there may be a file, or nothing. */
async function removeEmptyAbove(root: string, name: string): Promise<void> {
  for (let above = dirname(name); above !== '.'; above = dirname(above)) {
    try {
      await rmdir(pathOf(root, above));
    } catch {
      // Something is in it, or it is not there.
    }
  }
}

/** Of a fresh checkout, in which nobody has anything yet. */
async function makeWay(path: Buffer): Promise<void> {
  await mkdir(Buffer.from(dirname(path.toString('latin1')), 'latin1'), { recursive: true });
  await rm(path, { recursive: true, force: true });
}
