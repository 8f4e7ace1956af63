import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import type { ResolvedAgent } from '../../domain/agent.ts';
import type { DriverHost } from '../driver.ts';
import { GasTownError, messageOf } from '../../platform/errors.ts';
import { Timers } from '../../platform/timer.ts';
import type { Environment } from '../../platform/inherited-environment.ts';
import { findOpencode } from './program.ts';
import { adoptServer } from './server.ts';
import type { OpencodeServer } from './server.ts';
import { ServerConnection } from './server-connection.ts';
import { readServerRecord } from './server-record.ts';
import { startServer } from './start-server.ts';

/** A server without sessions is kept this long, as the next session is often a moment away. */
const lingerMs = 30_000;
const defaultLeaseMs = 30 * 60_000;

export interface ServerPoolOptions {
  /** `<town>/.runtime/opencode`. */
  folder: string;
  environment: Environment;
  socket: string;
  hostFile: string;
  pluginFile: string;
  leaseMs?: number;
  host: Pick<DriverHost, 'log' | 'now' | 'awake'>;
  /** The server has ended by itself, with these runs on it. */
  onGone(link: ServerConnection): void;
}

/**
 * The servers of a town: one for all its agents, except that an agent with a program or an environment of its own needs a
 * server of its own (a server has one environment for all its sessions). One start at a time for each.
 */
export class ServerPool {
  private readonly options: ServerPoolOptions;
  private readonly links = new Map<string, ServerConnection>();
  private readonly pending = new Map<string, Promise<ServerConnection | undefined>>();
  private readonly lingering = new Timers();
  /** Servers of an earlier host, until they are taken up: launch → token and id. */
  private readonly left = new Map<string, { token: string; id: string }>();
  private readonly ending = new AbortController();

  constructor(options: ServerPoolOptions) {
    this.options = options;
    for (const launch of foldersIn(options.folder)) {
      const record = readServerRecord(this.folderOf(launch));
      if (!record) continue;
      this.left.set(launch, record);
      this.linger(launch);
    }
  }

  get all(): Iterable<ServerConnection> {
    return this.links.values();
  }

  /** The server with this token on the channel. */
  serverOf(token: string): string | undefined {
    const link = [...this.links.values()].find(({ server }) => server.record.token === token);
    return link?.server.record.id ?? [...this.left.values()].find((record) => record.token === token)?.id;
  }

  /** The link of a server that speaks to us; one of an earlier host is taken up. */
  async linkOf(id: string): Promise<ServerConnection | undefined> {
    const link = [...this.links.values()].find(({ server }) => server.record.id === id);
    if (link) return link;
    const launch = [...this.left].find(([, record]) => record.id === id)?.[0];
    return launch === undefined ? undefined : this.adopt(launch);
  }

  /** The running server for this agent, taken up or started. The caller holds it until `release`. */
  async acquire(
    agent: ResolvedAgent,
    directory: string,
    providers: string[],
    signal: AbortSignal,
  ): Promise<ServerConnection> {
    const { environment } = this.options;
    const program = await findOpencode(agent.command, { ...environment, ...agent.env });
    const launch = launchKey(agent, program);
    const either = AbortSignal.any([signal, this.ending.signal]);
    for (;;) {
      const link =
        this.links.get(launch) ??
        (await unlessAborted(this.adopt(launch), either)) ??
        (await unlessAborted(this.start(agent, launch, program, directory, providers), either));
      // It may have ended, or have been stopped for want of use, while we waited.
      if (!link || this.links.get(launch) !== link) continue;
      link.holds += 1;
      this.lingering.clear(launch);
      return link;
    }
  }

  /** Ends a hold. Without any use left the server is stopped: at once, or when nobody came after a while. */
  async release(link: ServerConnection, when: 'at once' | 'later'): Promise<void> {
    link.holds -= 1;
    await this.settle(link, when);
  }

  /** Call when a run has gone from the link. */
  async settle(link: ServerConnection, when: 'at once' | 'later'): Promise<void> {
    const { launch } = link.server.record;
    if (!link.unused || this.links.get(launch) !== link) return;
    if (when === 'later') this.linger(launch);
    else await this.stop(link);
  }

