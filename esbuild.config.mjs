// Bundles what ships into dist/: `node esbuild.config.mjs [--dev] [--meta]` (--dev: readable and with source maps; --meta: what
// each bundle is made of, by package and by room).
// Run it with Node 24, which reads the TypeScript that the JSON schemas are generated from.

import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { builtinsOnce, jsonRpcInParts, withoutDescriptions } from './esbuild.plugins.ts';

const root = import.meta.dirname;
const dist = path.join(root, 'dist');
const development = process.argv.includes('--dev');
const tellsMeta = process.argv.includes('--meta');
const { version } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));
const { backends } = await import(pathToFileURL(path.join(root, 'shared/host/backends.ts')).href);

const common = {
  absWorkingDir: root,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node22',
  minify: !development,
  sourcemap: development,
  legalComments: 'linked',
  metafile: true,
  plugins: [jsonRpcInParts],
  define: { GT_VERSION: JSON.stringify(version) },
  // jsonc-parser's "main" is UMD, whose requires no bundler sees.
  mainFields: ['module', 'main'],
  logLevel: 'warning',
};

const bundles = [
  {
    entry: 'extension/main.ts',
    out: 'extension.js',
    // What only a host needs is in files of its own, which the other windows never load.
    options: {
      splitting: true,
      chunkNames: 'extension/[name]-[hash]',
      external: ['vscode'],
      plugins: [jsonRpcInParts, builtinsOnce, withoutDescriptions],
    },
  },
  { entry: 'plugin/opencode/gastown.ts', out: 'plugin/gastown.js' },
  { entry: 'plugin/claude/hook.ts', out: 'plugin/claude-hook.js' },
  {
    entry: 'plugin/gt/main.ts',
    out: 'plugin/gt.js',
    // A list is initialised in each file of a bundle: only where it is needed.
    options: {
      define: { ...common.define, GT_BACKENDS: JSON.stringify(backends.map(({ name }) => name)) },
    },
  },
];

/** Packages that are CommonJS inside call `require` at run time, which a module does not have. */
const REQUIRE =
  "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);";
const CALLS_REQUIRE = 'Dynamic require of ';

async function bundle({ entry, out, options = {} }) {
  if (!existsSync(path.join(root, entry))) return;
  const all = { ...common, ...options, entryPoints: { [out.replace(/\.js$/, '')]: entry }, outdir: dist, write: false };
  let { outputFiles, metafile } = await build(all);
  if (outputFiles.some(({ text }) => text.includes(CALLS_REQUIRE)))
    ({ outputFiles, metafile } = await build({ ...all, banner: { js: REQUIRE } }));
  for (const { path: file, contents } of outputFiles) {
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, contents);
  }
  const { outputs } = metafile;
  const first = path.relative(root, path.join(dist, out)).split(path.sep).join('/');
  const atOnce = loadedWith(first, outputs);
  for (const [file, { bytes, inputs }] of Object.entries(outputs)) {
    if (!file.endsWith('.js')) continue;
    console.log(`${file}  ${kilobytes(bytes)}${file === first || atOnce.has(file) ? '' : '  (when it is needed)'}`);
    if (tellsMeta)
      for (const [origin, size] of origins(inputs)) console.log(`    ${kilobytes(size).padStart(8)}  ${origin}`);
  }
  if (atOnce.size > 1) {
    const sum = [...atOnce].reduce((total, file) => total + outputs[file].bytes, 0);
    console.log(`${first} with what it loads at once  ${kilobytes(sum)}`);
  }
}

/** The file, and all that it imports, and those in turn; not what it may import later. */
function loadedWith(file, outputs, seen = new Set()) {
  if (seen.has(file) || !(file in outputs)) return seen;
  seen.add(file);
  for (const { path: imported, kind } of outputs[file].imports)
    if (kind === 'import-statement') loadedWith(imported, outputs, seen);
  return seen;
}

const kilobytes = (bytes) => `${(bytes / 1024).toFixed(bytes < 10_240 ? 1 : 0)} KB`;

/** Bytes of the bundle by the package, or by the room of ours, that they come from; the largest first. */
function origins(inputs) {
  const sums = new Map();
  for (const [file, { bytesInOutput }] of Object.entries(inputs)) {
    const origin =
      /^builtin:/.exec(file)?.[0] ??
      /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ??
      file
        .split('/')
        .slice(0, file.startsWith('shared/') ? 2 : 1)
        .join('/');
    sums.set(origin, (sums.get(origin) ?? 0) + bytesInOutput);
  }
  return [...sums].filter(([, bytes]) => bytes > 0).sort(([, a], [, b]) => b - a);
}

/** Opencode takes a .js file beside which no package.json says "module" for CommonJS. */
async function markModules() {
  if (!existsSync(path.join(dist, 'plugin'))) return;
  await writeFile(path.join(dist, 'plugin/package.json'), '{ "type": "module" }\n');
}

/** The schemas that the editor checks settings files against come from the same definitions as the core's checks. */
async function writeSchemas() {
  const { jsonSchemas } = await import(pathToFileURL(path.join(root, 'shared/config/json-schema.ts')).href);
  await mkdir(path.join(dist, 'schemas'), { recursive: true });
  for (const [name, schema] of Object.entries(jsonSchemas(backends))) {
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
