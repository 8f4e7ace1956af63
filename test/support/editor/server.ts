import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as after } from 'node:timers/promises';
import { patience } from '../patience.ts';
import { mustRun } from '../setup/run-program.ts';
import type { ServerEditor } from '../setup/editor.ts';
import { endProcessesOf, sendSignal } from './processes.ts';
import type { ProcessFact } from './processes.ts';
import { quietSettings } from './settings.ts';

/** How an editor server is started. */
export interface ServerOptions {
  readonly editor: ServerEditor;
  /** A fresh folder of this run; everything that the server writes, and `home`, should lie in it. */
  readonly folder: string;
  /** HOME of the server, of its terminals and of all that they start. */
  readonly home: string;
  /** PATH of the same. Nothing else of this process's environment is handed on. */
  readonly path: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Extensions to install before the start (paths of .vsix files). */
  readonly vsix?: readonly string[];
  /** Ask before code of an unknown folder runs, as for a user. */
  readonly workspaceTrust?: boolean;
  /** VS Code's --enable-smoke-test-driver: needed for an extension from a folder; hides notification toasts. */
  readonly smokeTestDriver?: boolean;
  /** A user uses it: the address carries a secret token. */
  readonly token?: string;
  /** Further settings, over the quiet ones. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

/** A running editor server. */
export interface Server {
  readonly port: number;
  /** `http://127.0.0.1:PORT/` */
  readonly url: string;
  /** Ends the server and everything of its run. Returns the processes that had to be killed one by one. */
  stop(): Promise<ProcessFact[]>;
}

/** A start that takes longer has failed (ms). It takes one second. */
const START_LIMIT = 60_000;
/** What the server is given to end by itself after TERM, and then what its terminals held (ms). */
const STOP_LIMIT = 10_000;
const TERMINALS_LIMIT = 3_000;

/** Starts the editor's server on a free port of the loopback interface, in its own process group. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const directories = directoryFlags(options.folder);
  await prepareFolder(options);
  for (const file of options.vsix ?? []) await installExtension(options, file);
  const child = spawn(
    options.editor.node,
    [
      path.join(options.editor.folder, 'out/server-main.js'),
      '--host',
      '127.0.0.1',
      '--port',
      '0',
      '--accept-server-license-terms',
      '--telemetry-level',
      'off',
      '--reconnection-grace-time',
      '30',
      ...directories,
      ...(options.token === undefined ? ['--without-connection-token'] : ['--connection-token', options.token]),
      ...(options.workspaceTrust === true ? [] : ['--disable-workspace-trust']),
      ...(options.smokeTestDriver === true ? ['--enable-smoke-test-driver'] : []),
    ],
    { cwd: options.folder, env: serverEnvironment(options), detached: true, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const killGroup = (): void => {
    if (child.pid !== undefined) sendSignal(-child.pid, 'SIGKILL');
  };
  process.once('exit', killGroup);
  const end = async (): Promise<ProcessFact[]> => {
    const leftOver = await stop(child, options.folder);
    process.removeListener('exit', killGroup);
    return leftOver;
  };
  let stopped: Promise<ProcessFact[]> | undefined;
  try {
    const port = await listeningPort(child, path.join(options.folder, 'server.log'));
    return { port, url: `http://127.0.0.1:${port}/`, stop: () => (stopped ??= end()) };
  } catch (error) {
    await end();
    throw error;
  }
}

function directoryFlags(folder: string): string[] {
  return [
    '--server-data-dir',
    path.join(folder, 'server-data'),
    '--user-data-dir',
    path.join(folder, 'user-data'),
    '--extensions-dir',
    path.join(folder, 'extensions'),
  ];
}

function serverEnvironment(options: ServerOptions): Record<string, string> {
  return {
    HOME: options.home,
    PATH: options.path,
    SHELL: '/bin/bash',
    LANG: 'C.UTF-8',
    TERM: 'xterm-256color',
    TMPDIR: path.join(options.folder, 'tmp'),
    EXTENSIONS_GALLERY: '{}',
    ...options.env,
  };
}

async function prepareFolder(options: ServerOptions): Promise<void> {
  const settings = { ...quietSettings(options.workspaceTrust === true), ...options.settings };
  const folder = path.join(options.folder, 'user-data/User');
  await mkdir(path.join(options.folder, 'tmp'), { recursive: true });
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, 'settings.json'), JSON.stringify(settings, null, 2));
}

async function installExtension(options: ServerOptions, file: string): Promise<void> {
  const program = path.join(options.editor.folder, 'out/server-main.js');
  const args = [program, '--install-extension', file, ...directoryFlags(options.folder)];
  await mustRun(options.editor.node, args, { cwd: options.folder, env: serverEnvironment(options) });
}

/** The port that the server says it listens on. Its output goes on into the log file. */
function listeningPort(child: ChildProcess, logFile: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const log = createWriteStream(logFile, { flags: 'a' });
    const fail = (what: string): void => {
      const words = (): Promise<string> => readFile(logFile, 'utf8').catch(() => '');
      log.end(
        () => void words().then((text) => reject(new Error(`The editor's server ${what}:\n${text.slice(-2000)}`))),
      );
    };
    const bound = patience(START_LIMIT);
    const limit = setTimeout(() => fail(`did not listen within ${bound / 1000} s`), bound);
    child.once('error', (error) => fail(`could not be started (${error.message})`));
    child.once('exit', (code, signal) => {
      clearTimeout(limit);
      fail(`ended with ${signal ?? `code ${code}`}`);
    });
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      stream.pipe(log, { end: false });
      createInterface(stream).on('line', (line) => {
        const port = /Extension host agent listening on (\d+)/.exec(line)?.[1];
        if (port === undefined) return;
        clearTimeout(limit);
        resolve(Number(port));
      });
    }
  });
}

async function stop(child: ChildProcess, folder: string): Promise<ProcessFact[]> {
  if (child.pid === undefined) return [];
  if (child.exitCode === null && child.signalCode === null) {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    sendSignal(-child.pid, 'SIGTERM');
    await Promise.race([ended, after(patience(STOP_LIMIT), undefined, { ref: false })]);
  }
  sendSignal(-child.pid, 'SIGKILL');
  return endProcessesOf(folder, TERMINALS_LIMIT);
}
