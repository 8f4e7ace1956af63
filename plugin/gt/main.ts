import { processIo } from './io.ts';
import { run } from './run.ts';

// `gt agents | head -1` closes our output early: that is no failure, and nothing is left to say.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

void run(process.argv.slice(2), processIo()).then((code) => (process.exitCode = code));
