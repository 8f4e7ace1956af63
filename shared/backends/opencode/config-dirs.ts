/**
 * Opencode installs `@opencode-ai/plugin` (63 MB) into each of its configuration folders and, where there is a plugin, lets
 * every request wait for that: 12 s on line, 76 s off line. It does not where the folder looks installed already. Our plugin
 * needs nothing from that package, so folders that nothing else needs it in get an empty `node_modules` and a lock file.
 */
import { access, copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { unlessMissing } from '../../config/write-atomically.ts';
import { runGit } from '../../git/git.ts';
import { messageOf } from '../../errors.ts';
import type { Logger } from '../../process/logger.ts';
import type { Environment } from './environment.ts';
import { foldersUpwards, opencodeFolders } from './person-config.ts';

const packageName = '@opencode-ai/plugin';
const stubFiles = ['node_modules', 'package.json', 'package-lock.json'];

/**
 * Prepares the folders that Opencode will read for a session in `directory`: the person's own, and those that the
 * repository has. Never fails: without it a session starts later, not worse.
 */
export async function stubConfigDirs(environment: Environment, directory: string, log: Logger): Promise<void> {
  const { config, home } = opencodeFolders(environment);
  // Opencode makes this one itself.
  await attempt(log, config, async () => {
    await mkdir(config, { recursive: true });
    await stub(config, []);
  });
  const root = await worktreeRoot(directory);
  const inRepository = root === undefined ? [directory] : foldersUpwards(directory).filter((folder) => isWithin(folder, root));
  for (const folder of inRepository.map((above) => path.join(above, '.opencode'))) {
    await attempt(log, folder, () => stub(folder, stubFiles));
  }
  const own = [path.join(home, '.opencode'), environment['OPENCODE_CONFIG_DIR']];
  for (const folder of own) if (folder) await attempt(log, folder, () => stub(folder, []));
}

/** Copies the plugin to where the agent's `hooks` say, hidden from git, so that an Opencode of the person's has it too. */
export async function installPlugin(
  plugin: string,
  directory: string,
  hooks: { dir: string; settingsFile: string },
): Promise<string> {
  const folder = path.resolve(directory, hooks.dir);
  const file = path.join(folder, hooks.settingsFile);
  await mkdir(folder, { recursive: true });
  await hideFromGit(folder, [file]);
  await copyFile(plugin, file);
  return file;
}

async function attempt(log: Logger, folder: string, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    log.warn(`opencode: ${folder} could not be prepared (${messageOf(error)}); the first start there may take a minute`);
  }
}

async function stub(folder: string, hide: string[]): Promise<void> {
  const entries = await unlessMissing(readdir(folder));
  // A folder with any of these is managed by somebody; one whose plugins or tools use the package really needs it.
  if (entries === undefined || stubFiles.some((name) => entries.includes(name)) || (await usesPackage(folder))) return;
  await hideFromGit(folder, hide.map((name) => path.join(folder, name)));
  const dependencies = { [packageName]: '*' };
  await mkdir(path.join(folder, 'node_modules'), { recursive: true });
  // `type`: without it a plugin beside it would be read by the rules of a package.json further up, and silently ignored.
  await write(folder, 'package.json', { private: true, type: 'module', dependencies });
  await write(folder, 'package-lock.json', { lockfileVersion: 3, packages: { '': { dependencies } } });
}

/** Never overwrites: another window may prepare the same folder at the same time. */
async function write(folder: string, name: string, content: object): Promise<void> {
  try {
    await writeFile(path.join(folder, name), `${JSON.stringify(content)}\n`, { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

async function usesPackage(folder: string): Promise<boolean> {
  for (const name of ['plugin', 'plugins', 'tool', 'tools']) {
    const files = (await unlessMissing(readdir(path.join(folder, name)))) ?? [];
    for (const file of files.filter((candidate) => /\.[cm]?[jt]s$/.test(candidate))) {
      if ((await readFile(path.join(folder, name, file), 'utf8')).includes(packageName)) return true;
    }
  }
  return false;
}

/** Adds the paths to the repository's own `info/exclude`. Nothing to do outside of a repository. */
async function hideFromGit(folder: string, files: string[]): Promise<void> {
  if (files.length === 0) return;
  const root = await worktreeRoot(folder);
  if (root === undefined) return;
  const { stdout } = await runGit(folder, ['rev-parse', '--path-format=absolute', '--git-path', 'info/exclude']);
  const exclude = stdout.trim();
  const present = (await unlessMissing(readFile(exclude, 'utf8'))) ?? '';
  const lines = present.split('\n');
  const missing = files.map((file) => `/${path.relative(root, file).split(path.sep).join('/')}`);
  const added = missing.filter((line) => !lines.includes(line));
  if (added.length === 0) return;
  await mkdir(path.dirname(exclude), { recursive: true });
  const gap = present === '' || present.endsWith('\n') ? '' : '\n';
  await writeFile(exclude, `${present}${gap}${added.join('\n')}\n`);
}

async function worktreeRoot(folder: string): Promise<string | undefined> {
  try {
    await access(folder);
  } catch {
    // A folder that is not there is in no repository.
    return undefined;
  }
  const { code, stdout } = await runGit(folder, ['rev-parse', '--show-toplevel']);
  return code === 0 && stdout.trim() !== '' ? stdout.trim() : undefined;
}

function isWithin(folder: string, root: string): boolean {
  const relative = path.relative(root, folder);
  return relative === '' || (!relative.startsWith('..') && !path.isAbsolute(relative));
}
