import { execFile } from 'node:child_process';
import { GasTownError } from '../../platform/errors.ts';
import { findProgram } from '../../platform/find-program.ts';
import type { Environment } from '../../platform/inherited-environment.ts';

/** The oldest Opencode whose server works as this driver needs it. */
const minimumVersion = '1.18.0';
const installCommand = 'npm install -g opencode-ai';

/** The absolute path of the agent's program. Throws `agent-missing`. */
export async function findOpencode(command: string, environment: Environment): Promise<string> {
  const program = await findProgram(command, environment);
  if (program !== undefined) return program;
  const where = command.includes('/') ? 'does not exist or may not be run' : 'was not found on PATH';
  throw new GasTownError(
    'agent-missing',
    `The program "${command}" ${where}. Install Opencode with \`${installCommand}\`, or set the agent's "command".`,
  );
}

/** What `--version` says, e.g. `1.18.33`; undefined where the program answers nothing like it. */
export function readVersion(
  program: string,
  environment: Record<string, string>,
  signal?: AbortSignal,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const options = { env: environment, timeout: 15_000, windowsHide: true, ...(signal ? { signal } : {}) };
    // A program that fails here has no version; the caller says so with what the start of the server printed.
    execFile(program, ['--version'], options, (_error, stdout) => resolve(/\d+\.\d+\.\d+/.exec(stdout)?.[0]));
  });
}

/** Throws `agent-too-old`. */
export function requireVersion(program: string, version: string): void {
  if (!isOlder(version, minimumVersion)) return;
  throw new GasTownError(
    'agent-too-old',
    `${program} is Opencode ${version}; ${minimumVersion} or newer is needed. ` +
      `Update it with \`opencode upgrade\` or \`${installCommand}\`.`,
  );
}

/** Pure. Compares `1.2.3` by number. */
export function isOlder(version: string, than: string): boolean {
  const [a, b] = [version, than].map((text) => text.split('.').map((part) => Number.parseInt(part, 10)));
  for (let index = 0; index < 3; index += 1) {
    const difference = (a?.[index] ?? 0) - (b?.[index] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}
