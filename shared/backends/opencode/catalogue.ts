import path from 'node:path';
import { writeAtomically } from '../../platform/files.ts';
import { isObject } from '../../platform/objects.ts';
import type { Environment } from '../../platform/inherited-environment.ts';
import { opencodeFolders, parseObject, readConfigs, readJson } from './user-config.ts';

/** A catalogue of models as Opencode caches it (`models.json`): provider → {env, models, …}. */
export type Catalogue = Record<string, unknown>;

/**
 * Writes the part of the user's catalogue of models that they can use to `file`, and says whether the server should read
 * that one. Opencode rebuilds the catalogue for every directory: with all providers in it, twenty worktrees cost
 * three times the memory. Where we cannot know what the user uses, Opencode keeps its own.
 */
export async function writeCatalogue(
  file: string,
  environment: Environment,
  directory: string,
  more: readonly string[],
): Promise<boolean> {
  const folders = opencodeFolders(environment);
  const [full, auth, configs] = await Promise.all([
    readJson(path.join(folders.cache, 'models.json')),
    readJson(path.join(folders.data, 'auth.json')),
    readConfigs(environment, directory),
  ]);
  const signedIn = [auth, parseObject(environment['OPENCODE_AUTH_CONTENT'])].flatMap((found) =>
    Object.keys(found ?? {}),
  );
  const trimmed = trimCatalogue(full, { configs, signedIn, environment, more });
  if (trimmed === undefined) return false;
  // A provider that another directory needed stays: the server reads this file again for each new directory.
  const before = await readJson(file);
  const next = { ...(before ?? {}), ...trimmed };
  if (before === undefined || Object.keys(next).length > Object.keys(before).length) {
    await writeAtomically(file, JSON.stringify(next));
  }
  return true;
}

export interface CatalogueUse {
  configs: readonly Record<string, unknown>[];
  /** Providers in auth.json. */
  signedIn: readonly string[];
  environment: Environment;
  /** Providers that agents of the town name. */
  more: readonly string[];
}

/** Pure. Undefined: leave the catalogue to Opencode. */
export function trimCatalogue(full: Catalogue | undefined, use: CatalogueUse): Catalogue | undefined {
  // The user's own choice of a catalogue stands.
  if (use.environment['OPENCODE_MODELS_PATH'] || use.environment['OPENCODE_MODELS_URL']) return undefined;
  const named = new Set([...use.signedIn, ...use.more, ...use.configs.flatMap(providersNamed)]);
  if (full === undefined) {
    const defined = new Set(use.configs.flatMap(providersDefined));
    // Everything that is named is spelled out in the configuration: no catalogue is needed.
    return defined.size > 0 && [...named].every((name) => defined.has(name)) ? {} : undefined;
  }
  // `opencode` is the provider that works without signing in.
  named.add('opencode');
  const kept = Object.entries(full).filter(([name, provider]) => named.has(name) || hasKey(provider, use.environment));
  return Object.fromEntries(kept);
}

/** Whether a variable that the provider takes its key from is set. */
function hasKey(provider: unknown, environment: Environment): boolean {
  const names: unknown = isObject(provider) ? provider['env'] : undefined;
  return Array.isArray(names) && names.some((name) => typeof name === 'string' && Boolean(environment[name]));
}

function providersNamed(config: Record<string, unknown>): string[] {
  const provider = config['provider'];
  const enabled: unknown = config['enabled_providers'];
  const agents = Object.values(isObject(config['agent']) ? config['agent'] : {});
  const models = [config, ...agents].flatMap((owner) =>
    isObject(owner) ? [owner['model'], owner['small_model']] : [],
  );
  return [
    ...(isObject(provider) ? Object.keys(provider) : []),
    ...(Array.isArray(enabled) ? enabled.filter((name) => typeof name === 'string') : []),
    ...models.flatMap((model) => (typeof model === 'string' && model.includes('/') ? [model.split('/')[0]!] : [])),
  ];
}

/** Providers that the configuration describes so far that Opencode needs no catalogue for them. */
function providersDefined(config: Record<string, unknown>): string[] {
  const providers = isObject(config['provider']) ? config['provider'] : {};
  return Object.entries(providers).flatMap(([name, provider]) =>
    isObject(provider) && isObject(provider['models']) && typeof provider['npm'] === 'string' ? [name] : [],
  );
}
