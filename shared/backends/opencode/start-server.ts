import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, open, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { watchFile } from '../../platform/watch-file.ts';
import { GasTownError, messageOf, throwIfCancelled } from '../../platform/errors.ts';
import type { Logger } from '../../platform/logger.ts';
import { killAll, killTree, startedWith } from '../../platform/process-table.ts';
import { writeCatalogue } from './catalogue.ts';
import { serverEnv, serverEnvironment } from './environment.ts';
import type { Environment } from '../../platform/inherited-environment.ts';
import { readVersion, requireVersion } from './program.ts';
import { forget, noteProcess, OpencodeServer, serverFiles } from './server.ts';
import { writeServerRecord } from './server-record.ts';
import type { ServerRecord } from './server-record.ts';

/** A cold start takes 3 s on a quiet machine and was seen to take 30 s on a busy one. */
const startMs = 60_000;

export interface ServerLaunch {
  /** Private folder of this server. */
  folder: string;
  launch: string;
  program: string;
  host: Environment;
  /** The configured agent's `env`. */
  own: Environment;
  /** Where the first session works: its configuration says which providers are needed. */
  directory: string;
  providers: readonly string[];
  /** Absolute path of the bundled gastown.js. */
  plugin: string;
  socket: string;
  hostFile: string;
  leaseMs: number;
  log: Logger;
}

/**
 * Starts a server. Rejects with `spawn-failed` or `agent-too-old`, with the program's own last words, and with nothing left
 * running. The first start on a new database can lose a race inside Opencode and end with 1: it is tried once more.
 */
export async function startServer(launch: ServerLaunch, signal: AbortSignal): Promise<OpencodeServer> {
  await mkdir(launch.folder, { recursive: true, mode: 0o700 });
  const first = await attempt(launch, signal);
  if (first instanceof OpencodeServer) return first;
  const second = first.exitCode === 1 ? await attempt(launch, signal) : first;
  if (second instanceof OpencodeServer) return second;
  throw second.error;
}

async function attempt(launch: ServerLaunch, signal: AbortSignal): Promise<OpencodeServer | Failure> {
  throwIfCancelled(signal, 'Starting the Opencode server');
  const { folder, program, log } = launch;
  const files = filesIn(folder);
  await mkdir(files.temporary, { recursive: true, mode: 0o700 });
  const secret = (): string => randomBytes(32).toString('base64url');
  const record: ServerRecord = {
    id: randomBytes(8).toString('hex'),
    launch: launch.launch,
    program,
    port: await freePort(),
    password: secret(),
    token: secret(),
  };
  // One that a killed host was just starting may have had no environment yet when it was looked for. The database is this folder's.
  await killAll(await startedWith(serverEnv.database, files.database));
  // Before the process: if we die in between, the next host still finds it by the id in its environment.
  await writeServerRecord(folder, record);
  const environment = await environmentFor(launch, record);
  const child = await spawnServer(program, record.port, folder, environment, files.log);
  if (child instanceof Error) return failed(launch, environment, child.message, undefined);
  const identity = await noteProcess(folder, record, child.pid!);
  const outcome = await listening(child, files.log, signal);
  if (identity && outcome.kind === 'listening') {
    const server = new OpencodeServer(folder, { ...record, ...identity }, identity, log);
    try {
      const { version } = await server.check([], signal);
      requireVersion(program, version);
      log.info(`opencode: server ${version} on port ${record.port}, pid ${identity.pid}`);
      return server;
    } catch (error) {
      await server.stop([]);
      throwIfCancelled(signal, 'Starting the Opencode server');
      if (GasTownError.is(error, 'agent-too-old')) throw error;
      return failed(launch, environment, messageOf(error), undefined);
    }
  }
  if (identity) await killTree(identity, { graceMs: 500 });
  throwIfCancelled(signal, 'Starting the Opencode server');
  if (outcome.kind === 'failed') return failed(launch, environment, outcome.what, outcome.code);
  return failed(launch, environment, 'it ended at once', undefined);
}

interface Failure {
  error: GasTownError;
  exitCode: number | undefined;
}

