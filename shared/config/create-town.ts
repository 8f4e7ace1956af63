import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { GasTownError } from '../errors.ts';
import { requireNoLinks } from '../git/no-links.ts';
import { settingsPath } from './settings-path.ts';
import type { TownSettings } from './town-settings.ts';
import { cannotWrite } from './write-atomically.ts';

/** What a new town begins with: the seed's example. */
export const newTownSettings: TownSettings = {
  type: 'town-settings',
  version: 1,
  default_agent: 'claude',
  role_agents: { mayor: 'claude', deacon: 'claude', witness: 'claude', refinery: 'claude', polecat: 'opencode' },
};

/**
 * Makes a folder a town: `settings/config.json`, and `.runtime/` hidden from git. Rejects with `name-taken` where there
 * are settings already (nothing is overwritten) with `read-only` where the folder cannot be written,
 * and with `bad-config` where the folder brings a link in their place.
 */
export async function createTown(root: string): Promise<void> {
  const file = settingsPath(root);
  for (const ours of [file, join(root, '.runtime', '.gitignore')]) await requireNoLinks(root, relative(root, ours));
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, `${JSON.stringify(newTownSettings, null, 2)}\n`, { flag: 'wx' });
    await mkdir(join(root, '.runtime'), { recursive: true, mode: 0o700 });
    await writeFile(join(root, '.runtime', '.gitignore'), '*\n');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') {
      throw new GasTownError(
        'name-taken',
        `${file} exists already and was left as it is. Open ${root} as it is, or choose another folder.`,
      );
    }
    throw cannotWrite(root, error);
  }
}
