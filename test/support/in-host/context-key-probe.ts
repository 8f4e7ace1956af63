// Extensions can set context keys, and not read them. The editor shows a view while its `when` holds, and says so: an extension
// that only contributes views, one a key, makes the keys readable, in every editor.

import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** The probe's name, its container, and the first part of the ids of its views. */
const CONTAINER = 'context-keys';

/** The view that is always shown: as soon as it is, so are the others whose keys hold. */
export const ALWAYS = `${CONTAINER}.always`;

/** Opens the container of the views. */
export const OPEN_PROBE = `workbench.view.extension.${CONTAINER}`;

/** The view that shows a key. */
export const viewOf = (key: string): string => `${CONTAINER}.${key}`;

/** Puts the probe extension for these keys among the installed ones of an editor that was never started. */
export async function writeProbe(extensions: string, keys: readonly string[]): Promise<void> {
  const manifest = {
    name: CONTAINER,
    publisher: 'test',
    version: '0.0.1',
    engines: { vscode: '^1.101.0' },
    contributes: {
      viewsContainers: { activitybar: [{ id: CONTAINER, title: 'Context Keys', icon: '$(key)' }] },
      views: {
        [CONTAINER]: [
          { id: ALWAYS, name: 'Always' },
          ...keys.map((key) => ({ id: viewOf(key), name: key, when: key })),
        ],
      },
    },
  };
  const folder = path.join(extensions, `${manifest.publisher}.${manifest.name}-${manifest.version}`);
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, 'package.json'), JSON.stringify(manifest, null, 2));
}

/** The part of an extension's package.json that is looked at here. */
export interface Manifest {
  readonly contributes: { readonly views: Readonly<Record<string, readonly { readonly id: string }[]>> };
}

/** The context keys that a manifest's conditions name. */
export function keysOf(manifest: Manifest): string[] {
  const views = Object.values(manifest.contributes.views)
    .flat()
    .map(({ id }) => id);
  const conditions: string[] = [];
  JSON.stringify(manifest.contributes, (name, value: unknown) => {
    if ((name === 'when' || name === 'enablement') && typeof value === 'string') conditions.push(value);
    return value;
  });
  const names = conditions.flatMap((condition) => condition.match(/\bgastown\.\w+/g) ?? []);
  return [...new Set(names)].filter((name) => !views.includes(name)).sort();
}
