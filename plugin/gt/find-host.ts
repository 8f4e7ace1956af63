import { lstat, readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { foreignOwner, notPrivate } from '../../shared/platform/ownership.ts';
import type { HostFile } from '../../shared/channel/protocol.ts';
import { Failure } from './failure.ts';
import type { Io } from './io.ts';

export interface FoundTown {
  /** Undefined where there is none that may be obeyed. */
  root: string | undefined;
  /** Why folders further down, which looked like towns, were passed over. */
  passedOver: readonly string[];
}

/**
 * The town that a command is about: GT_ROOT, or the nearest folder from the current one upwards that has a host's file
 * or a town's settings, and belongs to the user: whoever answers there says what `gt attach` runs.
 */
export async function findTownRoot({ env, cwd }: Io): Promise<FoundTown> {
  if (env['GT_ROOT']) return { root: resolve(env['GT_ROOT']), passedOver: [] };
  const passedOver: string[] = [];
  for (let root = resolve(cwd); ; root = dirname(root)) {
    const file = await markOf(root);
    // Whose the folder itself is does not matter: in one that others write in, none of them can make a file of the user's.
    const foreign = file === undefined ? undefined : await foreignOwner([dirname(file), file]);
    if (file !== undefined && foreign === undefined) return { root, passedOver };
    if (foreign !== undefined) passedOver.push(`${root} is not taken for a town: ${foreign}.`);
    if (root === dirname(root)) return { root: undefined, passedOver };
  }
}

/** The file that makes a folder a town. */
async function markOf(root: string): Promise<string | undefined> {
  if (await exists(hostFile(root))) return hostFile(root);
  const settings = join(root, 'settings', 'config.json');
  return /"type"\s*:\s*"town-settings"/.test((await read(settings)) ?? '') ? settings : undefined;
}

/**
 * What the host of the town has left for us; undefined when it has not (it never ran, or was shut down). Fails where the
 * file, or the socket that it names, may be somebody else's.
 */
export async function readHostFile(root: string): Promise<HostFile | undefined> {
  const file = hostFile(root);
  if (!(await exists(file))) return undefined;
  const suspicion = (await foreignOwner([dirname(file), file])) ?? (await notPrivate(file));
  if (suspicion !== undefined) throw notBelieved(root, suspicion);
  const text = await read(file);
  if (text === undefined) return undefined;
  try {
    const host = JSON.parse(text) as Partial<HostFile> | null;
    if (typeof host?.socket === 'string' && typeof host.token === 'string') {
      const foreign = (await exists(host.socket)) ? await foreignOwner([host.socket]) : undefined;
      if (foreign !== undefined) throw notBelieved(root, foreign);
      return host as HostFile;
    }
  } catch (error) {
    if (error instanceof Failure) throw error;
    // Told below, as for any other content that is none of ours.
  }
  throw new Failure(`${hostFile(root)} is not a host's file. Remove it, and reload the window that has the town open.`);
}

function hostFile(root: string): string {
  return join(root, '.runtime', 'host.json');
}

function notBelieved(root: string, suspicion: string): Failure {
  return new Failure(
    `The host of ${root} is not asked: ${suspicion}. Where the town is yours, make its files yours, and reload the window that has it open.`,
  );
}

/** Longer is neither a host's file nor settings. In bytes. */
const maxBytes = 1024 * 1024;

/** Undefined also for what is no regular file: to open a pipe would take for ever. */
async function read(file: string): Promise<string | undefined> {
  try {
    const facts = await stat(file);
    return facts.isFile() && facts.size <= maxBytes ? await readFile(file, 'utf8') : undefined;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function exists(file: string): Promise<boolean> {
  try {
    await lstat(file);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
