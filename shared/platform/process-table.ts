/**
 * Processes by identity, not by number: a pid is reused, a pid with its start time is not. Killing goes by tree and
 * group (DESIGN D9), TERM first, KILL after a bound.
 */
import { execFile } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { processSource } from './process-source.ts';
import type { ProcessRow } from './process-source.ts';

/** Names one process for ever. */
export interface ProcessIdentity {
  pid: number;
  /** Opaque; see `ProcessRow`. */
  startTime: string;
}

const source = processSource();

/** The identity of the process that has this pid now; undefined when there is none. */
export async function identify(pid: number): Promise<ProcessIdentity | undefined> {
  const row = await source.one(pid);
  return row && identityOf(row);
}

export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  return (await source.one(identity.pid))?.startTime === identity.startTime;
}

/** Everything below the process, and everything that is still in the group it leads; without itself. */
export async function descendants(pid: number): Promise<ProcessIdentity[]> {
  return descendantsIn(await source.all(), pid).map(identityOf);
}

/** Pure; nearest first. */
export function descendantsIn(rows: ProcessRow[], pid: number): ProcessRow[] {
  const found = new Map<number, ProcessRow>();
  let parents = new Set([pid]);
  const isNew = (row: ProcessRow) => row.pid !== pid && !found.has(row.pid);
  while (parents.size > 0) {
    const next = rows.filter(
      (row) => isNew(row) && (parents.has(row.parent) || (row.group !== 0 && row.group === pid)),
    );
    for (const row of next) found.set(row.pid, row);
    parents = new Set(next.map((row) => row.pid));
  }
  return [...found.values()];
}

/**
 * Processes that were started with `name=value` in their environment, wherever they hang in the tree now (a shell child
 * whose server was killed hangs below init). Never this process or one above it. Empty on Windows.
 */
export async function startedWith(name: string, value: string): Promise<ProcessIdentity[]> {
  return (await rowsWith(name, value)).map(identityOf);
}

/** The same processes, with what hangs below them and what is in a group that one of them leads. */
export async function familiesWith(name: string, value: string): Promise<ProcessIdentity[]> {
  const [marked, all] = await Promise.all([rowsWith(name, value), source.all()]);
  return familiesIn(all, marked, process.pid).map(identityOf);
}

/** Pure; never `self`, the process that asks, or one above it. */
export function familiesIn(rows: ProcessRow[], heads: ProcessRow[], self: number): ProcessRow[] {
  const spared = new Set(ancestorsIn(rows, self));
  const found = new Map(heads.map((row) => [row.pid, row]));
  for (const { pid } of heads) for (const row of descendantsIn(rows, pid)) found.set(row.pid, row);
  return [...found.values()].filter(({ pid }) => !spared.has(pid));
}

async function rowsWith(name: string, value: string): Promise<ProcessRow[]> {
  const [marked, all] = await Promise.all([source.withEnvironment(name, value), source.all()]);
  const spared = new Set(ancestorsIn(all, process.pid));
  return marked.filter((row) => !spared.has(row.pid));
}

/**
 * The same processes by what they have of the variable `by`: of each group the one that the others hang below. Those without
 * it are left out.
 */
export async function headsOf(name: string, value: string, by: string): Promise<Map<string, ProcessIdentity>> {
  const rows = await rowsWith(name, value);
  const groups = await Promise.all(rows.map(async (row) => ({ row, group: await source.variable(row.pid, by) })));
  const heads = new Map<string, ProcessIdentity>();
  for (const { row, group } of groups) {
    const isBelow = groups.some((other) => other.group === group && other.row.pid === row.parent);
    if (group !== undefined && !isBelow && !heads.has(group)) heads.set(group, identityOf(row));
  }
  return heads;
}

/** What a process has of a variable since its start; undefined where it has none, or the system does not tell. */
export function variableOf(pid: number, name: string): Promise<string | undefined> {
  return source.variable(pid, name);
}

/** Every process there is. */
export function allProcesses(): Promise<ProcessRow[]> {
  return source.all();
}

/** The folder that a process is in; undefined where the system does not tell. */
export function folderOf(pid: number): Promise<string | undefined> {
  return source.folder(pid);
}

/** Pure. The process and what it hangs below, nearest first. */
export function ancestorsIn(rows: ProcessRow[], pid: number): number[] {
  const parentOf = new Map(rows.map((row) => [row.pid, row.parent]));
  const chain: number[] = [];
  for (let at: number | undefined = pid; at !== undefined && at > 0 && !chain.includes(at); at = parentOf.get(at)) {
    chain.push(at);
  }
  return chain;
}

export interface KillOptions {
  /** How long TERM may take before KILL, in ms. */
  graceMs?: number;
  /** Processes to kill besides: remembered descendants that no longer hang below the root. */
  also?: ProcessIdentity[];
}

/** How long the kernel may take to end a killed process, in ms. */
const killMs = 5000;

/**
 * Ends a process with everything below it and in its group. Resolves when all of them are gone, with the ones that would
 * not go (stuck in the kernel, or not ours to kill). Nothing happens to a process that only has the same pid.
 */
export async function killTree(root: ProcessIdentity, options: KillOptions = {}): Promise<ProcessIdentity[]> {
  const below = (await isAlive(root)) ? await descendants(root.pid) : [];
  return killAll([root, ...below, ...(options.also ?? [])], options.graceMs);
}

/** Ends the given processes by TERM, then KILL. Resolves with the survivors. */
export async function killAll(processes: ProcessIdentity[], graceMs = 2000): Promise<ProcessIdentity[]> {
  let left = await signalAll(processes, 'SIGTERM');
  left = await waitForEnd(left, graceMs);
  if (left.length === 0) return [];
  // What the processes started between our look and their end.
  const late = (await Promise.all(left.map((identity) => descendants(identity.pid)))).flat();
  left = await signalAll([...left, ...late], 'SIGKILL');
  return waitForEnd(left, killMs);
}

/** Resolves when all have ended or the time is over, with those that have not. The system tells only parents of an end. */
export async function waitForEnd(processes: ProcessIdentity[], timeoutMs: number): Promise<ProcessIdentity[]> {
  const deadline = performance.now() + timeoutMs;
  for (let left = processes, pause = 10; ; pause = Math.min(pause * 2, 200)) {
    left = await alive(left);
    if (left.length === 0 || performance.now() >= deadline) return left;
    await delay(pause);
  }
}

async function alive(processes: ProcessIdentity[]): Promise<ProcessIdentity[]> {
  const states = await Promise.all(processes.map(isAlive));
  return processes.filter((_, index) => states[index]);
}

async function signalAll(processes: ProcessIdentity[], signal: 'SIGTERM' | 'SIGKILL'): Promise<ProcessIdentity[]> {
  const unique = [...new Map(processes.map((identity) => [identity.pid, identity])).values()];
  const targets = await alive(unique);
  await Promise.all(targets.map((identity) => sendSignal(identity.pid, signal)));
  return targets;
}

async function sendSignal(pid: number, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (process.platform === 'win32') {
    const force = signal === 'SIGKILL' ? ['/F'] : [];
    // taskkill exits with an error for a process that is gone or has no window to ask; waitForEnd has the last word.
    await new Promise<void>((resolve) => {
      execFile('taskkill.exe', [...force, '/PID', String(pid)], { windowsHide: true }, () => resolve());
    });
    return;
  }
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended by itself, or it is not ours; waitForEnd tells which.
  }
}

function identityOf(row: ProcessRow): ProcessIdentity {
  return { pid: row.pid, startTime: row.startTime };
}
