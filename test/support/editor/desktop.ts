import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { _electron } from 'playwright-core';
import type { ElectronApplication } from 'playwright-core';
import type { DesktopEditor } from '../setup/desktop.ts';
import { mustRun } from '../setup/run-program.ts';
import { EditorPage } from './editor-page.ts';
import { endProcessesOf } from './processes.ts';
import type { ProcessFact } from './processes.ts';
import { quietSettings } from './settings.ts';

export interface DesktopOptions {
  readonly desktop: DesktopEditor;
  readonly folder: string;
  readonly home: string;
  readonly path: string;
  readonly env: Readonly<Record<string, string>>;
  readonly vsix: readonly string[];
  readonly screenshots: string;
}

/** What a display needs of this process's environment. */
const DISPLAY_VARIABLES = ['DISPLAY', 'WAYLAND_DISPLAY', 'XAUTHORITY', 'XDG_RUNTIME_DIR', 'DBUS_SESSION_BUS_ADDRESS'];

/** Those of them that there are. */
export function displayVariables(): Record<string, string> {
  return Object.fromEntries(
    DISPLAY_VARIABLES.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}

/** How long what is left of a run may take to end by itself (ms). */
const STOP_LIMIT = 5_000;

/** The same workbench in its own window, with folders of its own: the user's settings and extensions stay as they are. */
export async function startDesktopEditor(options: DesktopOptions): Promise<{
  open(workspace: string): Promise<EditorPage>;
  stop(): Promise<ProcessFact[]>;
}> {
  const { desktop, folder, home } = options;
  const data = path.join(folder, 'user-data');
  const directories = ['--user-data-dir', data, '--extensions-dir', path.join(folder, 'extensions')];
  const env: Record<string, string> = {
    HOME: home,
    PATH: options.path,
    LANG: 'C.UTF-8',
    ...displayVariables(),
    ...options.env,
  };
  await mkdir(path.join(data, 'User'), { recursive: true });
  await writeFile(path.join(data, 'User/settings.json'), JSON.stringify(quietSettings(false), null, 2));
  const [program, ...first] = desktop.cli;
  for (const file of options.vsix)
    await mustRun(program!, [...first, '--install-extension', file, ...directories], { env });
  let app: ElectronApplication | undefined;
  return {
    open: async (workspace) => {
      const args = [
        workspace,
        ...directories,
        '--skip-welcome',
        '--skip-release-notes',
        '--disable-updates',
        '--disable-workspace-trust',
      ];
      app = await _electron.launch({ executablePath: desktop.electron, args, env });
      const page = new EditorPage(await app.firstWindow(), options.screenshots);
      await page.ready();
      return page;
    },
    stop: async () => {
      await app?.close();
      return endProcessesOf(folder, STOP_LIMIT);
    },
  };
}
