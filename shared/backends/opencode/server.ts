import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { rm } from 'node:fs/promises';
import { messageOf } from '../../platform/errors.ts';
import type { Logger } from '../../platform/logger.ts';
import { markDescent } from '../../platform/descent-mark.ts';
import { descendants, identify, isAlive, killAll, killTree, startedWith } from '../../platform/process-table.ts';
import type { ProcessIdentity } from '../../platform/process-table.ts';
import type { OpencodeApi } from './api.ts';
import { answerOf, clientFor, urlOf } from './client.ts';
import { serverEnv } from './environment.ts';
import { requireVersion } from './program.ts';
import { readServerRecord, removeServerRecord, writeServerRecord } from './server-record.ts';
import type { ServerRecord } from './server-record.ts';

const healthMs = 5_000;
const politeMs = 2_000;
/** A process that has been forked has its environment by then. */
const birthMs = 1_000;

/** Files of a server, all below one private folder of the town. */
export const serverFiles = {
  log: 'server.log',
  temporary: 'tmp',
  database: 'opencode.db',
  models: 'models.json',
} as const;

/** A running `opencode serve` of ours, started by this host or by an earlier one. */
export class OpencodeServer {
  readonly folder: string;
  readonly record: ServerRecord;
  readonly identity: ProcessIdentity;
  readonly client: OpencodeApi;
  private readonly log: Logger;

  constructor(folder: string, record: ServerRecord, identity: ProcessIdentity, log: Logger) {
    this.folder = folder;
    this.record = record;
    this.identity = identity;
    this.client = clientFor(record.port, record.password);
    this.log = log;
  }

  get url(): string {
    return urlOf(this.record.port);
  }

  isAlive(): Promise<boolean> {
    return isAlive(this.identity);
  }

  /** Throws what is wrong. With directories: also whether each of them answers, as one can hang by itself. */
  async check(directories: Iterable<string> = [], signal?: AbortSignal): Promise<{ version: string }> {
    const bound = (): { signal: AbortSignal } => ({
      signal: AbortSignal.any([AbortSignal.timeout(healthMs), ...(signal ? [signal] : [])]),
    });
    const { version } = await answerOf('tell its health', this.client.global.health(bound()));
    for (const directory of directories) {
      await answerOf(`tell the status of ${directory}`, this.client.session.status({ directory }, bound()));
    }
    return { version };
  }

  /** Ends the server with everything below it. Bounded: a directory that hangs makes even the polite way hang. */
  async stop(sessions: Iterable<string>): Promise<void> {
    const children = [
      ...(await descendants(this.identity.pid)),
      ...(await startedWith(serverEnv.server, this.record.id)),
    ];
    const polite = (what: string, request: (options: { signal: AbortSignal }) => Promise<unknown>): Promise<void> =>
      request({ signal: AbortSignal.timeout(politeMs) }).then(
        () => undefined,
        // What does not end politely is killed below.
        (error: unknown) => this.log.debug(`opencode: ${what}: ${messageOf(error)}`),
      );
    if (await this.isAlive()) {
      await Promise.all(
        [...sessions].map((sessionID) =>
          polite('abort', (options) => this.client.session.abort({ sessionID }, options)),
        ),
      );
      await polite('dispose', (options) => this.client.global.dispose(options));
    }
    const left = await killTree(this.identity, { graceMs: politeMs, also: children });
    if (left.length > 0)
      this.log.error(`opencode: processes ${left.map(({ pid }) => pid).join(', ')} could not be killed`);
    await forget(this.folder);
  }
}

/**
 * The server that an earlier host left in this folder, if it still runs and answers; otherwise what is left of it is cleaned
 * up.
 */
export async function adoptServer(folder: string, log: Logger): Promise<OpencodeServer | undefined> {
  const record = readServerRecord(folder);
  if (!record) return undefined;
  const identity = await recordedProcess(record);
  if (identity) {
    const server = new OpencodeServer(folder, record, identity, log);
    try {
      const { version } = await server.check();
      requireVersion(record.program, version);
      // One that an older version has started has none.
      await markDescent(identity.pid);
      return server;
    } catch (error) {
      log.warn(`opencode: the server of an earlier window does not answer and is ended: ${messageOf(error)}`);
      await server.stop([]);
      return undefined;
    }
  }
  await endUnnoted(record);
  await forget(folder);
  return undefined;
}

/**
 * Ends a server of which the record does not tell the process: it is gone, or its host was killed before it could note which
 * one it is, perhaps in the very moment of its birth, when it has no environment of its own yet. Nothing tells of that.
 */
async function endUnnoted({ id, pid }: ServerRecord): Promise<void> {
  const found = await startedWith(serverEnv.server, id);
  if (found.length === 0 && pid === undefined) {
    await delay(birthMs);
    await killAll(await startedWith(serverEnv.server, id));
  } else {
    await killAll(found);
  }
}

async function recordedProcess({ pid, startTime }: ServerRecord): Promise<ProcessIdentity | undefined> {
  if (pid === undefined || startTime === undefined) return undefined;
  return (await isAlive({ pid, startTime })) ? { pid, startTime } : undefined;
}

/** Notes the process that has just been started. Undefined when it has ended already. */
export async function noteProcess(
  folder: string,
  record: ServerRecord,
  pid: number,
): Promise<ProcessIdentity | undefined> {
  const identity = await identify(pid);
  if (identity) await writeServerRecord(folder, { ...record, ...identity });
  if (identity) await markDescent(pid);
  return identity;
}

/** Opencode leaves a library of 5 MB in its temporary folder at each start. */
export async function forget(folder: string): Promise<void> {
  await removeServerRecord(folder);
  await rm(path.join(folder, serverFiles.temporary), { recursive: true, force: true });
}
