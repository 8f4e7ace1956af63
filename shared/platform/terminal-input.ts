import { execFile } from 'node:child_process';
import { statSync } from 'node:fs';
import { readlink } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Epoch milliseconds: the last keys came in it, `until` not included. */
export interface InputSpan {
  from: number;
  until: number;
}

/** Linux notes the time in steps, so that nobody can learn from it how somebody types (`tty_update_time`). In ms. */
const step = 8_000;

/** The terminal that is the process's input; undefined where there is none, or the system does not tell. */
export async function terminalDevice(pid: number): Promise<string | undefined> {
  try {
    if (process.platform === 'win32') return undefined;
    const device = process.platform === 'linux' ? await readlink(`/proc/${pid}/fd/0`) : await deviceByPs(pid);
    return device.startsWith('/dev/') && device !== '/dev/null' ? device : undefined;
  } catch {
    // It has ended.
    return undefined;
  }
}

/**
 * When the program last read something from its terminal: what `who` and `w` tell as idle time. Keys count, what is written
 * into it by a program, and the terminal's own words, as about the mouse. Undefined: nothing yet, or it is closed.
 */
export function lastInput(device: string): InputSpan | undefined {
  const from = statSync(device, { throwIfNoEntry: false })?.atimeMs;
  return from === undefined ? undefined : inputSpan(from, process.platform === 'linux' ? step : 0);
}

/** Pure. Noted is the first input of each step. */
export function inputSpan(from: number, step: number): InputSpan {
  return { from, until: step === 0 ? from : (Math.floor(from / step) + 1) * step };
}

async function deviceByPs(pid: number): Promise<string> {
  const { stdout } = await run('ps', ['-o', 'tty=', '-p', String(pid)]);
  return `/dev/${stdout.trim()}`;
}
