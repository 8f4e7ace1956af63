import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { extensionPage } from './extension-page.ts';
import { step } from './progress.ts';
import type { Say } from './progress.ts';
import { mustRun } from './run-program.ts';

const root = path.resolve(import.meta.dirname, '../../..');

/** The extension's page, beside the bundles. */
const PAGE = 'dist/README.md';

/**
 * Writes the extension's page into the built extension. Resolves to the arguments by which `vsce` packages it:
 * everything is bundled, so no dependency goes along.
 */
export async function preparePackage(file: string): Promise<string[]> {
  await writeFile(path.join(root, PAGE), extensionPage(await readFile(path.join(root, 'README.md'), 'utf8')));
  return [
    'package',
    '--no-dependencies',
    '--allow-missing-repository',
    '--no-rewrite-relative-links',
    '--readme-path',
    PAGE,
    '--out',
    file,
  ];
}

/** Builds the extension and packages it. Returns the .vsix. */
export async function packageExtension(say: Say): Promise<string> {
  const file = path.join(root, '.test-output', 'gastown.vsix');
  await mkdir(path.dirname(file), { recursive: true });
  await step(say, 'building the extension', async () => {
    await mustRun(process.execPath, ['esbuild.config.mjs'], {
      cwd: root,
    });
    await mustRun(path.join(root, 'node_modules/.bin/vsce'), await preparePackage(file), { cwd: root });
  });
  return file;
}
