/**
 * What Opencode runs of a repository's own without asking anybody (seen with 1.18.33): its plugins and tools when it boots a
 * folder, and the programs and packages that its configuration names.
 */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { consentItem } from '../../config/consent.ts';
import type { ConsentItem } from '../../domain/consent.ts';
import { readBounded } from '../../platform/read-bounded.ts';
import { unlessMissing } from '../../platform/files.ts';
import { GasTownError } from '../../platform/errors.ts';
import { runGit } from '../../platform/git/git.ts';
import { isOurPlugin, isStubText, repositoryFolders } from './config-dirs.ts';
import { parseObject } from './user-config.ts';

const codeFolders = ['plugin', 'plugins', 'tool', 'tools'];
const configNames = ['opencode.json', 'opencode.jsonc'];
/** Keys of the configuration by which programs are started or packages loaded. */
const programKeys = ['plugin', 'mcp', 'lsp', 'formatter', 'provider', 'experimental', 'shell'];
/** More is nobody's configuration, and nobody could read it. */
const maxFiles = 100;

/**
 * All of it for a session in `directory`. Rejects with `bad-config` where it cannot be shown: a file that is no regular one
 * or too long, or too many of them.
 */
export async function repositoryPrograms(directory: string): Promise<ConsentItem[]> {
  const folders = await repositoryFolders(directory);
  const code = (
    await Promise.all(folders.flatMap((folder) => codeFolders.map((name) => codeIn(path.join(folder, name)))))
  ).flat();
  const configs = folders.flatMap((folder) =>
    configNames.flatMap((name) => [path.join(path.dirname(folder), name), path.join(folder, name)]),
  );
  const packages = folders.map((folder) => path.join(folder, 'package.json'));
  if (code.length > maxFiles) {
    throw new GasTownError(
      'bad-config',
      `${directory} has ${code.length} plugins and tools for Opencode, and at most ${maxFiles} can be looked at.`,
    );
  }
  const top = path.dirname(folders.at(-1) ?? path.join(directory, '.opencode'));
  const items: (ConsentItem | undefined)[] = [];
  for (const file of code)
    items.push((await isInstalledByUs(file)) ? undefined : item(top, file, await readBounded(file)));
  for (const file of configs) items.push(configItem(top, file, await unlessMissing(readBounded(file))));
  for (const file of packages) {
    const text = await unlessMissing(readBounded(file));
    // Opencode installs what it names.
    items.push(text === undefined || isStubText(text) ? undefined : item(top, file, text));
  }
  return items.filter((each) => each !== undefined);
}

const item = (top: string, file: string, text: string): ConsentItem =>
  consentItem(path.relative(top, file).split(path.sep).join('/'), text);

function configItem(top: string, file: string, text: string | undefined): ConsentItem | undefined {
  if (text === undefined) return undefined;
  const config = parseObject(text);
  // What we cannot take apart Opencode may.
  if (config === undefined) return item(top, file, text);
  const said = Object.fromEntries(
    programKeys.flatMap((key) => (Object.hasOwn(config, key) ? [[key, config[key]]] : [])),
  );
  return Object.keys(said).length === 0 ? undefined : item(top, file, JSON.stringify(said, null, 2));
}

async function codeIn(folder: string): Promise<string[]> {
  const names = (await unlessMissing(readdir(folder))) ?? [];
  return names
    .filter((name) => /\.[cm]?[jt]sx?$/.test(name))
    .sort()
    .map((name) => path.join(folder, name));
}

/**
 * Whether it is the plugin that we have put there: by its content, and by the line that hides it in the repository's own
 * list, which no clone and no pull brings. A file that git tracks is never hidden.
 */
async function isInstalledByUs(file: string): Promise<boolean> {
  if (!(await isOurPlugin(file))) return false;
  const { code, stdout } = await runGit(path.dirname(file), ['check-ignore', '-v', '--', file]);
  return code === 0 && /^[^:\n]*info\/exclude:\d+:/.test(stdout);
}
