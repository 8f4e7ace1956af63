/**
 * Opencode installs `@opencode-ai/plugin` (63 MB) into each of its configuration folders and, where there is a plugin, lets
 * every request wait for that: 12 s on line, 76 s off line. It does not where the folder looks installed already. Our plugin
 * needs nothing from that package, so folders that nothing else needs it in get an empty `node_modules` and a lock file.
 */
import { copyFile, lstat, mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { readBounded } from '../../platform/read-bounded.ts';
import { unlessMissing } from '../../platform/files.ts';
import { GasTownError, messageOf } from '../../platform/errors.ts';
import { hideFromGit, worktreeRoot } from '../../platform/git/exclude.ts';
import { requireNoLinks } from '../../platform/git/no-links.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Environment } from '../../platform/inherited-environment.ts';
import { foldersUpwards, opencodeFolders } from './user-config.ts';

const packageName = '@opencode-ai/plugin';
const dependencies = { [packageName]: '*' };
const stubTexts = {
  // `type`: without it a plugin beside it would be read by the rules of a package.json further up, and silently ignored.
  'package.json': `${JSON.stringify({ private: true, type: 'module', dependencies })}\n`,
  'package-lock.json': `${JSON.stringify({ lockfileVersion: 3, packages: { '': { dependencies } } })}\n`,
};
const stubFiles = ['node_modules', ...Object.keys(stubTexts)];

/**
 * Prepares the folders that Opencode will read for a session in `directory`: the user's own, and those that the
 * repository has. Never fails: without it a session starts later, not worse.
 */
export async function stubConfigDirs(environment: Environment, directory: string, log: Logger): Promise<void> {
  const [config, ...others] = personsFolders(environment);
  // Opencode makes this one itself.
  await attempt(log, config, async () => {
    await mkdir(config, { recursive: true });
    await stub(config, []);
  });
  for (const folder of await repositoryFolders(directory)) {
    await attempt(log, folder, async () => {
      // A link that came with the repository may lead anywhere.
      await requireNoLinks(path.dirname(folder), path.basename(folder));
      await stub(folder, stubFiles);
    });
  }
  for (const folder of others) await attempt(log, folder, () => stub(folder, []));
}

/** Pure. The folders of the user's own configuration, the one that Opencode makes itself first. */
export function personsFolders(environment: Environment): [string, ...string[]] {
  const { config, home } = opencodeFolders(environment);
  const named = environment['OPENCODE_CONFIG_DIR'];
  return [config, path.join(home, '.opencode'), ...(named ? [named] : [])];
}

/** The folders for Opencode's configuration that the repository of a work dir may have. */
export async function repositoryFolders(directory: string): Promise<string[]> {
  // The top of a checkout needs no git to be known; nothing that git brings is called so.
  const isTop = (await unlessMissing(lstat(path.join(directory, '.git')))) !== undefined;
  const root = isTop ? directory : await worktreeRoot(directory);
  const above = root === undefined ? [directory] : foldersUpwards(directory).filter((folder) => isWithin(folder, root));
  return above.map((folder) => path.join(folder, '.opencode'));
}

/**
 * Copies the plugin to where the agent's `hooks` say, hidden from git, so that an Opencode of the user's has it too.
 * Rejects with `bad-config` where that would write through a link, into git's own folder, or over a file of somebody else.
 */
export async function installPlugin(
  plugin: string,
  directory: string,
  hooks: { dir: string; settingsFile: string },
): Promise<string> {
  const relative = path.join(hooks.dir, hooks.settingsFile);
  await requireNoLinks(directory, relative);
  const file = path.join(directory, relative);
  const folder = path.dirname(file);
  if ((await unlessMissing(lstat(file))) && !(await isOurPlugin(file))) {
    throw new GasTownError(
      'bad-config',
      `${file} is there already and not ours, so the plugin is not written there. Choose another hooks.dir or hooks.settings_file.`,
    );
  }
  await mkdir(folder, { recursive: true });
  await hideFromGit(folder, [file]);
  await copyFile(plugin, file);
  return file;
}

/** In every bundle of the plugin, minified or not (`plugin/opencode/gastown.ts`). */
const mark = 'gastown.opencode';

export async function isOurPlugin(file: string): Promise<boolean> {
  const facts = await unlessMissing(lstat(file));
  return facts?.isFile() === true && (await readBounded(file)).includes(mark);
}

async function attempt(log: Logger, folder: string, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    log.warn(
      `opencode: ${folder} could not be prepared (${messageOf(error)}); the first start there may take a minute`,
    );
  }
}

async function stub(folder: string, hide: string[]): Promise<void> {
  const entries = await unlessMissing(readdir(folder));
  // A folder with any of these is managed by somebody; one whose plugins or tools use the package really needs it.
  if (entries === undefined || stubFiles.some((name) => entries.includes(name)) || (await usesPackage(folder))) return;
  await hideFromGit(
    folder,
    hide.map((name) => path.join(folder, name)),
  );
  await mkdir(path.join(folder, 'node_modules'), { recursive: true });
  for (const [name, text] of Object.entries(stubTexts)) await write(folder, name, text);
}

/** Never overwrites: another window may prepare the same folder at the same time. */
async function write(folder: string, name: string, text: string): Promise<void> {
  try {
    await writeFile(path.join(folder, name), text, { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** Whether a file has nothing but what a stub of ours has. */
export const isStubText = (text: string): boolean => Object.values(stubTexts).includes(text);

/** The files of a stub of ours; undefined where the folder has none, or somebody has made something of it since. */
export async function stubIn(folder: string): Promise<string[] | undefined> {
  const installed = await unlessMissing(readdir(path.join(folder, 'node_modules')));
  if (installed === undefined || installed.length > 0) return undefined;
  for (const [name, text] of Object.entries(stubTexts)) {
    if ((await unlessMissing(readBounded(path.join(folder, name)))) !== text) return undefined;
  }
  return stubFiles.map((name) => path.join(folder, name));
}

async function usesPackage(folder: string): Promise<boolean> {
  for (const name of ['plugin', 'plugins', 'tool', 'tools']) {
    const files = (await unlessMissing(readdir(path.join(folder, name)))) ?? [];
    for (const file of files.filter((candidate) => /\.[cm]?[jt]s$/.test(candidate))) {
      if ((await readBounded(path.join(folder, name, file))).includes(packageName)) return true;
    }
  }
  return false;
}

function isWithin(folder: string, root: string): boolean {
  const relative = path.relative(root, folder);
  return relative === '' || (!relative.startsWith('..') && !path.isAbsolute(relative));
}
