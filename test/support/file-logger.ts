import { appendFileSync } from 'node:fs';
import { silentLogger } from '../../shared/platform/logger.ts';
import type { LogFields, Logger } from '../../shared/platform/logger.ts';

/** Appends every line to the file as it is said, so that a process that is killed loses none. Silent without a file. */
export function fileLogger(file: string | undefined): Logger {
  if (file === undefined) return silentLogger;
  const line = (level: string) => (message: string, fields?: LogFields) =>
    appendFileSync(
      file,
      `${new Date().toISOString()} ${process.pid} ${level} ${message}${fields === undefined ? '' : ` ${JSON.stringify(fields)}`}\n`,
    );
  return { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };
}
