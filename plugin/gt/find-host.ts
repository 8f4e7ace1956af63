import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { HostFile } from '../../shared/channel/protocol.ts';
import { Failure } from './failure.ts';
import type { Io } from './io.ts';

/**
 * The town that a command is about: GT_ROOT, or the nearest folder from the current one upwards that has a host's file
 * or a town's settings.
 */
export async function findTownRoot({ env, cwd }: Io): Promise<string | undefined> {
  if (env['GT_ROOT']) return resolve(env['GT_ROOT']);
  for (let root = resolve(cwd); ; root = dirname(root)) {
    if ((await read(hostFile(root))) !== undefined) return root;
    const settings = await read(join(root, 'settings', 'config.json'));
    if (settings !== undefined && /"type"\s*:\s*"town-settings"/.test(settings)) return root;
    if (root === dirname(root)) return undefined;
  }
}

/** What the host of the town has left for us; undefined when it has not (it never ran, or was shut down). */
export async function readHostFile(root: string): Promise<HostFile | undefined> {
  const text = await read(hostFile(root));
  if (text === undefined) return undefined;
  try {
    const host = JSON.parse(text) as Partial<HostFile> | null;
    if (typeof host?.socket === 'string' && typeof host.token === 'string') return host as HostFile;
  } catch {
    // Told below, as for any other content that is none of ours.
  }
  throw new Failure(`${hostFile(root)} is not a host's file. Remove it, and reload the window that has the town open.`);
}

function hostFile(root: string): string {
  return join(root, '.runtime', 'host.json');
}

async function read(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return undefined;
    throw error;
  }
}
