/** What sessions have left in work dirs and in the person's configuration, by which Opencode finds our plugin or starts sooner. */
import { lstat, rm, rmdir } from 'node:fs/promises';
import path from 'node:path';
import type { ResolvedAgent } from '../../config/agents.ts';
import { unlessMissing } from '../../config/write-atomically.ts';
import { showToGit } from '../../git/exclude.ts';
import { askRepository } from '../../git/ask.ts';
import type { Environment } from '../../process/inherited-environment.ts';
import { isOurPlugin, personsFolders, repositoryFolders, stubIn } from './config-dirs.ts';

export interface Leftover {
  kind: 'plugin' | 'stub';
  /** The plugin's file, or the folder that has the stub. */
  path: string;
  files: readonly string[];
}

/** What is ours in these work dirs: plugins where `hooks` put them, and stubs that nobody has touched. What git tracks is the person's. */
export async function leftoversIn(
  directories: readonly string[],
  hooks: readonly NonNullable<ResolvedAgent['hooks']>[],
): Promise<Leftover[]> {
  const found = new Map<string, Leftover>();
  for (const directory of directories) {
    for (const folder of await repositoryFolders(directory)) {
      const files = await stubIn(folder);
      if (files && !(await areTracked(folder, files))) found.set(folder, { kind: 'stub', path: folder, files });
    }
    for (const { dir, settingsFile } of hooks) {
      const file = path.resolve(directory, dir, settingsFile);
      if ((await isOurPlugin(file)) && !(await areTracked(path.dirname(file), [file])))
        found.set(file, { kind: 'plugin', path: file, files: [file] });
    }
  }
  return [...found.values()];
}

/** Folders of the person's own configuration that have a stub of ours: all towns share it. */
export async function sharedStubs(environment: Environment): Promise<string[]> {
  const found: string[] = [];
  for (const folder of personsFolders(environment)) if (await stubIn(folder)) found.push(folder);
  return found;
}

/** Takes it away, with what hides it from git, and with the plugin the folders that are empty then. */
export async function removeLeftover({ kind, files }: Leftover): Promise<void> {
  const folder = path.dirname(files[0]!);
  for (const file of files) {
    // Never more than the empty folder that we have made.
    if ((await unlessMissing(lstat(file)))?.isDirectory()) await rmdir(file);
    else await rm(file, { force: true });
  }
  await showToGit(folder, files);
  if (kind === 'plugin') await removeEmpty(folder);
}

async function removeEmpty(folder: string): Promise<void> {
  try {
    await rmdir(folder);
  } catch {
    // There is something else in it.
    return;
  }
  await removeEmpty(path.dirname(folder));
}

async function areTracked(folder: string, files: readonly string[]): Promise<boolean> {
  try {
    return Boolean(await askRepository(folder, ['ls-files', '--', ...files]));
  } catch {
    // Git could not tell: then they may be.
    return true;
  }
}
