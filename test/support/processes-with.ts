import { readdirSync, readFileSync } from 'node:fs';
import type { ProcessFact } from './editor/processes.ts';

/** The processes that were started with this in their environment, read from the system itself. Linux only. */
export function processesWith(name: string, value: string): ProcessFact[] {
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid))
    .flatMap((pid) => {
      try {
        const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
        return command !== '' && environment.includes(`${name}=${value}`) ? [{ pid: Number(pid), command }] : [];
      } catch {
        // It has ended while we looked.
        return [];
      }
    });
}
