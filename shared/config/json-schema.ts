import * as z from 'zod/mini';
import { namesOf } from '../domain/backend.ts';
import type { KnownBackends } from '../domain/backend.ts';
import { newTownSettings } from './create-town.ts';
import { rigSettings } from './rig-settings.ts';
import { townSettings } from './town-settings.ts';

/**
 * The JSON schemas that the editor checks settings with, by file name. One schema serves every `settings/config.json`:
 * it chooses by the file's `type`, and does not judge files of any other type.
 */
export function jsonSchemas(backends: KnownBackends): Record<string, object> {
  const words = wordsOf(backends);
  return {
    'settings-config.schema.json': {
      $schema: 'http://json-schema.org/draft-07/schema#',
      title: 'Gas Town settings',
      properties: {
        type: {
          description: 'What this file holds: the settings of a town or of a rig.',
          examples: ['town-settings', 'rig-settings'],
        },
      },
      allOf: [whenType('town-settings', townSettings, words), whenType('rig-settings', rigSettings, words)],
    },
  };
}

function whenType(type: string, schema: z.ZodMiniType, words: Words): object {
  const then = z.toJSONSchema(schema, { target: 'draft-7', io: 'input' });
  // Only a schema's root says which draft it is written in.
  delete then.$schema;
  return { if: { required: ['type'], properties: { type: { const: type } } }, then: filledIn(then, words) };
}

/** What the settings' texts say of the backends, by the key that they have for it; a list takes the place of an example. */
type Words = Readonly<Record<string, string | readonly string[]>>;

function wordsOf(backends: KnownBackends): Words {
  const names = namesOf(backends);
  const quoted = (all: readonly { name: string }[]): string[] => all.map(({ name }) => `\`${name}\``);
  const withPlugin = backends.filter(({ plugin }) => plugin);
  const titles = (givesUp: boolean): string[] =>
    backends.filter((backend) => backend.givesUp === givesUp).map(({ title }) => title);
  const polecat = newTownSettings(backends).role_agents?.polecat ?? backends[0].name;
  const polecatFirst = [polecat, ...names.filter((name) => name !== polecat)];
  return {
    names,
    first: backends[0].name,
    oneOf: quoted(backends).join(' or '),
    all: quoted(backends).join(' and '),
    hooked: quoted([...withPlugin, ...backends.filter(({ plugin }) => !plugin)]).join(' or '),
    pluginFolders: withPlugin.flatMap(({ plugin }) => plugin?.folders ?? []),
    plugins: withPlugin.map(pluginText).join('; '),
    polecat,
    polecatFirst,
    chain: polecatFirst.map((name) => `"${name}"`).join(', '),
    persistent: titles(false).join(' or '),
    givesUp: titles(true)
      .map((title) => `${title} gives up`)
      .join(', '),
  };
}

function pluginText({ title, plugin }: KnownBackends[number]): string {
  const folders = (plugin?.folders ?? []).map((folder) => `\`${folder}\``);
  return `the ${title} plugin is installed besides; ${folders.length === 2 ? 'both ' : ''}${folders.join(' and ')} are read by ${title}`;
}

function filledIn(value: unknown, words: Words): unknown {
  if (typeof value === 'string') return value.replace(/\{\{(\w+)\}\}/g, (_all, key: string) => String(words[key]));
  if (Array.isArray(value))
    return value.flatMap((each: unknown): readonly unknown[] => listFor(each, words) ?? [filledIn(each, words)]);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, filledIn(each, words)]));
}

function listFor(value: unknown, words: Words): readonly string[] | undefined {
  const key = typeof value === 'string' ? /^\{\{(\w+)\}\}$/.exec(value)?.[1] : undefined;
  const list = key === undefined ? undefined : words[key];
  return typeof list === 'string' ? undefined : list;
}
