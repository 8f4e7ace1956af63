import path from 'node:path';
import { format } from 'node:util';
import type { Browser } from '../setup/browser.ts';
import type { Say } from '../setup/progress.ts';
import { startBrowser } from './chromium.ts';
import { EditorPage } from './editor-page.ts';
import type { ProcessFact } from './processes.ts';
import { startServer } from './server.ts';
import type { Server, ServerOptions } from './server.ts';

/** How an editor is started: a server, and a browser that shows its windows. */
export interface EditorOptions extends ServerOptions {
  readonly browser: Browser;
  /** Where screenshots go. */
  readonly screenshots: string;
  /** Load the extension from this folder instead of an installed .vsix. Turns the smoke test driver on. */
  readonly extensionDevelopmentPath?: string;
}

/** A running editor. One serves many tests. */
export interface Editor {
  readonly server: Server;
  /** Opens a window on a folder (absolute), or an empty one. */
  open(workspace?: string): Promise<EditorPage>;
  /** The address of such a window, for a user's own browser. */
  address(workspace?: string): string;
  /**
   * Opens a window on a folder whose extension host runs what this module (absolute) exports as `run`, and shows what it
   * prints. Resolves to 0 when that resolved, and also where the host died of it.
   */
  runTests(workspace: string, module: string, say: Say): Promise<number>;
  /** Closes everything and returns the processes that had to be killed one by one: none, when all ended as they should. */
  stop(): Promise<ProcessFact[]>;
}

const VIEWPORT = { width: 1280, height: 800 };

/** Starts the server, then the browser. On failure nothing of it keeps running. */
export async function startEditor(options: EditorOptions): Promise<Editor> {
  const development = options.extensionDevelopmentPath;
  const server = await startServer({
    ...options,
    smokeTestDriver: options.smokeTestDriver ?? development !== undefined,
  });
  const address = (workspace?: string, tests?: string): string => {
    const query = new URLSearchParams();
    if (options.token !== undefined) query.set('tkn', options.token);
    if (workspace === undefined) query.set('ew', 'true');
    else query.set('folder', path.resolve(workspace));
    if (development !== undefined) query.set('payload', developmentPayload(server.port, development, tests));
    return `${server.url}?${query}`;
  };
  const browser = await startBrowser(options.browser, options.home).catch(async (error: unknown) => {
    await server.stop();
    throw error;
  });
  const context = await browser.newContext({ viewport: VIEWPORT });
  return {
    server,
    address: (workspace) => address(workspace),
    runTests: async (workspace, module, say) => {
      const page = await context.newPage();
      // The workbench looks for both when it starts.
      await page.exposeFunction('codeAutomationLog', (_severity: string, words: readonly unknown[]) =>
        say(format(...words)),
      );
      return new Promise<number>((resolve, reject) => {
        page
          .exposeFunction('codeAutomationExit', resolve)
          .then(() => page.goto(address(workspace, module)))
          .catch(reject);
      });
    },
    open: async (workspace) => {
      const page = new EditorPage(await context.newPage(), options.screenshots);
      await page.page.goto(address(workspace));
      await page.ready();
      return page;
    },
    stop: async () => {
      await browser.close();
      return server.stop();
    },
  };
}

function developmentPayload(port: number, folder: string, tests?: string): string {
  const remote = (file: string): string => `vscode-remote://127.0.0.1:${port}${path.resolve(file)}`;
  const payload = [['extensionDevelopmentPath', remote(folder)]];
  if (tests !== undefined) payload.push(['extensionTestsPath', remote(tests)]);
  return JSON.stringify(payload);
}