  /** The server that an earlier host left for this launch, taken up. */
  adopt(launch: string): Promise<ServerConnection | undefined> {
    const link = this.links.get(launch);
    if (link) return Promise.resolve(link);
    return this.once(launch, async () => {
      const server = await adoptServer(this.folderOf(launch), this.options.host.log);
      return server && this.enter(launch, server);
    });
  }

  folderOf(launch: string): string {
    return path.join(this.options.folder, launch);
  }

  /** Servers with sessions go on for the next host; the others end. */
  async dispose(): Promise<void> {
    this.ending.abort();
    await Promise.allSettled(this.pending.values());
    // What an earlier host left, and nobody has taken up since, has no sessions either.
    await Promise.allSettled([...this.left.keys()].map((launch) => this.adopt(launch)));
    this.lingering.dispose();
    const links = [...this.links.values()];
    for (const link of links) if (link.runs.size > 0) link.letGo();
    await Promise.all(links.filter((link) => link.runs.size === 0).map((link) => this.stop(link)));
  }

  private start(
    agent: ResolvedAgent,
    launch: string,
    program: string,
    directory: string,
    providers: string[],
  ): Promise<ServerConnection | undefined> {
    const { environment, socket, hostFile, pluginFile, leaseMs, host } = this.options;
    const wanted = {
      folder: this.folderOf(launch),
      launch,
      program,
      host: environment,
      own: agent.env,
      directory,
      providers,
      plugin: pluginFile,
      socket,
      hostFile,
      leaseMs: leaseMs ?? defaultLeaseMs,
      log: host.log,
    };
    // Others may wait for the same start: only the end of the host cancels it.
    return this.once(launch, async () => this.enter(launch, await startServer(wanted, this.ending.signal)));
  }

  private async once(
    launch: string,
    make: () => Promise<ServerConnection | undefined>,
  ): Promise<ServerConnection | undefined> {
    const before = this.pending.get(launch);
    if (before) return before;
    const making = make().finally(() => this.pending.delete(launch));
    this.pending.set(launch, making);
    return making;
  }

  private enter(launch: string, server: OpencodeServer): ServerConnection {
    const link = new ServerConnection(server, this.options.host, (gone) => {
      this.links.delete(launch);
      this.options.onGone(gone);
    });
    this.left.delete(launch);
    this.links.set(launch, link);
    this.linger(launch);
    return link;
  }

  private linger(launch: string): void {
    this.lingering.set(launch, lingerMs, () => void this.reap(launch));
  }

  private async reap(launch: string): Promise<void> {
    // What is just being started, taken up or stopped is nothing that was left: whoever does that has it next.
    if (this.pending.has(launch)) return this.linger(launch);
    try {
      const link = await this.adopt(launch);
      if (link?.unused) await this.stop(link);
      else if (link) this.lingering.clear(launch);
    } catch (error) {
      this.options.host.log.error(`opencode: an unused server could not be stopped: ${messageOf(error)}`);
    }
  }

  private async stop(link: ServerConnection): Promise<void> {
    const { launch } = link.server.record;
    this.lingering.clear(launch);
    this.links.delete(launch);
    await this.once(launch, async () => {
      await link.stop();
      return undefined;
    });
  }
}

/** Pure. Agents with the same key share a server. */
export function launchKey(agent: ResolvedAgent, program: string): string {
  const environment = Object.entries(agent.env).sort(([a], [b]) => a.localeCompare(b));
  const text = JSON.stringify([program, environment]);
  return `server-${createHash('sha256').update(text).digest('hex').slice(0, 8)}`;
}

function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    // No server was ever started in this town.
    return [];
  }
}

/** The same, but it rejects as soon as the signal fires; what was started goes on for whoever else waits. */
function unlessAborted<T>(started: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const fail = (): void => reject(new GasTownError('cancelled', 'Starting the Opencode server was cancelled.'));
    if (signal.aborted) fail();
    signal.addEventListener('abort', fail, { once: true });
    started.then(resolve, reject).finally(() => signal.removeEventListener('abort', fail));
  });
}
