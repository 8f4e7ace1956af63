/** Which files of a checkout are only there: looked at on the disk, whatever git was told to overlook. */
import { copyFile, lstat, mkdtemp, open, readdir, readFile, readlink, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, sep } from 'node:path';
import { unlessMissing } from '../files.ts';
import { pathOf, readable } from './file-names.ts';
import { gitPath } from './git-path.ts';
import { git, runGit } from './git.ts';
import { cacheMarks } from './rebuildable.ts';
import type { IsRebuildable } from './rebuildable.ts';
import { isUntouched } from './set-up-files.ts';
import type { UntouchedFiles } from './set-up-files.ts';

/** Names in it are bytes (see `file-names.ts`). */
export interface FilesSurvey {
  uncommitted: string[];
  /** Of the uncommitted and flagged ones those that are not on the disk. */
  deleted: string[];
  ignored: string[];
  flagged: string[];
  /** Folders that have a `.git` and are not submodules. */
  nested: string[];
  /** Submodules that are at another commit than the index says. */
  moved: string[];
  /** Submodules with the commit that the index has. */
  links: { path: string; commit: string }[];
  /** As `ls-files -v` has them: a small letter is assume-unchanged, S is skip-worktree. */
  flags: { path: string; flag: string }[];
}

export interface FilesOptions {
  /** Another checkout's top: a file that is the same there is not only here. `outside` is what goes: nothing in it counts. */
  base?: { path: string; outside: string };
  /** Whole paths of what the town itself has written. */
  own: readonly string[];
  isRebuildable: IsRebuildable;
  /** Ignored files that are no work as long as they are as they were. */
  untouched?: UntouchedFiles;
}

/** Rejects where git or the system cannot tell: that is no answer, and never "nothing". */
export async function surveyFiles(root: string, options: FilesOptions): Promise<FilesSurvey> {
  const flags = flagsIn(await git(root, ['ls-files', '-v', '-z'], { bytes: true }));
  const links = linksIn(await git(root, ['ls-files', '--stage', '-z'], { bytes: true }));
  // Where a file is not checked out, its flag is what hides nothing but that (a sparse checkout).
  const present = [];
  for (const each of flags)
    if ((await unlessMissing(lstat(pathOf(root, each.path)))) !== undefined) present.push(each.path);
  const entries = await withPlainIndex(root, present, (env) => status(root, env));
  const survey: FilesSurvey = {
    uncommitted: [],
    deleted: [],
    ignored: [],
    flagged: [],
    nested: [],
    moved: [],
    links,
    flags,
  };
  const hidden = new Set(present);
  const folders: string[] = [];
  for (const { kind, path, isLink } of entries) {
    if (kind === '!') folders.push(path);
    else if (kind === '?' && path.endsWith('/')) folders.push(path);
    else if (isLink) survey.moved.push(path);
    else {
      (hidden.has(path) ? survey.flagged : survey.uncommitted).push(path);
      if (!(await isFileAt(root, path))) survey.deleted.push(path);
    }
  }
  for (const path of folders) await lookInto(root, path.replace(/\/$/, ''), options, survey);
  return survey;
}

const flagsIn = (listed: string): FilesSurvey['flags'] =>
  listed.split('\0').flatMap((entry) => (/^[a-zS] /.test(entry) ? [{ flag: entry[0]!, path: entry.slice(2) }] : []));

const linksIn = (listed: string): FilesSurvey['links'] =>
  listed.split('\0').flatMap((entry) => {
    const [mode, commit] = entry.split(' ', 2);
    return mode === '160000' && commit !== undefined ? [{ commit, path: entry.slice(entry.indexOf('\t') + 1) }] : [];
  });

