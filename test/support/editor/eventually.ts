import { setTimeout as after } from 'node:timers/promises';
import { patience } from '../patience.ts';

/** How often the page is read again (ms), as Playwright's own waits do. */
const READ_EVERY = 100;

/** Reads until `check` holds and returns that reading. After `limit` ms (see `patience`) throws, saying what was read last. */
export async function eventually<T>(
  what: string,
  read: () => Promise<T>,
  check: (value: T) => boolean,
  limit?: number,
): Promise<T> {
  const bound = patience(limit);
  const end = performance.now() + bound;
  for (;;) {
    const value = await read();
    if (check(value)) return value;
    if (performance.now() > end) {
      throw new Error(`Waited ${bound / 1000} s for ${what}. What is there: ${JSON.stringify(value, null, 1)}`);
    }
    await after(READ_EVERY);
  }
}
