import { lstat } from 'node:fs/promises';
import { openRegular } from '../read-bounded.ts';
import { unlessMissing } from '../files.ts';
import { gitBounds, runGit } from './git.ts';
import { pathOf } from './file-names.ts';

/** In git's environment: a checkout leaves the files of Git LFS as pointers, and asks no server for any. */
export const lfsPointers = { GIT_LFS_SKIP_SMUDGE: '1' };

/**
 * Puts the content of Git LFS's files into a checkout as far as it is on this machine; the others stay pointers, and no
 * server is asked. Nothing where git-lfs is not set up.
 */
export async function putLfsContent(worktree: string, signal?: AbortSignal): Promise<void> {
  const filter = ['config', '--get-regexp', String.raw`^filter\.lfs\.(process|smudge)$`];
  if ((await runGit(worktree, filter, { signal })).code !== 0) return;
  const files = await runGit(worktree, ['ls-files', '-z', '--', ':(top,attr:filter=lfs)'], { signal, bytes: true });
  if (files.stdout === '') return;
  await runGit(worktree, ['lfs', 'checkout'], { signal, boundMs: gitBounds.transfer });
}

/** The specification has no longer pointer, in bytes. */
const longestPointer = 1024;
const begins = 'version https://git-lfs.github.com/spec/v1\n';

/**
 * Files that Git LFS keeps elsewhere and of which only the pointers have been checked out, in words that say what to do; undefined
 * where all have their content. Git itself fetches it where git-lfs has been set up: that it does in a worktree, too.
 */
export async function missingLfsContent(worktree: string, signal?: AbortSignal): Promise<string | undefined> {
  const { code, stdout } = await runGit(worktree, ['ls-files', '-z', '--', ':(top,attr:filter=lfs)'], {
    signal,
    bytes: true,
  });
  if (code !== 0) return undefined;
  let pointers = 0;
  for (const name of stdout.split('\0')) if (name !== '' && (await isPointer(pathOf(worktree, name)))) pointers += 1;
  if (pointers === 0) return undefined;
  const files = pointers === 1 ? 'One file is only a pointer' : `${pointers} files are only pointers`;
  const isInstalled = (await runGit(worktree, ['lfs', 'version'], { signal })).code === 0;
  return isInstalled
    ? `${files} of Git LFS, because git does not fetch their content here: run "git lfs install", then "git lfs pull" in ${worktree}`
    : `${files} of Git LFS, because git-lfs is not installed, or not on the PATH of the editor: install it, then "git lfs pull" in ${worktree}`;
}

async function isPointer(path: Buffer): Promise<boolean> {
  const facts = await unlessMissing(lstat(path));
  if (!facts?.isFile() || facts.size > longestPointer) return false;
  const handle = await openRegular(path);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(begins.length), 0, begins.length, 0);
    return bytesRead === begins.length && buffer.toString('latin1') === begins;
  } finally {
    await handle.close();
  }
}
