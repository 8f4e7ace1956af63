/** What sessions have left in work dirs and in the user's configuration, by which Opencode finds our plugin or starts sooner. */
import { lstat, rm, rmdir } from 'node:fs/promises';
import path from 'node:path';
import type { ResolvedAgent } from '../../domain/agent.ts';
import { unlessMissing } from '../../platform/files.ts';
import { showToGit } from '../../platform/git/exclude.ts';
import type { Leftover } from '../backend.ts';
import { askRepository } from '../../platform/git/ask.ts';
import type { Environment } from '../../platform/inherited-environment.ts';
import { isOurPlugin, personsFolders, repositoryFolders, stubIn } from './config-dirs.ts';

/** What is ours in these work dirs: plugins where `hooks` put them, and stubs that nobody has touched. What git tracks is the user's. */
export async function leftoversIn(
  directories: readonly string[],
  hooks: readonly NonNullable<ResolvedAgent['hooks']>[],
): Promise<Leftover[]> {
  const found = new Map<string, Leftover>();
  for (const directory of directories) {
    for (const folder of await repositoryFolders(directory)) {
      const files = await stubIn(folder);
      if (files && !(await areTracked(folder, files)))
        found.set(folder, { path: folder, files, what: 'a stub for Opencode', withFolders: false });
    }
    for (const { dir, settingsFile } of hooks) {
      const file = path.resolve(directory, dir, settingsFile);
      if ((await isOurPlugin(file)) && !(await areTracked(path.dirname(file), [file])))
        found.set(file, { path: file, files: [file], what: 'the Opencode plugin', withFolders: true });
    }
  }
  return [...found.values()];
}

/** Folders of the user's own configuration that have a stub of ours: all towns share it. */
export async function sharedStubs(environment: Environment): Promise<{ path: string; what: string }[]> {
  const found: { path: string; what: string }[] = [];
  for (const path of personsFolders(environment))
    if (await stubIn(path)) found.push({ path, what: 'a stub for Opencode that all your towns share' });
  return found;
}

/** Takes it away, with what hides it from git, and with the plugin the folders that are empty then. */
export async function removeLeftover({ files, withFolders }: Leftover): Promise<void> {
  const folder = path.dirname(files[0]!);
  for (const file of files) {
    // Never more than the empty folder that we have made.
    if ((await unlessMissing(lstat(file)))?.isDirectory()) await rmdir(file);
    else await rm(file, { force: true });
  }
  await showToGit(folder, files);
  if (withFolders) await removeEmpty(folder);
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
