import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { GasTownError } from '../platform/errors.ts';
import { requireNoLinks } from '../platform/git/no-links.ts';
import type { KnownBackends } from '../domain/backend.ts';
import { roles } from '../domain/orchestrator.ts';
import type { Role } from '../domain/orchestrator.ts';
import { settingsPath } from './settings-path.ts';
import type { TownSettings } from './town-settings.ts';
import { cannotWrite } from '../platform/files.ts';

/** Who gives work to others, and hears what becomes of it. */
const coordinators = ['mayor', 'deacon', 'crew'] as const satisfies readonly Role[];

/** `gt`, and what its output is piped through: they write no files, and start no programs. */
const coordinatorPrograms = ['gt', 'head', 'tail', 'grep', 'wc', 'jq'];

export interface NewTown {
  /** Whether coordinators may run `gt` without asking the user; what a role may do by `gt` stays as it is. */
  unattended: boolean;
}

/** Pure. What a new town begins with: the seed's example, as far as the backends are those of the seed. */
export function newTownSettings(backends: KnownBackends, { unattended }: NewTown = { unattended: true }): TownSettings {
  const shells = backends.flatMap(({ shellTool }) => shellTool ?? []);
  const patterns = shells.flatMap((shell) => coordinatorPrograms.map((program) => `${shell}(${program} *)`));
  const given = roles.flatMap((role) =>
    backends
      .filter(({ newTownRoles }) => newTownRoles.includes(role))
      .map(({ name }) => [role, name] as const)
      .slice(0, 1),
  );
  return {
    type: 'town-settings',
    version: 1,
    default_agent: backends[0].name,
    role_agents: Object.fromEntries(given),
    ...(unattended ? { attention: { allow: Object.fromEntries(coordinators.map((role) => [role, patterns])) } } : {}),
  };
}

/**
 * Makes a folder a town: `settings/config.json`, and `.runtime/` hidden from git. Rejects with `name-taken` where there
 * are settings already (nothing is overwritten) with `read-only` where the folder cannot be written,
 * and with `bad-config` where the folder brings a link in their place.
 */
export async function createTown(root: string, backends: KnownBackends, wanted?: NewTown): Promise<void> {
  const file = settingsPath(root);
  for (const ours of [file, join(root, '.runtime', '.gitignore')]) await requireNoLinks(root, relative(root, ours));
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, `${JSON.stringify(newTownSettings(backends, wanted), null, 2)}\n`, { flag: 'wx' });
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