/** The error with the program's last words; an old version is named as such, whatever it stumbled over. */
async function failed(
  { folder, program }: ServerLaunch,
  environment: Record<string, string>,
  what: string,
  exitCode: number | undefined,
): Promise<Failure> {
  const words = await lastLines(filesIn(folder).log);
  const version = await readVersion(program, environment);
  await forget(folder);
  if (version !== undefined) requireVersion(program, version);
  const said = words === '' ? 'It printed nothing.' : `Its last words:\n${words}`;
  const advice = `Try \`${program} serve\` in a terminal.`;
  return {
    error: new GasTownError('spawn-failed', `The Opencode server did not start: ${what}. ${said}\n${advice}`),
    exitCode,
  };
}

async function environmentFor(launch: ServerLaunch, record: ServerRecord): Promise<Record<string, string>> {
  const files = filesIn(launch.folder);
  const person = { ...launch.host, ...launch.own };
  const trimmed = await writeCatalogue(files.models, person, launch.directory, launch.providers);
  return serverEnvironment(launch.host, launch.own, {
    id: record.id,
    password: record.password,
    token: record.token,
    socket: launch.socket,
    hostFile: launch.hostFile,
    leaseMs: launch.leaseMs,
    database: files.database,
    temporary: files.temporary,
    pluginUrl: pathToFileURL(launch.plugin).href,
    ...(trimmed ? { models: files.models } : {}),
  });
}

function filesIn(folder: string): Record<keyof typeof serverFiles, string> {
  const inside = (name: string): string => path.join(folder, name);
  return {
    log: inside(serverFiles.log),
    temporary: inside(serverFiles.temporary),
    database: inside(serverFiles.database),
    models: inside(serverFiles.models),
  };
}

/** The editor knows our servers by these, so as to forward no port of theirs (`remote.portsAttributes` in `package.json`). */
export const serverArguments = (port: number): string[] => ['serve', '--hostname', '127.0.0.1', '--port', String(port)];

/** Its output goes to a file: a pipe would break when this host goes away. Its cwd must stay when a worktree goes. */
async function spawnServer(
  program: string,
  port: number,
  cwd: string,
  env: Record<string, string>,
  logFile: string,
): Promise<ChildProcess | Error> {
  const output = await open(logFile, 'w', 0o600);
  try {
    const child = spawn(program, serverArguments(port), {
      cwd,
      env,
      detached: true,
      windowsHide: true,
      stdio: ['ignore', output.fd, output.fd],
    });
    try {
      await once(child, 'spawn');
    } catch (error) {
      return error instanceof Error ? error : new Error(messageOf(error));
    }
    child.unref();
    return child;
  } finally {
    await output.close();
  }
}

type StartOutcome = { kind: 'listening' } | { kind: 'failed'; what: string; code: number | undefined };

/**
 * Waits for the line `opencode server listening on …`. A request before it hangs for ever (measured), so there is no
 * other way to ask.
 */
function listening(child: ChildProcess, logFile: string, signal: AbortSignal): Promise<StartOutcome> {
  return new Promise((resolve) => {
    const fail = (what: string, code?: number): void => finish({ kind: 'failed', what, code });
    const finish = (outcome: StartOutcome): void => {
      clearTimeout(timer);
      stopWatching();
      child.off('exit', onExit);
      signal.removeEventListener('abort', onAbort);
      resolve(outcome);
    };
    const look = async (): Promise<void> => {
      if ((await lastLines(logFile, 100)).includes('opencode server listening on ')) finish({ kind: 'listening' });
    };
    const onExit = (code: number | null, by: NodeJS.Signals | null): void =>
      fail(by === null ? `it exited with ${code}` : `it was ended by ${by}`, code ?? undefined);
    const onAbort = (): void => fail('cancelled');
    const timer = setTimeout(fail, startMs, `it was not listening after ${startMs / 1000} s`);
    const stopWatching = watchFile(logFile, () => void look());
    child.once('exit', onExit);
    signal.addEventListener('abort', onAbort, { once: true });
    if (child.exitCode !== null || child.signalCode !== null) onExit(child.exitCode, child.signalCode);
    else void look();
  });
}

async function lastLines(file: string, count = 12): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trimEnd().split('\n').slice(-count).join('\n');
  } catch (error) {
    return `(${file} could not be read: ${messageOf(error)})`;
  }
}

/** A port that is free now. Opencode's own `--port 0` prefers 4096, where the user's Opencode may want to be. */
async function freePort(): Promise<number> {
  const probe = createServer();
  probe.listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (address === null || typeof address === 'string')
    throw new GasTownError('internal', 'The system gave no free port.');
  return address.port;
}
