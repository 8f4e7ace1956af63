import type { ShowRequest } from '../channel/protocol.ts';
import type { TownApi } from '../channel/protocol.ts';
import type { TownSnapshot } from '../channel/views.ts';
import type { BackendName, Orchestrator } from '../domain/orchestrator.ts';
import type { Disposable } from '../platform/emitter.ts';
import type { HostLock } from './host-lock.ts';
import type { TownHostOptions } from './host-options.ts';
import { openTown } from './open-town.ts';
import type { HostParts } from './host-parts.ts';
import { Phases } from './phases.ts';

/** The one host of a town. Whoever makes it holds the town's lock (see `membership.ts`). */
export class TownHost {
  private readonly parts: HostParts;

  private constructor(parts: HostParts) {
    this.parts = parts;
  }

  /** Opens the town and adopts what an earlier host left running. The lock is released when this fails. */
  static async start(options: TownHostOptions, lock: HostLock): Promise<TownHost> {
    const phases = new Phases(options.log);
    try {
      return new TownHost(await openTown(options, lock, phases));
    } catch (error) {
      // Before the lock: what is left of this host must not act beside the next one.
      await phases.dispose();
      lock.release();
      throw error;
    }
  }

  get api(): TownApi {
    return this.parts.calls.api;
  }

  get snapshot(): TownSnapshot {
    return this.parts.feed.latest;
  }

  /** The seed's orchestrators, one per backend. */
  get orchestrators(): ReadonlyMap<BackendName, Orchestrator> {
    return this.parts.town.orchestrators;
  }

  /**
   * Resolves when it is known of every session of an earlier host whether it still runs. Until then they are shown as
   * starting: terminals come back some seconds after a reload.
   */
  get adopted(): Promise<void> {
    return this.parts.adoption.done;
  }

  /** Resolves when the host has ended by itself: the town was removed, or that failed half-way and is for a next host to repeat. */
  get ended(): Promise<void> {
    return this.parts.end.ended;
  }

  /** Calls back with a new snapshot after changes, coalesced. */
  onDidChange(listener: (snapshot: TownSnapshot) => void): Disposable {
    return this.parts.feed.onDidChange(listener);
  }

  /** Calls back when somebody wants to see something in a window of the editor. */
  onDidAskToShow(listener: (what: ShowRequest) => void): Disposable {
    return this.parts.onDidAskToShow(listener);
  }

  /** Ends hosting: sessions and servers live on, for the next host to adopt. */
  dispose(): Promise<void> {
    return this.parts.end.dispose();
  }
}
