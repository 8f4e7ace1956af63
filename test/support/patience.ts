import { availableParallelism, loadavg } from 'node:os';

/** Bound for what a user would call "at once" (ms). */
const AT_ONCE = 60_000;

/** How many programs share a core of this machine, on an average of the last minute; 1 where one is free. */
export function loadFactor(): number {
  const [lastMinute = 0] = loadavg();
  return Math.max(1, lastMinute / availableParallelism());
}

/**
 * The bound of a wait that begins now (ms), where `ms` is plenty on a machine that does nothing else. A wait ends with what
 * is waited for, so its bound costs nothing where all is well: it only says when a test gives up, which is no judgement of
 * how fast this machine is at the moment.
 */
export function patience(ms = AT_ONCE): number {
  return Math.ceil(ms * loadFactor());
}
