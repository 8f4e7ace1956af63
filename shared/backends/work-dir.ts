import { realpath, stat } from 'node:fs/promises';
import { GasTownError, messageOf } from '../platform/errors.ts';

/**
 * The folder as the program will name it. Rejects where it cannot work there: one makes a session anywhere and fails at the
 * first prompt, and another one's terminal does not open.
 */
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
