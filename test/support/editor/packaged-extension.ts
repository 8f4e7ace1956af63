import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { packageExtension } from '../setup/extension-package.ts';
import type { Say } from '../setup/progress.ts';

const root = path.resolve(import.meta.dirname, '../../..');
const file = path.join(root, '.test-output/gastown.vsix');

/** The packaged extension: the one that is there, if it was made of the present build, else a new one. */
export async function packagedExtension(say: Say): Promise<string> {
  const [made, built] = await Promise.all([changedAt(file), newestIn(path.join(root, 'dist'))]);
  return made > built && built > 0 ? file : packageExtension(say);
}

/** Epoch milliseconds of the newest file in a folder and all below it; 0 where there is none. */
async function newestIn(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const times = await Promise.all(entries.map((entry) => changedAt(path.join(entry.parentPath, entry.name))));
  return Math.max(0, ...times);
}

/** 0 where it does not exist. */
async function changedAt(entry: string): Promise<number> {
  return (await stat(entry).catch(() => undefined))?.mtimeMs ?? 0;
}
