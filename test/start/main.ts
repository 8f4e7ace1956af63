// What `npm start` runs: see `usage` in options.ts.

import { UsageError } from '../support/command-line.ts';
import { SetupError } from '../support/setup/setup-error.ts';
import { runDemo } from './demo.ts';
import { readOptions, usage } from './options.ts';
import { openOwnTown } from './own-town.ts';

const interrupted = new Promise<void>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve());
});

try {
  const options = readOptions(process.argv.slice(2));
  if (options === 'help') console.log(usage);
  else if (options.town !== undefined) await openOwnTown({ ...options, town: options.town }, interrupted);
  else await runDemo(options, interrupted);
} catch (error) {
  if (error instanceof SetupError || error instanceof UsageError) console.error(error.message);
  else console.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exitCode = 1;
}
