/** Files that git ignores and work needs all the same (`.env`, local settings), from the main checkout into a new worktree. */
import { constants } from 'node:fs';
import { copyFile, lstat, mkdir, readlink, symlink } from 'node:fs/promises';
import { dirname, isAbsolute, join, normalize, relative, sep } from 'node:path';
import { unlessMissing } from '../files.ts';
import { GasTownError, messageOf, throwIfCancelled } from '../errors.ts';
import { readBounded } from '../read-bounded.ts';
import { git, gitBounds, runGit } from './git.ts';
import { pathOf, readable } from './file-names.ts';

export interface CopyOrder {
  /** Top of the main checkout. */
  from: string;
  /** Top of the worktree. */
  to: string;
  /** As in `.gitignore`, the last one that fits decides. */
  patterns: readonly string[];
  /** Folders that nothing is copied from, whole paths: the town's own. */
  never: readonly string[];
  signal?: AbortSignal | undefined;
}

export interface Copied {
  files: number;
  /** What fits a pattern and was left out, with the reason, for people. */
  left: string[];
}

const includeFile = '.worktreeinclude';
const includeBytes = 64 * 1024;
const mostFiles = 50_000;
const mostBytes = 2 * 1024 * 1024 * 1024;

/** The patterns in the file of that name in the repository's top; none where there is no such file. */
export async function includedPatterns(repository: string): Promise<string[]> {
  const file = join(repository, includeFile);
  const facts = await unlessMissing(lstat(file));
  // A link may lead anywhere.
  if (facts === undefined || facts.isSymbolicLink()) return [];
  return patternsIn(await readBounded(file, includeBytes));
}

/** Pure. Lines of a file of patterns, without comments and the spaces behind them. */
export function patternsIn(text: string): string[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.replace(/(?<!\\)\s+$/, ''))
    .filter((line) => line !== '' && !line.startsWith('#'));
}

/**
 * Copies what fits the patterns and git ignores; a file that git has, or that is in the worktree already, is left as it is. Files are
 * cloned where the file system can, so that they cost nothing until somebody changes one. Never hard links: what one worker
 * writes into its file would be in everybody's. Rejects with `bad-config` where it is more than a bound, before anything is
 * copied, and where a link of the branch leads the way.
 */
export async function copyIgnored(order: CopyOrder): Promise<Copied> {
  const { from, to, patterns, signal } = order;
  if (patterns.length === 0) return { files: 0, left: [] };
  const names = await findIgnored(order);
  const copied: Copied = { files: 0, left: [] };
  const found = [];
  let bytes = 0;
  for (const name of names) {
    const facts = await unlessMissing(lstat(pathOf(from, name)));
    if (facts === undefined) continue;
    bytes += facts.size;
    found.push({ name, facts });
  }
  if (found.length > mostFiles || bytes > mostBytes) {
    throw new GasTownError(
      'bad-config',
      `${found.length} files of ${Math.ceil(bytes / 1024 / 1024)} MB in ${from} fit the patterns of worktrees.include and ${includeFile}, and at most ${mostFiles} files of ${mostBytes / 1024 / 1024} MB are copied. Let them name fewer; what a tool makes is for worktrees.setup_command.`,
    );
  }
  const folders = new Set(['.']);
  for (const { name, facts } of found) {
    throwIfCancelled(signal, 'Copying files that git ignores');
    try {
      const target = facts.isSymbolicLink() ? await targetWithin(from, name) : undefined;
      if (facts.isSymbolicLink() && target === undefined)
        copied.left.push(`${readable(name)} leads out of the checkout`);
      else if (facts.isSymbolicLink() || facts.isFile()) {
        await makeFolder(to, dirname(name), folders);
        if (target === undefined) await copyFile(pathOf(from, name), pathOf(to, name), cloned);
        else await symlink(target, pathOf(to, name));
        copied.files += 1;
      }
    } catch (error) {
      // A file that is there already is the branch's own.
      if (GasTownError.is(error)) throw error;
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST')
        copied.left.push(`${readable(name)}: ${messageOf(error)}`);
    }
  }
  return copied;
}

const cloned = constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE;

/** Names of files, as bytes, that fit the patterns, are not git's, and that git ignores. */
async function findIgnored({ from, patterns, never, signal }: CopyOrder): Promise<string[]> {
  // Not with what git ignores anyway (--exclude-standard): then these patterns could not leave anything out.
  const excludes = patterns.map((pattern) => `--exclude=${pattern}`);
  const options = { signal, boundMs: gitBounds.change, bytes: true };
  const listed = await git(from, ['ls-files', '-z', '--others', '--ignored', ...excludes], options);
  const away = never.map((folder) => relative(from, folder)).filter((folder) => !folder.startsWith('..'));
  const fitting = listed
    .split('\0')
    // With a slash it is a repository inside.
    .filter((name) => name !== '' && !name.endsWith('/'))
    .filter((name) => !away.some((folder) => readable(name).startsWith(`${folder}/`)));
  if (fitting.length === 0) return [];
  const input = fitting.map((name) => `${name}\0`).join('');
  const { code, stdout, stderr } = await runGit(from, ['check-ignore', '-z', '--stdin'], { ...options, input });
  // It answers "none" by 1.
  if (code > 1) throw new GasTownError('internal', `git check-ignore failed in ${from}: ${stderr.trim()}`);
  return stdout.split('\0').filter((name) => name !== '');
}

/** Where a link leads, as it says it; undefined where that is not inside of the checkout, or is said by a whole path. */
async function targetWithin(from: string, name: string): Promise<Buffer | undefined> {
  const target = await readlink(pathOf(from, name), 'buffer');
  const said = target.toString('latin1');
  if (isAbsolute(said)) return undefined;
  const place = normalize(join(dirname(name), said));
  return place === '..' || place.startsWith(`..${sep}`) ? undefined : target;
}

/** Rejects with `bad-config` where the branch has a link on the way: what is written there would land elsewhere. */
async function makeFolder(root: string, folder: string, known: Set<string>): Promise<void> {
  if (known.has(folder)) return;
  await makeFolder(root, dirname(folder), known);
  const path = pathOf(root, folder);
  const facts = await unlessMissing(lstat(path));
  if (facts === undefined) await mkdir(path);
  else if (!facts.isDirectory()) {
    throw new GasTownError(
      'bad-config',
      `${readable(folder)} is ${facts.isSymbolicLink() ? 'a link' : 'a file'} in the branch, so nothing is copied into it. Let worktrees.include and ${includeFile} not name it.`,
    );
  }
  known.add(folder);
}
