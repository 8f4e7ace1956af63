/** Prints one line of progress for the user. */
export type Say = (line: string) => void;

/** A download may be slow: say at this interval (ms) that it is still running. */
const STILL_RUNNING_EVERY = 10_000;

/** Says what a step is, runs it, says how long it took; in between, that it still runs. */
export async function step<T>(say: Say, title: string, work: () => Promise<T>): Promise<T> {
  const start = performance.now();
  const seconds = (): string => ((performance.now() - start) / 1000).toFixed(1);
  say(`• ${title} …`);
  const reminder = setInterval(() => say(`  still at it after ${seconds()} s`), STILL_RUNNING_EVERY);
  try {
    const result = await work();
    say(`  done in ${seconds()} s`);
    return result;
  } finally {
    clearInterval(reminder);
  }
}
