import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const program = path.join(import.meta.dirname, 'program.ts');

/** Puts the program `third` into a folder, for PATH. */
export function installThird(folder: string): string {
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    path.join(folder, 'third'),
    `#!/bin/sh\nexec '${process.execPath}' --disable-warning=ExperimentalWarning '${program}' "$@"\n`,
    { mode: 0o755 },
  );
  return folder;
}
