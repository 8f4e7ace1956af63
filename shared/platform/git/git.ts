import { spawn } from 'node:child_process';
import type { ChildProcess, StdioOptions } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { GasTownError } from '../errors.ts';
import { inheritedEnvironment } from '../inherited-environment.ts';
import { identify, killAll, killTree, startedWith } from '../process-table.ts';
import { withoutSecrets } from './without-secrets.ts';

export interface GitResult {
  stdout: string;
  stderr: string;
  /** Exit code; git uses some of them to answer (`merge-tree`, `diff --quiet`). */
  code: number;
}

/** How long a call may take, in ms, by what it does: asks, changes a little, runs a hook of the user's, moves much data. */
export const gitBounds = { look: 30_000, change: 120_000, hook: 600_000, transfer: 1_800_000 } as const;

export interface GitOptions {
  signal?: AbortSignal | undefined;
  /** `gitBounds.look` when absent. */
  boundMs?: number;
  /** Laid over git's environment. */
  env?: Readonly<Record<string, string>>;
  /** What git reads; nothing when absent. */
  input?: string;
  /** Texts are bytes, one to a character (latin1): names of files are not always UTF-8. */
  bytes?: boolean;
  /** A file descriptor that gets what git prints, however much; then `stdout` is empty. */
  outputTo?: number;
}

/** In the environment of everything that a call starts, so that all of it is found when the call is broken off. */
const mark = 'GASTOWN_GIT_CALL';
const mostOutput = 64 * 1024 * 1024;
/** A hook may leave a program in the background that holds our pipes open; git itself has ended then. In ms. */
export const drainMs = 500;

/**
 * Runs git with an argument vector, never through a shell, in a process group of its own. `GIT_OPTIONAL_LOCKS=0` so that
 * looking never disturbs the user's own git; `GIT_TERMINAL_PROMPT=0` so that it fails instead of waiting for a password
 * nobody can type. Rejects with `cancelled`, or `internal` where git is not there or its time is over; by then git and all
 * that it had started (hooks, and what they started) has been ended.
 */
export function runGit(
  cwd: string,
  args: readonly string[],
  options: AbortSignal | GitOptions = {},
): Promise<GitResult> {
  return run({ program: 'git', what: `git ${subcommandOf(args)}` }, cwd, args, optionsOf(options));
}

/** Another program that works in a repository, in the same way; `what` is how messages call what it does. */
export function runProgram(
  cwd: string,
  { file, what }: { file: string; what: string },
  args: readonly string[],
  options: GitOptions,
): Promise<GitResult> {
  return run({ program: file, what }, cwd, args, options);
}

/** A hook, in the same way. Rejects with `internal` also where it cannot be started. */
export function runHook(cwd: string, file: string, args: readonly string[], options: GitOptions): Promise<GitResult> {
  return run({ program: file, what: `the hook ${file}` }, cwd, args, options);
}

