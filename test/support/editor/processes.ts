import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as after } from 'node:timers/promises';
import { patience } from '../patience.ts';

/** A running process. */
export interface ProcessFact {
  readonly pid: number;
  /** Its command line, arguments joined by blanks. */
  readonly command: string;
}

/**
 * The processes that belong to a run: those whose environment, command line or working folder names the run's own
 * temporary folder. Unlike the process tree this also finds what has detached itself. Linux only; elsewhere empty.
 */
export function processesOf(folder: string): ProcessFact[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((name) => factOf(Number(name), folder));
}

function factOf(pid: number, folder: string): ProcessFact[] {
  const command = read(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8'))
    .replaceAll('\0', ' ')
    .trim();
  // A process without a command line has ended and only waits to be reaped by its parent.
  if (command === '') return [];
  const traces = [
    command,
    read(() => readFileSync(`/proc/${pid}/environ`, 'utf8')),
    read(() => readlinkSync(`/proc/${pid}/cwd`)),
  ];
  return traces.some((trace) => trace.includes(folder)) ? [{ pid, command }] : [];
}

/** Processes end while we look, and others' are closed to us: both are no process of ours. */
function read(look: () => string): string {
  try {
    return look();
  } catch {
    return '';
  }
}

/** Sends a signal to a process, or with a negative number to a process group; one that has ended is fine. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** How often to look whether processes that are not our children have ended (ms): the system has no event for it. */
const LOOK_EVERY = 50;

/**
 * Waits until all processes of a run have ended, at most `limit` ms (see `patience`); kills those that have not. Returns the killed ones.
 */
export async function endProcessesOf(folder: string, limit: number): Promise<ProcessFact[]> {
  if (await allEnded(folder, limit)) return [];
  const left = processesOf(folder);
  for (const { pid } of left) sendSignal(pid, 'SIGKILL');
  if (!(await allEnded(folder, limit))) {
    throw new Error(
      `Processes survive SIGKILL: ${processesOf(folder)
        .map((fact) => `${fact.pid} ${fact.command}`)
        .join('; ')}`,
    );
  }
  return left;
}

async function allEnded(folder: string, limit: number): Promise<boolean> {
  const end = performance.now() + patience(limit);
  while (processesOf(folder).length > 0) {
    if (performance.now() > end) return false;
    await after(LOOK_EVERY);
  }
  return true;
}
