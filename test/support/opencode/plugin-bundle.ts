import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { build } from 'esbuild';
import { jsonRpcInParts } from '../../../esbuild.plugins.ts';

/** Bundles gastown.js as it is shipped: one ES module, in a folder whose package.json says so. Returns the file. */
export async function bundlePlugin(folder: string): Promise<string> {
  const outfile = path.join(folder, 'gastown.js');
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, 'package.json'), '{"type":"module"}\n');
  await build({
    entryPoints: [path.join(import.meta.dirname, '../../../plugin/opencode/gastown.ts')],
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node22',
    minify: true,
    plugins: [jsonRpcInParts],
    // As in esbuild.config.mjs: what is CommonJS inside calls `require` at run time.
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    outfile,
  });
  return outfile;
}
