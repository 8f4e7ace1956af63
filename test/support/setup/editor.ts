import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { cached } from './cache.ts';
import { fetchPackage } from './fetch-package.ts';
import { EDITOR } from './pins.ts';
import { step } from './progress.ts';
import type { Say } from './progress.ts';
import { mustRun } from './run-program.ts';

/** VS Code as a server: the workbench in a browser, with the Node extension host. */
export interface ServerEditor {
  readonly version: string;
  /** Folder with `out/server-main.js`. */
  readonly folder: string;
  /** The program that runs it: a Node of the version that VS Code ships. */
  readonly node: string;
  /** Folder with VS Code's `rg`, for programs that want ripgrep on PATH. */
  readonly ripgrepFolder: string;
}

const VERSION = '1.139.1';

/** Raise when the steps below change, so that caches are made again. */
const RECIPE = 'recipe 1';

/** Built-in extensions that no test needs and that are a third of the size. */
const LEFT_OUT = [
  'copilot',
  'mermaid-markdown-features',
  'ms-vscode.js-debug',
  'ms-vscode.js-debug-companion',
  'ms-vscode.vscode-js-profile-table',
  'microsoft-authentication',
];

/** Native modules that need a compiler, and features of which nothing here is used. */
const UNNEEDED_DEPENDENCIES = [
  '@devcontainers/cli',
  '@github/copilot-sdk',
  '@microsoft/mxc-sdk',
  '@vscode/copilot-api',
  '@vscode/sandbox-runtime',
  '@vscode/sqlite3',
  '@vscode/windows-process-tree',
  '@vscode/windows-registry',
  'kerberos',
  'ssh2',
];

/** Native modules without a prebuilt binary that VS Code does load: stand-ins/<name>.mjs takes their place. */
const STAND_INS = ['spdlog', 'native-watchdog'];

/**
 * VS Code built as a server, out of the npm package `code-server`, in the per-user cache. The wrapper of that package
 * is not used: it lacks the flags that tests need.
 */
export async function serverEditor(say: Say): Promise<ServerEditor> {
  const entry = {
    name: 'vscode-server',
    version: VERSION,
    recipe: [EDITOR.integrity, RECIPE, process.platform, process.arch],
    has: ['out/server-main.js', 'node_modules/ws/package.json'],
  };
  const folder = await cached(entry, say, (building) => build(building, say));
  return {
    version: VERSION,
    folder,
    node: process.execPath,
    ripgrepFolder: path.join(folder, 'node_modules/@vscode/ripgrep-universal/bin', platformFolder()),
  };
}

async function build(folder: string, say: Say): Promise<void> {
  const unpacked = path.join(folder, '.package');
  const exclude = LEFT_OUT.map((extension) => `lib/vscode/extensions/${extension}`);
  await fetchPackage(EDITOR, { include: ['lib/vscode'], exclude }, unpacked, say);
  await mustRun('cp', ['-R', `${path.join(unpacked, 'lib/vscode')}/.`, folder]);
  await rm(unpacked, { recursive: true });
  await dropUnneededDependencies(path.join(folder, 'package.json'));
  await step(say, "Installing the editor's own packages (30 MB)", () =>
    mustRun('npm', ['install', '--ignore-scripts', '--omit=dev', '--no-audit', '--no-fund'], { cwd: folder }),
  );
  for (const name of STAND_INS) await putStandIn(folder, name);
  await prune(path.join(folder, 'node_modules/@vscode/ripgrep-universal/bin'));
  await prune(path.join(folder, 'node_modules/node-pty/prebuilds'));
}

async function dropUnneededDependencies(file: string): Promise<void> {
  const manifest = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown> & {
    dependencies: Record<string, string>;
  };
  delete manifest['overrides'];
  delete manifest['allowScripts'];
  for (const name of UNNEEDED_DEPENDENCIES) delete manifest.dependencies[name];
  await writeFile(file, JSON.stringify(manifest, null, 2));
}

async function putStandIn(folder: string, name: string): Promise<void> {
  const target = path.join(folder, 'node_modules/@vscode', name);
  const { version } = JSON.parse(await readFile(path.join(target, 'package.json'), 'utf8')) as { version: string };
  await rm(target, { recursive: true });
  await mkdir(target);
  await copyFile(path.join(import.meta.dirname, 'stand-ins', `${name}.mjs`), path.join(target, 'index.mjs'));
  await writeFile(
    path.join(target, 'package.json'),
    JSON.stringify({ name: `@vscode/${name}`, version, main: 'index.mjs' }),
  );
}

/** Removes other platforms' binaries. */
async function prune(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name !== platformFolder()) await rm(path.join(folder, name), { recursive: true });
  }
}

function platformFolder(): string {
  return `${process.platform}-${process.arch}`;
}
