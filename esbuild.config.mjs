// Bundles what ships into dist/: `node esbuild.config.mjs [--dev]` (with --dev readable and with source maps).
// Run it with Node 24, which reads the TypeScript that the JSON schemas are generated from.

import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = import.meta.dirname;
const dist = path.join(root, 'dist');
const development = process.argv.includes('--dev');

const common = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node22',
  minify: !development,
  sourcemap: development,
  legalComments: 'linked',
  // jsonc-parser's "main" is UMD, whose requires no bundler sees.
  mainFields: ['module', 'main'],
  logLevel: 'warning',
};

/** The editor loads CommonJS; sessions load modules, from a folder that says so. */
const bundles = [
  { entry: 'extension/main.ts', out: 'extension.js', options: { format: 'cjs', external: ['vscode'] } },
  { entry: 'plugin/opencode/gastown.ts', out: 'plugin/gastown.js', options: { format: 'esm' } },
  { entry: 'plugin/claude/hook.ts', out: 'plugin/claude-hook.js', options: { format: 'esm' } },
  { entry: 'plugin/gt/main.ts', out: 'plugin/gt.js', options: { format: 'esm' } },
];

/** Packages that are CommonJS inside call `require` at run time, which a module does not have. */
const REQUIRE =
  "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);";
const CALLS_REQUIRE = 'Dynamic require of ';

async function bundle({ entry, out, options }) {
  if (!existsSync(path.join(root, entry))) return;
  const outfile = path.join(dist, out);
  const all = { ...common, ...options, entryPoints: [entry], outfile };
  await build(all);
  const needsRequire = options.format === 'esm' && (await readFile(outfile, 'utf8')).includes(CALLS_REQUIRE);
  if (needsRequire) await build({ ...all, banner: { js: REQUIRE } });
  console.log(`${path.relative(root, outfile)}  ${((await stat(outfile)).size / 1024).toFixed(0)} KB`);
}

/** Opencode takes a .js file beside which no package.json says "module" for CommonJS. */
async function markModules() {
  if (!existsSync(path.join(dist, 'plugin'))) return;
  await writeFile(path.join(dist, 'plugin/package.json'), '{ "type": "module" }\n');
}

/** The schemas that the editor checks settings files against come from the same definitions as the core's checks. */
async function writeSchemas() {
  const source = path.join(root, 'shared/config/json-schema.ts');
  if (!existsSync(source)) return;
  const { jsonSchemas } = await import(pathToFileURL(source).href);
  await mkdir(path.join(dist, 'schemas'), { recursive: true });
  for (const [name, schema] of Object.entries(jsonSchemas())) {
    await writeFile(path.join(dist, 'schemas', name), `${JSON.stringify(schema, null, 2)}\n`);
    console.log(`dist/schemas/${name}`);
  }
}

await rm(dist, { recursive: true, force: true });
for (const each of bundles) {
  // esbuild has said what is wrong; the other bundles are built all the same.
  await bundle(each).catch(() => (process.exitCode = 1));
}
await markModules();
await writeSchemas();
await cp(path.join(root, 'shared/roles/prompts'), path.join(dist, 'roles'), { recursive: true });
