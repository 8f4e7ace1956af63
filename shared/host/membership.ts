import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { ChannelClient } from '../channel/client.ts';
import { changedNotification, deltaNotification, protocolVersion, showNotification } from '../channel/protocol.ts';
import type { ShowRequest, TownApi } from '../channel/protocol.ts';
import { DisposableStore } from '../platform/disposable-store.ts';
import { GasTownError, messageOf } from '../platform/errors.ts';
import { Emitter } from '../platform/emitter.ts';
import type { Disposable } from '../platform/emitter.ts';
import { readHostFile } from '../channel/read-host-file.ts';
import type { TownHost } from './host.ts';
import type { TownHostOptions } from './host-options.ts';
import { HostLock } from './host-lock.ts';
import { townPaths } from '../config/town-paths.ts';
import { removeLock } from './runtime-folder.ts';
import { applyDelta } from '../channel/snapshot-delta.ts';
import type { SnapshotDelta } from '../channel/snapshot-delta.ts';
import type { TownSnapshot } from '../channel/views.ts';
import type { BackendName, Orchestrator } from '../domain/orchestrator.ts';

/** A window's tie to a town: as its host, or as a client of the window that hosts it. */
export interface TownConnection {
  readonly role: 'host' | 'client';
  readonly api: TownApi;
  readonly snapshot: TownSnapshot;
  /** The town's orchestrators, by backend; none for a client. */
  readonly orchestrators: ReadonlyMap<BackendName, Orchestrator>;
  onDidChange(listener: (snapshot: TownSnapshot) => void): Disposable;
  /** Somebody wants to see something in this window. */
  onDidAskToShow(listener: (what: ShowRequest) => void): Disposable;
  /** The town has been removed, by this window or another one. Nobody hosts it any more, until somebody joins it anew. */
  onDidRemove(listener: () => void): Disposable;
  dispose(): Promise<void>;
}

/** Bounds of the wait between two attempts while another process is just becoming, or ceasing to be, the host. */
const retryMs = { first: 50, last: 2000 };
/** How long joining may take before the user is told. */
const joinMs = 20_000;

/**
 * Becomes the host of the town where nobody is, else a client of the host; takes over when that host goes. Rejects with
 * `read-only`, `bad-config` or `no-host`.
 */
export async function joinTown(options: TownHostOptions): Promise<TownConnection> {
  const membership = new Membership(options);
  await membership.join(performance.now() + joinMs);
  return membership;
}

class Membership implements TownConnection {
  readonly api: TownApi;
  private readonly options: TownHostOptions;
  private readonly emitter: Emitter<TownSnapshot>;
  private readonly removed: Emitter<void>;
  private readonly shows: Emitter<ShowRequest>;
  private host: TownHost | undefined;
  private client: ChannelClient | undefined;
  private latest: TownSnapshot | undefined;
  /** What follows the host in this window. */
  private following = new DisposableStore();
  private readonly gone = new AbortController();

  constructor(options: TownHostOptions) {
    this.options = options;
    const failed = (error: unknown): void => options.log.error(`a listener failed: ${messageOf(error)}`);
    this.emitter = new Emitter(failed);
    this.removed = new Emitter(failed);
    this.shows = new Emitter(failed);
    this.api = {
      request: (method, params, signal) => {
        const api = this.host?.api ?? this.client;
        if (api) return api.request(method, params, signal);
        return Promise.reject(new GasTownError('no-host', 'The town is between two hosts at this moment. Try again.'));
      },
    };
  }

  get role(): 'host' | 'client' {
    return this.host ? 'host' : 'client';
  }

  get snapshot(): TownSnapshot {
    if (!this.latest) throw new GasTownError('no-host', 'The town has not been joined yet.');
    return this.latest;
  }

  get orchestrators(): ReadonlyMap<BackendName, Orchestrator> {
    return this.host?.orchestrators ?? new Map();
  }

  onDidChange(listener: (snapshot: TownSnapshot) => void): Disposable {
    return this.emitter.event(listener);
  }

  onDidAskToShow(listener: (what: ShowRequest) => void): Disposable {
    return this.shows.event(listener);
  }

  onDidRemove(listener: () => void): Disposable {
    return this.removed.event(listener);
  }

  async dispose(): Promise<void> {
    this.gone.abort();
    void this.following.dispose();
    this.client?.close();
    await this.host?.dispose();
  }

