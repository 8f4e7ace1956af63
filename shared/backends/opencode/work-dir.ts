import { realpath, stat } from 'node:fs/promises';
import { GasTownError, messageOf } from '../../errors.ts';

/** The folder as Opencode will name it. Opencode itself makes a session anywhere and fails at the first prompt. */
export async function workDir(cwd: string): Promise<string> {
  try {
    const directory = await realpath(cwd);
    if ((await stat(directory)).isDirectory()) return directory;
  } catch (error) {
    throw new GasTownError('spawn-failed', `The work dir ${cwd} cannot be used: ${messageOf(error)}`, {
      cause: error,
      about: 'place',
    });
  }
  throw new GasTownError('spawn-failed', `The work dir ${cwd} is no folder.`, { about: 'place' });
}