/** Lets git look by an index in which these files have no flags. The worktree's own is left as it is. */
async function withPlainIndex<T>(
  root: string,
  flagged: readonly string[],
  look: (env: Record<string, string>) => Promise<T>,
): Promise<T> {
  if (flagged.length === 0) return look({});
  const folder = await mkdtemp(join(tmpdir(), 'gastown-index-'));
  try {
    const copy = join(folder, 'index');
    await copyFile(await gitPath(root, ['--git-path', 'index']), copy);
    const env = { GIT_INDEX_FILE: copy };
    const input = flagged.map((path) => `${path}\0`).join('');
    for (const flag of ['--no-assume-unchanged', '--no-skip-worktree']) {
      await git(root, ['update-index', flag, '-z', '--stdin'], { env, input, bytes: true });
    }
    return await look(env);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Entry {
  kind: '1' | 'u' | '?' | '!';
  path: string;
  isLink: boolean;
}

async function status(root: string, env: Record<string, string>): Promise<Entry[]> {
  const args = [
    'status',
    '--porcelain=v2',
    '-z',
    '--untracked-files=all',
    '--ignored=matching',
    '--ignore-submodules=none',
    '--no-renames',
  ];
  const { code, stdout, stderr } = await runGit(root, args, { env, bytes: true });
  // A folder that it may not read it only warns of.
  if (code !== 0 || /^(warning|error|fatal):/m.test(stderr))
    throw new Error(`git status: ${stderr.trim() || `exit code ${code}`}`);
  return stdout.split('\0').flatMap((entry): Entry[] => {
    const kind = entry[0];
    if (kind === '?' || kind === '!') return [{ kind, path: entry.slice(2), isLink: false }];
    if (kind !== '1' && kind !== 'u') return [];
    const fields = entry.split(' ');
    const path = fields.slice(kind === '1' ? 8 : 10).join(' ');
    const submodule = fields[2] ?? 'N...';
    // What is in a submodule is looked at there.
    if (kind === '1' && submodule.startsWith('S') && submodule[1] !== 'C' && fields[1] === '.M') return [];
    return [{ kind, path, isLink: submodule.startsWith('S') }];
  });
}

/** Whether a file that git has is there: a folder in its place is not that file, nor is what a link above it leads to. */
async function isFileAt(root: string, name: string): Promise<boolean> {
  if ((await unlessMissing(lstat(pathOf(root, name))))?.isDirectory() !== false) return false;
  for (let above = dirname(name); above !== '.'; above = dirname(above)) {
    if ((await lstat(pathOf(root, above))).isSymbolicLink()) return false;
  }
  return true;
}

/** Something that git ignores, or a folder that it does not look into. */
async function lookInto(root: string, name: string, options: FilesOptions, survey: FilesSurvey): Promise<void> {
  if (options.own.includes(join(root, readable(name)))) return;
  const path = pathOf(root, name);
  const facts = await unlessMissing(lstat(path));
  if (facts === undefined) return;
  const isKnown = options.isRebuildable(readable(name));
  if (!facts.isDirectory()) {
    // A pipe or a socket holds nothing.
    if (isKnown || !(facts.isFile() || facts.isSymbolicLink())) return;
    if (options.untouched && (await isUntouched(options.untouched, path))) return;
    if (options.base === undefined || !(await isSame(path, pathOf(options.base.path, name), options.base.outside)))
      survey.ignored.push(name);
    return;
  }
  const names = (await readdir(path, { encoding: 'buffer' })).map((each) => each.toString('latin1'));
  if (names.includes('.git')) survey.nested.push(name);
  else if (isKnown || (await isCache(path, names))) survey.nested.push(...(await repositoriesIn(root, name, names)));
  else for (const each of names) await lookInto(root, `${name}/${each}`, options, survey);
}

/** A package that somebody has cloned among those that a tool has installed (`node_modules/a`, `node_modules/@a/b`). */
async function repositoriesIn(root: string, name: string, names: readonly string[], depth = 2): Promise<string[]> {
  const found: string[] = [];
  for (const each of names) {
    const inside = `${name}/${each}`;
    const facts = await unlessMissing(lstat(pathOf(root, inside)));
    if (!facts?.isDirectory()) continue;
    const within = (await readdir(pathOf(root, inside), { encoding: 'buffer' })).map((entry) =>
      entry.toString('latin1'),
    );
    if (within.includes('.git')) found.push(inside);
    else if (depth > 1 && each.startsWith('@')) found.push(...(await repositoriesIn(root, inside, within, depth - 1)));
  }
  return found;
}

async function isCache(path: Buffer, names: readonly string[]): Promise<boolean> {
  for (const { file, begins } of cacheMarks) {
    if (!names.includes(file)) continue;
    const text = await unlessMissing(readFile(Buffer.concat([path, Buffer.from(`/${file}`)]), 'latin1'));
    if (text?.startsWith(begins)) return true;
  }
  return false;
}

const chunk = 1024 * 1024;
const slash = Buffer.from(sep);

async function isSame(path: Buffer, other: Buffer, outside: string): Promise<boolean> {
  const [mine, theirs] = [await lstat(path, { bigint: true }), await unlessMissing(lstat(other, { bigint: true }))];
  if (theirs === undefined) return false;
  // By a link in the other checkout it may be the file itself, or another one of those that go.
  if (mine.dev === theirs.dev && mine.ino === theirs.ino) return false;
  const place = await realpath(Buffer.from(dirname(other.toString('latin1')), 'latin1'), 'buffer');
  const within = await realpath(outside, 'buffer');
  if (Buffer.concat([place, slash]).indexOf(Buffer.concat([within, slash])) === 0) return false;
  if (mine.isSymbolicLink()) return theirs.isSymbolicLink() && (await readlink(path)) === (await readlink(other));
  if (!theirs.isFile() || mine.size !== theirs.size) return false;
  const files = [await open(path), await open(other)] as const;
  try {
    for (let at = 0; at < mine.size; at += chunk) {
      const [a, b] = [
        await files[0].read(Buffer.alloc(chunk), 0, chunk, at),
        await files[1].read(Buffer.alloc(chunk), 0, chunk, at),
      ];
      if (a.bytesRead !== b.bytesRead || !a.buffer.equals(b.buffer)) return false;
    }
    return true;
  } finally {
    await Promise.all(files.map((file) => file.close()));
  }
}
