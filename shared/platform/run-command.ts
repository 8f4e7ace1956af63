import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import { messageOf } from './errors.ts';
import { withoutSecrets } from './git/without-secrets.ts';
import { inheritedEnvironment } from './inherited-environment.ts';
import { identify, killAll, killTree, startedWith } from './process-table.ts';

export interface CommandOrder {
  /** For `/bin/sh -c`, on Windows for `cmd`. Whoever asks has the user's consent to it (config/consent.ts). */
  command: string;
  cwd: string;
  /** Laid over what a program that is no agent inherits: nothing of a session, so no token. */
  env: Readonly<Record<string, string>>;
  /** In ms. */
  boundMs: number;
  /** The file for all that it prints, written anew; its folder is made. */
  log: string;
  signal?: AbortSignal | undefined;
}

export interface CommandResult {
  state: 'passed' | 'failed' | 'timed-out' | 'cancelled';
  /** Of one that ended by itself; absent where it could not be started or a signal ended it. */
  code?: number;
  /** In ms. */
  took: number;
  /** The last lines that it printed, plain text; without secrets in URLs. */
  tail: string;
}

/** In the environment of all that a command starts, so that all of it is found, wherever it hangs by then. */
const mark = 'GASTOWN_COMMAND';
const mostLogged = 16 * 1024 * 1024;
/** What has left the process group may hold the pipes open after the end. In ms. */
const drainMs = 500;
const tailBytes = 16 * 1024;
const tailLines = 20;

/**
 * Runs a command of a rig in a process group of its own, without a terminal and without input. When it resolves, all that
 * the command had started has been ended, however it went: a program in the background would outlive its worktree.
 * Rejects only where its log cannot be begun; then nothing has run.
 */
export async function runCommand(order: CommandOrder): Promise<CommandResult> {
  const { command, cwd, env, boundMs, signal } = order;
  const began = performance.now();
  const took = (): number => Math.round(performance.now() - began);
  if (signal?.aborted) return { state: 'cancelled', took: 0, tail: '' };
  await mkdir(dirname(order.log), { recursive: true, mode: 0o700 });
  const log = new OutputLog(await open(order.log, 'w', 0o600));
  log.add(`# ${cwd}\n$ ${command}\n`, false);
  const call = randomUUID();
  const child = spawn(command, {
    shell: true,
    cwd,
    env: { ...inheritedEnvironment(process.env), GIT_TERMINAL_PROMPT: '0', ...env, [mark]: call },
    stdio: ['ignore', 'pipe', 'pipe'],
    windowsHide: true,
    detached: process.platform !== 'win32',
  });
  child.stdout.on('data', (chunk: Buffer) => log.add(chunk));
  child.stderr.on('data', (chunk: Buffer) => log.add(chunk));
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const brokenOff = new AbortController();
  const over = new Promise<'timed-out' | 'cancelled'>((resolve) => {
    const timer = setTimeout(() => resolve('timed-out'), boundMs);
    const onAbort = (): void => resolve('cancelled');
    signal?.addEventListener('abort', onAbort, { once: true });
    brokenOff.signal.addEventListener('abort', () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    });
  });
  try {
    const ended = await Promise.race([endOf(child), over]);
    await endAll(child, call);
    await Promise.race([closed, delay(drainMs, undefined, { signal: brokenOff.signal }).catch(() => undefined)]);
    const result = resultOf(ended, boundMs);
    log.add(`# ${result.words} after ${(took() / 1000).toFixed(1)} s\n`, false);
    const { state, code } = result;
    return { state, ...(code === undefined ? {} : { code }), took: took(), tail: log.tail() };
  } catch (error) {
    log.add(`${messageOf(error)}\n`);
    return { state: 'failed', took: took(), tail: log.tail() };
  } finally {
    brokenOff.abort();
    await log.close();
  }
}

type End = number | NodeJS.Signals | 'timed-out' | 'cancelled';

function resultOf(ended: End, boundMs: number): Pick<CommandResult, 'state' | 'code'> & { words: string } {
  if (ended === 0) return { state: 'passed', code: 0, words: 'passed' };
  if (typeof ended === 'number') return { state: 'failed', code: ended, words: `failed with exit code ${ended}` };
  if (ended === 'timed-out') return { state: ended, words: `did not end within ${boundMs / 1000} s, so it was ended` };
  if (ended === 'cancelled') return { state: ended, words: 'was cancelled' };
  return { state: 'failed', words: `was ended by ${ended}` };
}

/** Rejects where it cannot be started. */
function endOf(child: ChildProcess): Promise<number | NodeJS.Signals> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, by) => resolve(code ?? by ?? 'SIGKILL'));
  });
}

async function endAll(child: ChildProcess, call: string): Promise<void> {
  const hasEnded = child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
  const root = hasEnded ? undefined : await identify(child.pid);
  const also = await startedWith(mark, call);
  if (root) await killTree(root, { also });
  else await killAll(also);
  // What these have started between the look and their end.
  const late = await startedWith(mark, call);
  if (late.length > 0) await killAll(late, 0);
}

/** Writes in order, up to a bound, and remembers the end. A disk that is full loses the log, not the command. */
class OutputLog {
  private readonly file: FileHandle;
  private written = Promise.resolve();
  private size = 0;
  private end = Buffer.alloc(0);

  constructor(file: FileHandle) {
    this.file = file;
  }

  /** `isOutput`: of the command, and so of its tail. */
  add(text: Buffer | string, isOutput = true): void {
    const chunk = Buffer.from(text);
    if (isOutput) this.end = Buffer.concat([this.end, chunk]).subarray(-tailBytes);
    if (isOutput && this.size > mostLogged) return;
    this.size += chunk.length;
    const rest = this.size > mostLogged && isOutput ? Buffer.from('\n# more than 16 MB: the rest is left out\n') : '';
    this.written = this.written
      .then(() => this.file.appendFile(Buffer.concat([chunk, Buffer.from(rest)])))
      .catch(() => undefined);
  }

  /** What a progress bar has painted over is left out. */
  tail(): string {
    const lines = stripVTControlCharacters(this.end.toString())
      .split('\n')
      .map((line) => line.trimEnd().split('\r').at(-1) ?? '');
    return withoutSecrets(
      lines
        .filter((line) => line !== '')
        .slice(-tailLines)
        .join('\n'),
    );
  }

  async close(): Promise<void> {
    await this.written;
    await this.file.close();
  }
}
