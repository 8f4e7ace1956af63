/**
 * A mark that everything below a process inherits and that no program takes off: neither an emptied environment nor a new
 * session or parent does. Linux hands a process's core dump filter down at each fork and keeps it at exec (core(5)). The mark
 * is its two bits for memory of DAX devices, which next to nothing uses: what a dump has in it stays as it was.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { descendants } from './process-table.ts';

const mark = 0x180;

const fileOf = (pid: number): string => `/proc/${pid}/coredump_filter`;

/** Marks the process and what it has started so far. What is gone, or may not be marked, stays without. */
export async function markDescent(pid: number): Promise<void> {
  if (!(await put(pid))) return;
  // What it starts from now on inherits the mark, so these are all that lack it.
  await Promise.all((await descendants(pid)).map((below) => put(below.pid)));
}

/** Whether the process descends from one that was marked; undefined where the system does not tell. */
export async function isMarked(pid: number): Promise<boolean | undefined> {
  const filter = await filterOf(pid);
  return filter === undefined ? undefined : (filter & mark) === mark;
}

/** Whether it could be put. */
async function put(pid: number): Promise<boolean> {
  const filter = await filterOf(pid);
  if (filter === undefined) return false;
  return writeFile(fileOf(pid), `0x${(filter | mark).toString(16)}`).then(
    () => true,
    // It ended meanwhile, or it is another user's.
    () => false,
  );
}

/** Undefined for a process that is gone, and where the system has no such thing. */
async function filterOf(pid: number): Promise<number | undefined> {
  const text = await readFile(fileOf(pid), 'utf8').catch(() => '');
  const filter = Number.parseInt(text, 16);
  return Number.isNaN(filter) ? undefined : filter;
}