async function run(
  { program, what }: { program: string; what: string },
  cwd: string,
  args: readonly string[],
  options: GitOptions,
): Promise<GitResult> {
  const { signal, boundMs = gitBounds.look, env, input, bytes, outputTo } = options;
  if (signal?.aborted) throw new GasTownError('cancelled', `${what} was cancelled.`);
  const call = randomUUID();
  const stdio: StdioOptions = [input === undefined ? 'ignore' : 'pipe', outputTo ?? 'pipe', 'pipe'];
  const child = spawn(program, [...args], { ...spawnOptions(cwd, call, env), stdio });
  const encoding = bytes ? 'latin1' : 'utf8';
  // What git does not read any more tells itself by its exit code.
  child.stdin?.on('error', () => undefined).end(Buffer.from(input ?? '', encoding));
  let breakOff: (reason: GasTownError) => void = () => undefined;
  const brokenOff = new Promise<GasTownError>((resolve) => {
    breakOff = resolve;
  });
  const tooMuch = (): void =>
    breakOff(
      new GasTownError(
        'internal',
        `${what} in ${cwd} printed more than ${mostOutput / 1024 / 1024} MB, so it was ended.`,
      ),
    );
  const stdout = gather(child.stdout, tooMuch);
  const stderr = gather(child.stderr, tooMuch);
  const onAbort = (): void => breakOff(new GasTownError('cancelled', `${what} was cancelled.`));
  signal?.addEventListener('abort', onAbort, { once: true });
  const words = `${what} did not end within ${boundMs / 1000} s in ${cwd}, so it was ended.`;
  const timer = setTimeout(() => breakOff(new GasTownError('internal', words)), boundMs);
  try {
    const ended = await Promise.race([endOf(child), brokenOff]);
    if (ended instanceof GasTownError) {
      await endAll(child, call);
      throw ended;
    }
    return { stdout: stdout().toString(encoding), stderr: stderr().toString(encoding), code: ended };
  } catch (error) {
    if (GasTownError.is(error)) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    const reason =
      code === 'ENOENT'
        ? `${program === 'git' ? 'git was not found on PATH' : `${what} cannot be run`}, or ${cwd} does not exist.`
        : message;
    throw new GasTownError('internal', reason, { cause: error });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}

/** How git, and what runs like it, is started; `call` marks all that it starts. */
export function spawnOptions(cwd: string, call: string, over: Readonly<Record<string, string>> = {}) {
  const env = {
    ...inheritedEnvironment(process.env),
    GIT_OPTIONAL_LOCKS: '0',
    GIT_TERMINAL_PROMPT: '0',
    LC_ALL: 'C',
    ...over,
    [mark]: call,
  };
  return { cwd, env, windowsHide: true, detached: process.platform !== 'win32' };
}

/** Like `runGit`, but a non-zero exit is an error with git's own words. Returns stdout without the last newline. */
export async function git(cwd: string, args: readonly string[], options?: AbortSignal | GitOptions): Promise<string> {
  const result = await runGit(cwd, args, options);
  if (result.code === 0) return result.stdout.replace(/\n$/, '');
  const words = (result.stderr || result.stdout).trim();
  throw new GasTownError('internal', withoutSecrets(`git ${args.join(' ')} failed in ${cwd}: ${words}`));
}

const optionsOf = (given: AbortSignal | GitOptions): GitOptions =>
  given instanceof AbortSignal ? { signal: given } : given;

/** Keeps reading, so that what a hook has left in the background is not stopped by a pipe that is full. */
function gather(stream: NodeJS.ReadableStream | null, tooMuch: () => void): () => Buffer {
  const chunks: Buffer[] = [];
  let size = 0;
  stream?.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > mostOutput) tooMuch();
    else chunks.push(chunk);
  });
  return () => Buffer.concat(chunks);
}

/** The exit code, when all has been read or git has ended for a moment. An end by a signal counts as 128. */
async function endOf(child: ChildProcess): Promise<number> {
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (exit) => resolve(exit ?? 128));
  });
  const giveUp = new AbortController();
  await Promise.race([closed, delay(drainMs, undefined, { signal: giveUp.signal }).catch(() => undefined)]);
  giveUp.abort();
  return code;
}

/** Git removes its locks and half-made files on TERM. */
export async function endAll(child: ChildProcess, call: string): Promise<void> {
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const started = await startedWith(mark, call);
  const root =
    child.pid === undefined || child.exitCode !== null || child.signalCode !== null
      ? undefined
      : await identify(child.pid);
  const left = root ? await killTree(root, { also: started }) : await killAll(started);
  const late = await startedWith(mark, call);
  if (late.length > 0) await killAll(late, 0);
  if (left.length === 0) await Promise.race([ended, delay(drainMs)]);
}

const withValue = ['-c', '-C', '--git-dir', '--work-tree'];

/** The first argument that is neither an option of git's own nor the value of one. */
function subcommandOf(args: readonly string[]): string {
  return args.find((arg, index) => !arg.startsWith('-') && !withValue.includes(args[index - 1] ?? '')) ?? '';
}
