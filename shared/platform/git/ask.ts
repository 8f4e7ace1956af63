/** Questions to git that may be answered "no". A question that failed is not that answer. */
import { lstat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { GasTownError } from '../errors.ts';
import { runGit } from './git.ts';

/** What git prints; undefined where it answers "no" (exit code 1). Rejects with git's own words where it cannot answer. */
export async function askGit(cwd: string, args: readonly string[]): Promise<string | undefined> {
  const { code, stdout, stderr } = await runGit(cwd, args);
  if (code === 0) return stdout.trim();
  if (code === 1) return undefined;
  throw new GasTownError('refused', `git cannot work in ${cwd}: ${words(stderr)}`);
}

/**
 * What git prints about the repository that the folder is in; undefined where it is in none. Git's exit code is the same
 * for that and for a repository that it does not open (another owner, a broken config), so the files decide.
 */
export async function askRepository(folder: string, args: readonly string[]): Promise<string | undefined> {
  const { code, stdout, stderr } = await runGit(folder, args);
  if (code === 0) return stdout.trim();
  if (!(await mayBeInRepository(folder))) return undefined;
  throw new GasTownError('refused', `git does not open the repository of ${folder}: ${words(stderr)}`);
}

const words = (stderr: string): string => stderr.trim().replace(/^fatal: /, '');

async function mayBeInRepository(folder: string): Promise<boolean> {
  if (
    await Promise.all(['HEAD', 'objects', 'refs'].map((name) => mayBeThere(join(folder, name)))).then((all) =>
      all.every(Boolean),
    )
  )
    return true;
  for (let at = folder; ; at = dirname(at)) {
    if (await mayBeThere(join(at, '.git'))) return true;
    if (dirname(at) === at) return false;
  }
}

/** What cannot be looked at may be there. */
async function mayBeThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    return !['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '');
  }
}
