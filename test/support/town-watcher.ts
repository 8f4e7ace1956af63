import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ChannelClient } from '../../shared/channel/client.ts';
import { changedNotification, protocolVersion } from '../../shared/channel/protocol.ts';
import type { HostFile, MethodName, Params, Results } from '../../shared/channel/protocol.ts';
import type { TownSnapshot } from '../../shared/channel/views.ts';
import { eventually } from './editor/eventually.ts';
import { patience } from './patience.ts';

/** Looks at a hosted town from outside, as another window does: every change arrives as an event. */
export class TownWatcher {
  snapshot: TownSnapshot;
  private readonly client: ChannelClient;
  private readonly listeners = new Set<() => void>();

  private constructor(client: ChannelClient, snapshot: TownSnapshot) {
    this.client = client;
    this.snapshot = snapshot;
    client.onNotification(changedNotification, (params) => {
      this.snapshot = params as TownSnapshot;
      for (const listener of this.listeners) listener();
    });
  }

  /** Waits for a host of the town and connects as the user. */
  static async connect(root: string): Promise<TownWatcher> {
    const file = await eventually(
      'a host of the town',
      async () => readHost(root),
      (host) => host !== undefined,
    );
    const hello = { protocol: protocolVersion, token: file!.token, client: 'watcher', watch: true } as const;
    const client = await ChannelClient.connect(file!.socket, hello);
    return new TownWatcher(client, await client.request('town.snapshot', {}));
  }

  /** Resolves with the first snapshot that satisfies `check`; rejects after `limitMs` (see `patience`) with what the town looked like. */
  until(what: string, check: (snapshot: TownSnapshot) => boolean, limitMs = 60_000): Promise<TownSnapshot> {
    const boundMs = patience(limitMs);
    return new Promise((resolve, reject) => {
      const look = (): void => {
        if (!check(this.snapshot)) return;
        done();
        resolve(this.snapshot);
      };
      const done = (): void => {
        clearTimeout(timer);
        this.listeners.delete(look);
      };
      const timer = setTimeout(() => {
        done();
        reject(new Error(`Waited ${boundMs / 1000} s for ${what}. The town: ${describe(this.snapshot)}`));
      }, boundMs);
      this.listeners.add(look);
      look();
    });
  }

  /** Calls back after every change. */
  onDidChange(listener: (snapshot: TownSnapshot) => void): void {
    this.listeners.add(() => listener(this.snapshot));
  }

  request<M extends MethodName>(method: M, params: Params<M>): Promise<Results[M]> {
    return this.client.request(method, params);
  }

  close(): void {
    this.client.close();
  }
}

async function readHost(root: string): Promise<HostFile | undefined> {
  try {
    return JSON.parse(await readFile(join(root, '.runtime', 'host.json'), 'utf8')) as HostFile;
  } catch {
    // Not written yet.
    return undefined;
  }
}

function describe(snapshot: TownSnapshot): string {
  const sessions = snapshot.sessions.map(
    ({ id, state, activity, cause }) => `${id} ${state}/${activity.kind} (${cause})`,
  );
  const work = snapshot.work.map(({ id, state, note }) => `${id} ${state}${note ? ` (${note})` : ''}`);
  return [...sessions, ...work].join('; ') || 'nothing in it';
}
