import { appendFileSync } from 'node:fs';
import { silentLogger } from '../../shared/process/logger.ts';
import type { Logger } from '../../shared/process/logger.ts';

/** Appends every line to the file as it is said, so that a process that is killed loses none. Silent without a file. */
export function fileLogger(file: string | undefined): Logger {
  if (file === undefined) return silentLogger;
  const line = (level: string) => (message: string) =>
    appendFileSync(file, `${new Date().toISOString()} ${process.pid} ${level} ${message}\n`);
  return { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };
}
