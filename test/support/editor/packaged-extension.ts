import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { packageExtension } from '../setup/extension-package.ts';
import type { Say } from '../setup/progress.ts';

const root = path.resolve(import.meta.dirname, '../../..');
const file = path.join(root, '.test-output/gastown.vsix');

/** What the package is made of. */
const parts = ['extension', 'plugin', 'shared', 'docs/user', 'README.md', 'package.json', 'package.nls.json'];

/** The packaged extension: the one that is there, if nothing that it is made of has changed since, else a new one. */
export async function packagedExtension(say: Say): Promise<string> {
  const [made, ...changes] = await Promise.all([
    changedAt(file),
    ...parts.map((part) => newestIn(path.join(root, part))),
  ]);
  return made > Math.max(...changes) ? file : packageExtension(say);
}

/** Epoch milliseconds of the newest of a file, or a folder and all below it. */
async function newestIn(folder: string): Promise<number> {
  if ((await stat(folder)).isFile()) return changedAt(folder);
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const times = await Promise.all(entries.map((entry) => changedAt(path.join(entry.parentPath, entry.name))));
  return Math.max(0, ...times);
}

/** 0 where it does not exist. */
async function changedAt(entry: string): Promise<number> {
  return (await stat(entry).catch(() => undefined))?.mtimeMs ?? 0;
}
