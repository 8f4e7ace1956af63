import path from 'node:path';
import type { Browser } from '../setup/browser.ts';
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
  /** The address of such a window, for a person's own browser. */
  address(workspace?: string): string;
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
  const address = (workspace?: string): string => {
    const query = new URLSearchParams();
    if (options.token !== undefined) query.set('tkn', options.token);
    if (workspace === undefined) query.set('ew', 'true');
    else query.set('folder', path.resolve(workspace));
    if (development !== undefined) query.set('payload', developmentPayload(server.port, development));
    return `${server.url}?${query}`;
  };
  const browser = await startBrowser(options.browser, options.home).catch(async (error: unknown) => {
    await server.stop();
    throw error;
  });
  const context = await browser.newContext({ viewport: VIEWPORT });
  return {
    server,
    address,
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

function developmentPayload(port: number, folder: string): string {
  return JSON.stringify([['extensionDevelopmentPath', `vscode-remote://127.0.0.1:${port}${path.resolve(folder)}`]]);
}
