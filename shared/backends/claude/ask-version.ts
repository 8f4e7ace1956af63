import { spawn } from 'node:child_process';
import { cutText } from '../../platform/cut-text.ts';
import { messageOf } from '../../platform/errors.ts';
import { identify, killTree } from '../../platform/process-table.ts';

/** What a program said when it was asked for its version. */
export interface VersionAnswer {
  /** Claude Code's, by which it names itself; undefined where something else answers, or nothing. */
  version: string | undefined;
  /** It ended in order. */
  ok: boolean;
  /** For people. */
  words: string;
}

/** In ms. */
const bound = 15_000;
/** Of what is said, in characters. */
const longest = 500;

/**
 * Asks a program with these arguments for its version. Never rejects. It has no input: a wrapper that starts a session instead
 * ends at once, and `bash`, which takes a pipe for a remote login, does not read the user's start-up files.
 */
export function askVersion(
  path: string,
  args: readonly string[],
  env: Record<string, string>,
  cwd: string | undefined,
): Promise<VersionAnswer> {
  return new Promise((resolve) => {
    let out = '';
    let err = '';
    const child = spawn(path, [...args, '--version'], {
      ...{ env, stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true },
      ...(cwd === undefined ? {} : { cwd }),
    });
    const answer = (ok: boolean, otherwise: string): void => {
      clearTimeout(timer);
      const version = /^(\d+\.\d+\.\d+)\S* \(Claude Code\)/m.exec(out)?.[1];
      const words = cutText((err || out).trim() || otherwise, longest);
      resolve({ version: ok ? version : undefined, ok, words });
    };
    const timer = setTimeout(() => {
      answer(false, `nothing within ${bound / 1000} s`);
      if (child.pid !== undefined) void identify(child.pid).then((found) => found && killTree(found));
    }, bound);
    child.stdout.on('data', (chunk: Buffer) => (out = `${out}${chunk.toString()}`.slice(0, longest)));
    child.stderr.on('data', (chunk: Buffer) => (err = `${err}${chunk.toString()}`.slice(0, longest)));
    child.once('error', (error) => answer(false, messageOf(error)));
    child.once('close', (code, signal) => answer(code === 0, `nothing (it ended with ${signal ?? `code ${code}`})`));
  });
}
