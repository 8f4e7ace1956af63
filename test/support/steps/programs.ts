import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import path from 'node:path';
import type { Outcome, Voice } from './step.ts';

const ROOT = path.resolve(import.meta.dirname, '../../..');

/** The programs that run now: when this process is told to end, so are they. */
const running = new Set<ChildProcess>();

/** Runs a program of node_modules/.bin, or Node, in the project's folder. Resolves to its exit code, 1 for a signal. */
export function execute(voice: Voice, program: string, args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const executable = program === 'node' ? process.execPath : path.join(ROOT, 'node_modules/.bin', program);
    const { take } = voice;
    const child = spawn(executable, [...args], { cwd: ROOT, stdio: take ? ['ignore', 'pipe', 'pipe'] : 'inherit' });
    running.add(child);
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => take?.(text));
    child.once('error', (error) => {
      running.delete(child);
      reject(error);
    });
    // Not `exit`: what it has printed may still be on its way.
    child.once('close', (code) => {
      running.delete(child);
      resolve(code ?? 1);
    });
  });
}

/** Runs a program that passes by ending with code 0. */
export async function check(voice: Voice, program: string, args: readonly string[]): Promise<Outcome> {
  const code = await execute(voice, program, args);
  return code === 0 ? { passed: 1, failures: [] } : { passed: 0, failures: [`${program} ended with code ${code}`] };
}

/** Passes a signal on to every program that runs. */
export function endPrograms(signal: NodeJS.Signals): void {
  for (const child of running) child.kill(signal);
}
