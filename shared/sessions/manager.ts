import { GasTownError, throwIfCancelled } from '../platform/errors.ts';
import type { SessionId, SessionInfo } from '../domain/orchestrator.ts';
import type { Ids } from '../platform/ids.ts';
import type { Logger } from '../platform/logger.ts';
import type { Store } from '../store/store.ts';
import type { Disposable } from '../platform/emitter.ts';
import type { TownClock } from '../platform/town-clock.ts';
import { Adoptions } from './adoption.ts';
import { LiveRuns } from './live-runs.ts';
import { PendingAdoptions } from './pending-adoptions.ts';
import type { Registry } from './registry.ts';
import { RunControl } from './run-control.ts';
import type { LeftSpecBuilder, NewSession, Restart, SpecBuilder } from './run-control.ts';
import type { RunEvents } from './run-events.ts';
import { SessionDrivers } from './session-drivers.ts';
import { SessionNames } from './session-names.ts';
import { hasDied, hasEnded } from '../domain/session-state.ts';
import type { TurnFailure } from '../domain/run.ts';
import type { Delivery } from '../domain/delivery.ts';

export interface SessionManagerOptions {
  store: Store;
  registry: Registry;
  log: Logger;
  clock: TownClock;
  ids: Ids;
  specOf: SpecBuilder;
  specOfLeft: LeftSpecBuilder;
  /** Throws `untrusted` in a workspace that is not trusted. */
  requireTrust: () => void;
}

/**
 * Starts, adopts, restarts and stops sessions. The intent is in the store before the driver acts, so that a restart can tell
 * what should be there.
 */
export class SessionManager implements Disposable {
  /** What is asked of the programs themselves. */
  readonly drivers: SessionDrivers;
  readonly events: RunEvents;
  /** What drivers report to. */
  readonly runs: LiveRuns;
  /** The names that starts under way have taken. */
  readonly names: SessionNames;
  /** Throws `untrusted` in a workspace that is not trusted: nothing may be started there. Ask before anything is made for a start. */
  readonly requireTrust: () => void;
  private readonly store: Store;
  private readonly registry: Registry;
  private readonly control: RunControl;
  private readonly pending = new PendingAdoptions();
  private readonly adoptions: Adoptions;

  constructor(options: SessionManagerOptions) {
    const { store, registry, log, ids, specOf, specOfLeft } = options;
    const { pending } = this;
    this.store = store;
    this.registry = registry;
    this.requireTrust = options.requireTrust;
    const runs = new LiveRuns(options);
    this.runs = runs;
    this.events = runs.events;
    this.drivers = new SessionDrivers({ registry, log, pending, runs });
    const control = new RunControl({ store, registry, log, ids, specOf, runs, pending, drivers: this.drivers });
    this.control = control;
    this.names = new SessionNames(
      (id) => registry.findLive(id) ?? (control.isRestarting(id) ? registry.find(id) : undefined),
    );
    this.adoptions = new Adoptions({ store, log, specOfLeft, runs, pending, drivers: this.drivers });
  }

  /**
   * Starts a session in place of one of its name that has ended. Resolves when it can take prompts; on rejection the session is gone again, and the driver has
   * cleaned up what it had started.
   */
  async start(wanted: NewSession, signal: AbortSignal, firstPrompt?: Delivery): Promise<SessionInfo> {
    throwIfCancelled(signal, `Starting ${wanted.id}`);
    return this.control.start(wanted, signal, firstPrompt);
  }

  /**
   * Gives the session a new run in its work dir, ending the one that it has. With an agent of the same backend the new run
   * resumes the conversation where the program still knows it. What the session has stays its own throughout. Resolves when
   * the run can take prompts; on rejection the session stays, as failed (or stopped, where somebody stopped it meanwhile).
   */
  async restart(
    id: SessionId,
    restart: Restart,
    signal: AbortSignal = new AbortController().signal,
  ): Promise<SessionInfo> {
    throwIfCancelled(signal, `Restarting ${id}`);
    if (restart.name === undefined && this.names.has(id))
      throw new GasTownError('refused', `${id} is being started. Wait for that, or stop it.`);
    return this.control.restart(id, restart, signal);
  }

  /** Whether a restart of the session is under way. */
  isRestarting(id: SessionId): boolean {
    return this.control.isRestarting(id);
  }

  /**
   * Stops the session's run; one that has failed is given up. What was asked for is recorded first, so that no restart
   * undoes it.
   */
  async stop(id: SessionId): Promise<SessionInfo> {
    const info = this.registry.get(id);
    if (!hasEnded(info) || this.control.isRestarting(id)) return this.control.stop(id);
    return hasDied(info) ? this.control.giveUp(id) : info;
  }

  /** Forgets a session that has ended; one that died is given up first. Throws `refused` while it lives. */
  async dismiss(id: SessionId): Promise<SessionInfo> {
    const info = this.registry.get(id);
    if (!hasEnded(info) || this.control.isRestarting(id))
      throw new GasTownError('refused', `${id} is ${info.state}. Stop it first: gt stop ${id}`);
    const after = hasDied(info) ? await this.control.giveUp(id) : info;
    this.store.sessions.remove(id);
    this.runs.drop(id, info.runId);
    return after;
  }

  /** Whether the run is being ended, for good or to make room for the next: nothing is put before it any more. */
  isEnding(runId: string): boolean {
    return this.runs.isEnding(runId);
  }

  /**
   * Adopts, after a host restart, every run that the store remembers as alive; the others become visible as ended. All are
   * registered at once; what has become of those that seem to live is looked at when `ready` resolves.
   */
  adoptAll(ready?: Promise<void>): Promise<void> {
    return this.adoptions.all(ready);
  }

  /**
   * Takes no more reports: the store is about to be closed, and sessions live on for the next host. Call it before the
   * drivers let go, so that what they give up on is not taken for a stop or a failed start.
   */
  dispose(): void {
    this.runs.dispose();
  }

  /** Epoch milliseconds. */
  now(): number {
    return this.runs.now();
  }

  get clock(): TownClock {
    return this.runs.clock;
  }

  /** See `DriverHost`. */
  report(...report: Parameters<LiveRuns['report']>): void {
    this.runs.report(...report);
  }

  /** See `DriverHost`. */
  delivered(runId: string, deliveryId: string): void {
    this.runs.delivered(runId, deliveryId);
  }

  /** See `DriverHost`. */
  turnEnded(runId: string, failure?: TurnFailure): void {
    this.runs.turnEnded(runId, failure);
  }

  /** When the run last gave a sign of progress, as far as this host has heard. */
  progressOf(runId: string): number | undefined {
    return this.runs.progressOf(runId);
  }
}
