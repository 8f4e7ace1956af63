// What `npm start` runs: see `usage` in options.ts.

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
  const told = error instanceof SetupError || !(error instanceof Error);
  console.error(told ? String(error) : (error.stack ?? error.message));
  process.exitCode = 1;
}
