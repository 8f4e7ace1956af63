import path from 'node:path';
import type { Say } from './progress.ts';
import { step } from './progress.ts';
import { mustRun, runProgram } from './run-program.ts';
import { SetupError } from './setup-error.ts';

/** Debian's package for each system library that the headless shell links to. */
const DEBIAN_PACKAGES: Readonly<Record<string, string>> = {
  'libnss3.so': 'libnss3',
  'libnssutil3.so': 'libnss3',
  'libnspr4.so': 'libnspr4',
  'libplc4.so': 'libnspr4',
  'libplds4.so': 'libnspr4',
  'libexpat.so.1': 'libexpat1',
  'libgcc_s.so.1': 'libgcc-s1',
};

/** Names of the shared libraries that a program needs and the system does not have (Linux). */
async function missingLibraries(program: string, env: NodeJS.ProcessEnv): Promise<string[]> {
  const { stdout } = await runProgram('ldd', [program], { env });
  return [...stdout.matchAll(/^\s*(\S+) => not found$/gm)].map((match) => match[1] ?? '');
}

/**
 * Makes a browser's shared libraries available. Returns the environment to start it with. Where the system lacks some,
 * those beside the browser (`bundled`) are used; what is missing even then is installed (root on Debian), or named in
 * a SetupError with the one command that brings it.
 */
export async function withLibraries(program: string, bundled: string, say: Say): Promise<Record<string, string>> {
  if (process.platform !== 'linux') return {};
  if ((await missingLibraries(program, systemPath())).length === 0) return {};
  const env = { LD_LIBRARY_PATH: bundled };
  const missing = await missingLibraries(program, { ...systemPath(), ...env });
  if (missing.length === 0) return env;
  await installOrName(program, missing, say);
  return env;
}

async function installOrName(program: string, missing: readonly string[], say: Say): Promise<void> {
  const packages = [...new Set(missing.map((library) => DEBIAN_PACKAGES[library] ?? library))];
  const command = `apt-get update && apt-get install -y ${packages.join(' ')}`;
  const apt = await runProgram('apt-get', ['--version']).catch(() => undefined);
  if (process.getuid?.() !== 0 || apt?.code !== 0) {
    throw new SetupError(
      `The browser ${path.basename(program)} lacks ${missing.join(', ')}. Bring them with (Debian, Ubuntu; as root):\n  ${command}`,
    );
  }
  await step(say, `Installing system libraries (${command})`, async () => {
    await mustRun('apt-get', ['update']);
    await mustRun('apt-get', ['install', '-y', '--no-install-recommends', ...packages]);
  });
}

function systemPath(): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '' };
}
