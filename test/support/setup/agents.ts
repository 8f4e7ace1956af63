import { readFileSync } from 'node:fs';
import path from 'node:path';
import { cached } from './cache.ts';
import { fetchPackage } from './fetch-package.ts';
import { CLAUDE, OPENCODE } from './pins.ts';
import type { Pin } from './pins.ts';
import type { Say } from './progress.ts';
import { SetupError } from './setup-error.ts';

/** An agent program of the pinned version. */
export interface AgentProgram {
  readonly version: string;
  readonly executable: string;
  /** Its folder, to put on PATH. */
  readonly folder: string;
}

/** The pinned Opencode for this platform, in the per-user cache. */
export function opencode(say: Say): Promise<AgentProgram> {
  const platform = `${process.platform}-${process.arch}`;
  const pin = OPENCODE[needsBaseline() ? `${platform}-baseline` : platform];
  return agent('opencode', pin, 'bin/opencode', say);
}

/** The pinned Claude Code for this platform, in the per-user cache. */
export function claude(say: Say): Promise<AgentProgram> {
  return agent('claude', CLAUDE[`${process.platform}-${process.arch}`], 'claude', say);
}

async function agent(name: string, pin: Pin | undefined, program: string, say: Say): Promise<AgentProgram> {
  if (pin === undefined) {
    throw new SetupError(
      `No ${name} is pinned for ${process.platform}-${process.arch}: the demo town and the tests run on ` +
        `${Object.keys(CLAUDE).join(', ')}. Your own town (\`npm start -- --town DIR\`) uses the ${name} on your PATH.`,
    );
  }
  const entry = { name, version: pin.version, recipe: [pin.integrity], has: [program] };
  const folder = await cached(entry, say, (building) => fetchPackage(pin, { include: [program] }, building, say));
  const executable = path.join(folder, program);
  return { version: pin.version, executable, folder: path.dirname(executable) };
}

/** Bun's standard build needs AVX2, which older and some virtual processors lack. */
function needsBaseline(): boolean {
  if (process.platform !== 'linux' || process.arch !== 'x64') return false;
  return !/^flags\s.*\bavx2\b/m.test(readFileSync('/proc/cpuinfo', 'utf8'));
}
