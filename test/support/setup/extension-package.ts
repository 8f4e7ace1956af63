import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { step } from './progress.ts';
import type { Say } from './progress.ts';
import { mustRun } from './run-program.ts';

const root = path.resolve(import.meta.dirname, '../../..');

/** Arguments by which `vsce` packages the extension: everything is bundled, so no dependency goes along. */
export function packageArguments(file: string): string[] {
  return ['package', '--no-dependencies', '--allow-missing-repository', '--no-rewrite-relative-links', '--out', file];
}

/** Builds the extension and packages it. Returns the .vsix. */
export async function packageExtension(say: Say): Promise<string> {
  const file = path.join(root, '.test-output', 'gastown.vsix');
  await mkdir(path.dirname(file), { recursive: true });
  await step(say, 'building the extension', async () => {
    await mustRun(process.execPath, ['--disable-warning=MODULE_TYPELESS_PACKAGE_JSON', 'esbuild.config.mjs'], { cwd: root });
    await mustRun(path.join(root, 'node_modules/.bin/vsce'), packageArguments(file), { cwd: root });
  });
  return file;
}
