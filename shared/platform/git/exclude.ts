/** What git is told to overlook, in the repository's own `info/exclude`: nothing of it is ever committed. */
import { access, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { readBounded } from '../read-bounded.ts';
import { unlessMissing } from '../files.ts';
import { askRepository } from './ask.ts';
import { gitPath } from './git-path.ts';
import { requireNoLinks } from './no-links.ts';

/** Adds the paths, all of them in the repository that `folder` is in. Nothing to do outside of a repository. */
export async function hideFromGit(folder: string, files: readonly string[]): Promise<void> {
  await rewrite(folder, files, (lines, ours) => {
    const missing = ours.filter((line) => !lines.includes(line));
    if (missing.length === 0) return undefined;
    const present = lines.at(-1) === '' ? lines.slice(0, -1) : lines;
    return [...present, ...missing, ''];
  });
}

/** Takes out what `hideFromGit` has added. */
export async function showToGit(folder: string, files: readonly string[]): Promise<void> {
  await rewrite(folder, files, (lines, ours) => {
    const others = lines.filter((line) => !ours.includes(line));
    return others.length === lines.length ? undefined : others;
  });
}

async function rewrite(
  folder: string,
  files: readonly string[],
  change: (lines: string[], ours: string[]) => string[] | undefined,
): Promise<void> {
  if (files.length === 0) return;
  const root = await worktreeRoot(folder);
  if (root === undefined) return;
  // All worktrees of a repository share this file. Asked for the file itself, git would tell where a link leads.
  const common = await gitPath(folder, ['--git-common-dir']);
  const exclude = path.join(common, 'info', 'exclude');
  await requireNoLinks(common, path.join('info', 'exclude'));
  const present = (await unlessMissing(readBounded(exclude))) ?? '';
  const ours = files.map((file) => `/${path.relative(root, file).split(path.sep).join('/')}`);
  const lines = change(present.split('\n'), ours);
  if (lines === undefined) return;
  await mkdir(path.dirname(exclude), { recursive: true });
  await writeFile(exclude, lines.join('\n'));
}

/**
 * The top folder of the checkout that the folder is in; undefined outside of a repository, and where it is not there.
 * Rejects with git's own words where git does not open the repository.
 */
export async function worktreeRoot(folder: string): Promise<string | undefined> {
  try {
    await access(folder);
  } catch {
    // A folder that is not there is in no repository.
    return undefined;
  }
  return (await askRepository(folder, ['rev-parse', '--show-toplevel'])) || undefined;
}
