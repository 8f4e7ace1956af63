import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { drainMs, endAll, spawnOptions } from './git.ts';

/** A git that goes on until it is ended. */
export interface StartedGit {
  stdin: Writable;
  stdout: Readable;
  /** Why it has ended; by itself, it may be. Never rejects. */
  ended: Promise<string>;
  /** Lets it end by having read all, then by force, with all that it has started. Never rejects. */
  end(): Promise<void>;
}

/** Like `runGit`, for many questions. Whoever starts it ends it, and bounds its answers. */
export function startGit(cwd: string, args: readonly string[]): StartedGit {
  const call = randomUUID();
  const child = spawn('git', [...args], { ...spawnOptions(cwd, call), stdio: ['pipe', 'pipe', 'ignore'] });
  const closed = new Promise<string>((resolve) => {
    child.once('error', ({ message }) => resolve(message));
    child.once('close', (code) => resolve(code === null ? 'it was ended' : `it has ended with exit code ${code}`));
  });
  child.stdin.on('error', () => undefined);
  return {
    stdin: child.stdin,
    stdout: child.stdout,
    ended: closed,
    end: async () => {
      child.stdin.end();
      const giveUp = new AbortController();
      const late = delay(drainMs, 'late' as const, { signal: giveUp.signal }).catch(() => 'late' as const);
      if ((await Promise.race([closed, late])) === 'late') await endAll(child, call).catch(() => child.kill('SIGKILL'));
      giveUp.abort();
    },
  };
}
