import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeAtomically } from '../platform/files.ts';
import { gitLeftovers } from '../platform/inherited-environment.ts';
import type { TownPaths } from '../config/town-paths.ts';

/** How to run one of our bundled scripts with the editor's own Node. */
export interface NodeProgram {
  command: string;
  /** E.g. `ELECTRON_RUN_AS_NODE=1`. */
  env: Record<string, string>;
}

/**
 * Writes `gt` and `gastown` as small start scripts into the town's bin folders, for the editor that runs now: its path
 * changes with every update. They may be called from a git hook or a debugger's terminal: neither reaches what they start.
 */
export async function writeLaunchers(paths: TownPaths, node: NodeProgram, script: string): Promise<void> {
  const targets: [string, string[]][] = [
    [paths.bin, ['gt', 'gastown']],
    [paths.foreignBin, ['gastown']],
  ];
  for (const [folder, names] of targets) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for (const name of names) {
      if (process.platform === 'win32') await writeAtomically(join(folder, `${name}.cmd`), cmdScript(node, script));
      await writeAtomically(join(folder, name), shellScript(node, script));
      await chmod(join(folder, name), 0o755);
    }
  }
}

const foreign = ['NODE_OPTIONS', ...gitLeftovers];

function shellScript(node: NodeProgram, script: string): string {
  const env = Object.entries(node.env).map(([key, value]) => `${key}=${quote(value)}`);
  return [
    '#!/bin/sh',
    `unset ${foreign.join(' ')}`,
    `${[...env, 'exec', quote(node.command), quote(script)].join(' ')} "$@"`,
    '',
  ].join('\n');
}

function cmdScript(node: NodeProgram, script: string): string {
  const env = Object.entries(node.env).map(([key, value]) => `@set "${key}=${value}"`);
  return [
    '@echo off',
    '@setlocal',
    ...foreign.map((name) => `@set "${name}="`),
    ...env,
    `@"${node.command}" "${script}" %*`,
    '',
  ].join('\r\n');
}

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
