import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline/promises';
import type { AttachTarget } from '../../shared/domain/run.ts';
import { Failure } from './failure.ts';

export type Program = Extract<AttachTarget, { kind: 'program' }>;

/** Everything outside that `gt` touches, so that tests run it in their own process. */
export interface Io {
  env: Readonly<Record<string, string | undefined>>;
  cwd: string;
  /** Of the terminal that shows what is printed, in characters; undefined where it goes elsewhere. */
  width: number | undefined;
  out(text: string): void;
  err(text: string): void;
  /** All of standard input. */
  readInput(): Promise<string>;
  /** Asks in the terminal; undefined where there is none. */
  ask(question: string): Promise<string | undefined>;
  /** Runs a program in this terminal and resolves with its exit code. */
  runProgram(program: Program): Promise<number>;
}

export function processIo(): Io {
  return {
    env: process.env,
    cwd: process.cwd(),
    width: process.stdout.isTTY ? process.stdout.columns : undefined,
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    readInput: async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk as Uint8Array));
      return Buffer.concat(chunks).toString('utf8');
    },
    ask,
    runProgram,
  };
}

async function ask(question: string): Promise<string | undefined> {
  if (!process.stdin.isTTY || !process.stdout.isTTY) return undefined;
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return await lines.question(question);
  } finally {
    lines.close();
  }
}

function runProgram({ program, args, env, cwd }: Program): Promise<number> {
  // What makes the editor's own program behave as Node must not reach other programs.
  const inherited = { ...process.env };
  delete inherited['ELECTRON_RUN_AS_NODE'];
  delete inherited['NODE_OPTIONS'];
  return new Promise((resolve, reject) => {
    // Ctrl-C is for the program in front; gt ends when that ends.
    const ignore = (): void => undefined;
    process.on('SIGINT', ignore);
    const child = spawn(program, args, { stdio: 'inherit', cwd, env: { ...inherited, ...env } });
    child.once('error', (error) => {
      process.off('SIGINT', ignore);
      reject(new Failure(`${program} could not be started: ${error.message}`));
    });
    child.once('close', (code) => {
      process.off('SIGINT', ignore);
      resolve(code ?? 1);
    });
  });
}
