// What `npm run soak` runs: see `usage` in options.ts.

import { randomInt } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { UsageError } from '../support/command-line.ts';
import { linesOf } from './print.ts';
import { readOptions, usage } from './options.ts';
import type { SoakOptions } from './options.ts';
import { soak } from './soak.ts';

const interrupted = new AbortController();
// The first one ends the soak in order, the second at once.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => interrupted.abort());

async function run(options: SoakOptions): Promise<void> {
  const again = `npm run soak -- --seconds ${options.seconds} --sessions ${options.sessions} --seed ${options.seed}`;
  console.log(`Soaking: ${again}`);
  const { report, problems, kept } = await soak(options, interrupted.signal);
  if (options.report !== undefined) await writeFile(options.report, `${JSON.stringify(report, null, 2)}\n`);
  console.log(`\n${linesOf(report).join('\n')}`);
  if (problems.length > 0) {
    console.log(
      `\nNot as it has to be:\n${problems.map((line) => `  ${line}`).join('\n')}\n\nThe same decisions again: ${again}`,
    );
    process.exitCode = 1;
  }
  if (problems.length > 0 || options.keep) console.log(`The town, the logs and the books are kept in ${kept}`);
}

try {
  const options = readOptions(process.argv.slice(2), randomInt(2 ** 31));
  if (options === 'help') console.log(usage);
  else await run(options);
} catch (error) {
  if (error instanceof UsageError) console.error(error.message);
  else console.error(error instanceof Error ? (error.stack ?? error.message) : error);
  process.exitCode = 1;
}
// Whatever may still be open, of the model or of a terminal, is not waited for.
process.exit();
