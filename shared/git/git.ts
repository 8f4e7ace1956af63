import { execFile } from 'node:child_process';
import { GasTownError } from '../errors.ts';
import { inheritedEnvironment } from '../process/inherited-environment.ts';

export interface GitResult {
  stdout: string;
  stderr: string;
  /** Exit code; git uses some of them to answer (`merge-tree`, `diff --quiet`). */
  code: number;
}

/**
 * Runs git with an argument vector, never through a shell. `GIT_OPTIONAL_LOCKS=0` so that looking never disturbs the
 * person's own git; `GIT_TERMINAL_PROMPT=0` so that it fails instead of waiting for a password nobody can type.
 */
export function runGit(cwd: string, args: readonly string[], signal?: AbortSignal): Promise<GitResult> {
  const env = { ...inheritedEnvironment('program', process.env), GIT_OPTIONAL_LOCKS: '0', GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C' };
  return new Promise((resolve, reject) => {
    const options = { cwd, env, maxBuffer: 64 * 1024 * 1024, windowsHide: true, ...(signal ? { signal } : {}) };
    execFile('git', [...args], options, (error, stdout, stderr) => {
      if (!error) return resolve({ stdout, stderr, code: 0 });
      if (typeof error.code === 'number') return resolve({ stdout, stderr, code: error.code });
      if (signal?.aborted) return reject(new GasTownError('cancelled', `git ${args[0]} was cancelled.`));
      const what = error.code === 'ENOENT' ? `git was not found on PATH, or ${cwd} does not exist.` : error.message;
      return reject(new GasTownError('internal', what, { cause: error }));
    });
  });
}

/** Like `runGit`, but a non-zero exit is an error with git's own words. Returns stdout without the last newline. */
export async function git(cwd: string, args: readonly string[], signal?: AbortSignal): Promise<string> {
  const result = await runGit(cwd, args, signal);
  if (result.code === 0) return result.stdout.replace(/\n$/, '');
  const words = (result.stderr || result.stdout).trim();
  throw new GasTownError('internal', `git ${args.join(' ')} failed in ${cwd}: ${words}`);
}
