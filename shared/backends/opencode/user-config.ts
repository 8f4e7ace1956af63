import { homedir } from 'node:os';
import path from 'node:path';
import { parse } from 'jsonc-parser';
import { tooDeepAt } from '../../config/nesting.ts';
import { readBounded } from '../../platform/read-bounded.ts';
import { serverEnv } from './environment.ts';
import { isObject } from '../../platform/objects.ts';
import type { Environment } from '../../platform/inherited-environment.ts';

/** Where the user's Opencode keeps its things, by the XDG rules that it follows on every platform. */
export interface OpencodeFolders {
  home: string;
  config: string;
  data: string;
  cache: string;
}

/** Pure, but for the home folder where HOME is not set. */
export function opencodeFolders(environment: Environment): OpencodeFolders {
  const home = environment['HOME'] ?? environment['USERPROFILE'] ?? homedir();
  const xdg = (name: string, ...fallback: string[]): string =>
    path.join(environment[name] || path.join(home, ...fallback), 'opencode');
  return {
    home,
    config: xdg('XDG_CONFIG_HOME', '.config'),
    data: xdg('XDG_DATA_HOME', '.local', 'share'),
    cache: xdg('XDG_CACHE_HOME', '.cache'),
  };
}

/** Every configuration that Opencode will merge for a session in `directory`, as far as it says something about providers. */
export async function readConfigs(environment: Environment, directory: string): Promise<Record<string, unknown>[]> {
  const { config } = opencodeFolders(environment);
  const files = [
    ...configFiles(config, ['config.json']),
    ...[environment['OPENCODE_CONFIG']].filter((file) => file !== undefined),
    ...(environment['OPENCODE_CONFIG_DIR'] ? configFiles(environment['OPENCODE_CONFIG_DIR']) : []),
    ...foldersUpwards(directory).flatMap((folder) => [
      ...configFiles(folder),
      ...configFiles(path.join(folder, '.opencode')),
    ]),
  ];
  const configs = (await Promise.all(files.map(readJson))).filter((found) => found !== undefined);
  const inline = parseObject(environment[serverEnv.config]);
  return inline === undefined ? configs : [...configs, inline];
}

/** Pure: JSON with comments that is an object, else undefined. */
export function parseObject(text: string | undefined): Record<string, unknown> | undefined {
  const value: unknown = text === undefined || tooDeepAt(text) ? undefined : parse(text);
  return isObject(value) ? value : undefined;
}

function configFiles(folder: string, more: string[] = []): string[] {
  return [...more, 'opencode.json', 'opencode.jsonc'].map((name) => path.join(folder, name));
}

/** Pure: the folder and all above it, nearest first. */
export function foldersUpwards(directory: string): string[] {
  const parent = path.dirname(directory);
  return parent === directory ? [directory] : [directory, ...foldersUpwards(parent)];
}

/** A JSON object with comments; undefined where there is none. A broken file is Opencode's to complain about. */
export async function readJson(file: string): Promise<Record<string, unknown> | undefined> {
  try {
    return parseObject(await readBounded(file));
  } catch {
    // Not there, or not readable for us.
    return undefined;
  }
}