  async join(deadline: number): Promise<void> {
    for (let wait = retryMs.first; !this.gone.signal.aborted; wait = Math.min(wait * 2, retryMs.last)) {
      if (this.isRemoved()) return this.removed.fire();
      const lock = HostLock.tryAcquire(townPaths(this.options.root).hostLock);
      if (lock && this.isRemoved()) return this.undo(lock);
      // A host whose lock was deleted under it is there all the same, and takes it again when it notices.
      if (lock && (await isListening(townPaths(this.options.root).socket))) lock.release();
      else if (lock) return this.becomeHost(lock);
      if (await this.becomeClient()) return;
      if (performance.now() > deadline) {
        throw new GasTownError(
          'no-host',
          `Another process holds ${this.options.root}, but does not answer. Close other windows on this town and reload.`,
        );
      }
      await delay(wait, undefined, { signal: this.gone.signal }).catch(() => undefined);
    }
  }

  /**
   * Whether the town that was joined is no more: its database goes while the host that removes it still has the lock. Who
   * joins for the first time makes the town anew; a window that had joined does not bring back what was taken away.
   */
  private isRemoved(): boolean {
    const { database, databaseCopy } = townPaths(this.options.root);
    return this.latest !== undefined && !existsSync(database) && !existsSync(databaseCopy);
  }

  /** The lock was taken at the moment at which the last of the town went. */
  private async undo(lock: HostLock): Promise<void> {
    lock.release();
    await removeLock(townPaths(this.options.root));
    this.removed.fire();
  }

  private async becomeHost(lock: HostLock): Promise<void> {
    const host = await startHost(this.options, lock);
    if (this.gone.signal.aborted) return host.dispose();
    this.host = host;
    this.following.add(host.onDidChange((snapshot) => this.show(snapshot)));
    this.following.add(host.onDidAskToShow((what) => this.askToShow(what)));
    this.show(host.snapshot);
    void host.ended.then(() => this.takeOver());
  }

  private async becomeClient(): Promise<boolean> {
    const file = await readHostFile(townPaths(this.options.root).hostFile);
    if (!file) return false;
    let client: ChannelClient;
    try {
      const hello = { protocol: protocolVersion, token: file.token, client: 'window', watch: 'deltas' } as const;
      client = await ChannelClient.connect(file.socket, hello);
    } catch (error) {
      this.options.log.debug(`no host at ${file.socket}: ${messageOf(error)}`);
      return false;
    }
    let known: TownSnapshot | undefined;
    const take = (snapshot: TownSnapshot): void => {
      // An answer may come after what has changed since.
      if (known && snapshot.revision <= known.revision) return;
      known = snapshot;
      this.show(snapshot);
    };
    // What the host tells follows one after the other, from a whole one on; the answer below may be between two of them.
    let told: TownSnapshot | undefined;
    client.onNotification(changedNotification, (params) => take((told = params as TownSnapshot)));
    client.onNotification(deltaNotification, (params) => {
      const delta = params as SnapshotDelta;
      if (told?.revision === delta.from) take((told = applyDelta(told, delta)));
    });
    client.onNotification(showNotification, (params) => this.askToShow(params as ShowRequest));
    this.client = client;
    take(await client.request('town.snapshot', {}));
    void client.closed.then(() => this.takeOver());
    return true;
  }

  /** Where no window is named, the host's is meant. */
  private askToShow(what: ShowRequest): void {
    if (what.window === undefined ? this.host !== undefined : what.window === this.options.window)
      this.shows.fire(what);
  }

  /** The host has gone, in another window or in this one. */
  private async takeOver(): Promise<void> {
    void this.following.dispose();
    this.following = new DisposableStore();
    this.client = undefined;
    this.host = undefined;
    if (this.gone.signal.aborted) return;
    this.options.log.info('the host of the town is gone; joining again');
    try {
      await this.join(Number.POSITIVE_INFINITY);
    } catch (error) {
      this.options.log.error(`the town could not be joined again: ${messageOf(error)}`);
    }
  }

  private show(snapshot: TownSnapshot): void {
    this.latest = snapshot;
    this.emitter.fire(snapshot);
  }
}

/** Whether a process answers at this socket; one that a crash has left behind refuses. */
function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** The code of a host is a file of its own: windows that are clients never load it. */
async function startHost(options: TownHostOptions, lock: HostLock): Promise<TownHost> {
  const code = await import('./host.ts').catch((error: unknown) => {
    lock.release();
    throw new GasTownError(
      'no-host',
      `The extension's files are no longer what this window was opened with (${messageOf(error)}). Reload the window.`,
    );
  });
  return code.TownHost.start(options, lock);
}
