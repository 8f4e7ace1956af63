import { accessSync, constants } from 'node:fs';
import path from 'node:path';

/** The absolute path of a program on PATH, or undefined. */
export function findProgram(name: string): string | undefined {
  for (const folder of (process.env['PATH'] ?? '').split(path.delimiter)) {
    const candidate = path.join(folder, name);
    if (folder !== '' && executable(candidate)) return candidate;
  }
  return undefined;
}

function executable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    // Not there or not for us: either way not a program to run.
    return false;
  }
}
