import { setTimeout as after } from 'node:timers/promises';

/** Bound for what a person would call "at once" on a busy machine (ms). */
export const PATIENCE = 30_000;

/** How often the page is read again (ms), as Playwright's own waits do. */
const READ_EVERY = 100;

/** Reads until `check` holds and returns that reading. After `limit` ms throws, saying what was read last. */
export async function eventually<T>(
  what: string,
  read: () => Promise<T>,
  check: (value: T) => boolean,
  limit = PATIENCE,
): Promise<T> {
  const end = performance.now() + limit;
  for (;;) {
    const value = await read();
    if (check(value)) return value;
    if (performance.now() > end) {
      throw new Error(`Waited ${limit / 1000} s for ${what}. What is there: ${JSON.stringify(value, null, 1)}`);
    }
    await after(READ_EVERY);
  }
}
