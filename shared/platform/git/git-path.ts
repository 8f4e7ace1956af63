import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { git } from './git.ts';
import type { GitOptions } from './git.ts';

type Asked = readonly ['--git-common-dir'] | readonly ['--git-dir'] | readonly ['--git-path', string];

/**
 * Where git keeps something, as a whole path. Not by `--path-format=absolute`: git knows that since 2.31 only, and one that
 * does not prints it, with exit code 0.
 */
export async function gitPath(cwd: string, asked: Asked, options?: AbortSignal | GitOptions): Promise<string> {
  // What git prints is seen from where the folder really is.
  return resolve(await realpath(cwd), await git(cwd, ['rev-parse', ...asked], options));
}
