import { access, constants, stat } from 'node:fs/promises';
import path from 'node:path';

/** The variables that a look-up needs; Windows spells `PATH` in several ways. */
export type ProgramEnvironment = Readonly<Record<string, string | undefined>>;

/**
 * The absolute path of a program, as a shell would find it, without a shell. `command` is a name (looked up on the PATH of
 * `environment`) or a path (relative ones are below `cwd`). Undefined when there is no such program that we may run.
 */
export async function findProgram(
  command: string,
  environment: ProgramEnvironment,
  options: { cwd?: string; platform?: NodeJS.Platform } = {},
): Promise<string | undefined> {
  const platform = options.platform ?? process.platform;
  for (const candidate of programCandidates(command, environment, options.cwd ?? process.cwd(), platform)) {
    if (await isProgram(candidate, platform)) return candidate;
  }
  return undefined;
}

/** Pure: where the program may be, the first one that exists counts. */
export function programCandidates(
  command: string,
  environment: ProgramEnvironment,
  cwd: string,
  platform: NodeJS.Platform,
): string[] {
  const windows = platform === 'win32';
  const paths = windows ? path.win32 : path.posix;
  const named = command.includes('/') || (windows && command.includes('\\'));
  const folders = (variable(environment, 'PATH', windows) ?? '')
    .split(paths.delimiter)
    .filter((folder) => folder !== '');
  const bases = named ? [paths.resolve(cwd, command)] : folders.map((folder) => paths.join(folder, command));
  if (!windows || paths.extname(command) !== '') return bases;
  const endings = (variable(environment, 'PATHEXT', windows) ?? '.COM;.EXE;.BAT;.CMD').split(';');
  return bases.flatMap((base) => endings.map((ending) => base + ending.toLowerCase()));
}

/** Variable names do not distinguish case on Windows. */
function variable(environment: ProgramEnvironment, name: string, windows: boolean): string | undefined {
  if (!windows) return environment[name];
  const key = Object.keys(environment).find((candidate) => candidate.toUpperCase() === name);
  return key === undefined ? undefined : environment[key];
}

async function isProgram(file: string, platform: NodeJS.Platform): Promise<boolean> {
  try {
    if (!(await stat(file)).isFile()) return false;
    if (platform !== 'win32') await access(file, constants.X_OK);
    return true;
  } catch {
    // Not there, or not for us: the next candidate.
    return false;
  }
}
