import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { parse } from 'jsonc-parser';
import { settingsPath } from './settings-path.ts';
import { unlessMissing } from './write-atomically.ts';

/**
 * The root of the town that a folder is, or lies in: the nearest one with a `settings/config.json` of type
 * `town-settings`. A rig's settings on the way up are passed over; a file with an error in it still counts.
 */
export async function findTown(folder: string): Promise<string | undefined> {
  for (let root = resolve(folder); ; root = dirname(root)) {
    const text = await unlessMissing(readFile(settingsPath(root), 'utf8'));
    if (text !== undefined && typeOf(text) === 'town-settings') return root;
    if (root === dirname(root)) return undefined;
  }
}

function typeOf(text: string): unknown {
  const value: unknown = parse(text);
  return typeof value === 'object' && value !== null && 'type' in value ? value.type : undefined;
}
