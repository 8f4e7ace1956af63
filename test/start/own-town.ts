import { randomBytes } from 'node:crypto';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { startServer } from '../support/editor/server.ts';
import { installedDesktop } from '../support/setup/desktop.ts';
import { serverEditor } from '../support/setup/editor.ts';
import { packageExtension } from '../support/setup/extension-package.ts';
import { mustRun } from '../support/setup/run-program.ts';
import { SetupError } from '../support/setup/setup-error.ts';
import type { StartOptions } from './options.ts';

/**
 * Opens a folder of the user's with their own agents and accounts: in a desktop VS Code where that is asked for, else
 * in the editor's server build, whose address (with a secret) is printed.
 */
export async function openOwnTown(options: StartOptions & { town: string }, interrupted: Promise<void>): Promise<void> {
  const town = await realpath(options.town).catch(() => {
    throw new SetupError(`${options.town} does not exist. Give the folder that is, or is to become, your town.`);
  });
  const vsix = await packageExtension(console.log);
  await (options.desktop ? openDesktop(town, vsix) : serve(town, vsix, interrupted));
}

/** Installs the extension into the desktop VS Code on PATH and opens a window; the window stays when this ends. */
async function openDesktop(town: string, vsix: string): Promise<void> {
  const { cli } = installedDesktop();
  const [program, ...first] = cli;
  await mustRun(program!, [...first, '--install-extension', vsix, '--force']);
  await mustRun(program!, [...first, '--new-window', town]);
  console.log(`Opened ${town} in VS Code, with the Gas Town extension installed.`);
}

async function serve(town: string, vsix: string, interrupted: Promise<void>): Promise<void> {
  const editor = await serverEditor(console.log);
  const folder = await mkdtemp(path.join(tmpdir(), 'gastown-own-'));
  const token = randomBytes(16).toString('hex');
  const env = Object.fromEntries(
    Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  const server = await startServer({
    editor,
    folder,
    home: homedir(),
    path: process.env['PATH'] ?? '',
    env,
    vsix: [vsix],
    workspaceTrust: true,
    token,
  });
  try {
    console.log(
      `\nYour town is open at ${server.url}?tkn=${token}&folder=${encodeURIComponent(town)}\nPress Ctrl-C to close the editor.`,
    );
    await interrupted;
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}
