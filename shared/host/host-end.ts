import { setImmediate as nextTurn } from 'node:timers/promises';
import type { TownRemoval } from '../channel/protocol.ts';
import type { HostPaths } from '../config/town-paths.ts';
import { GasTownError, messageOf } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';
import type { HostLock } from './host-lock.ts';
import type { Phases } from './phases.ts';
import { emptyRuntime, removeLock } from './runtime-folder.ts';

/** The phase that is taken back last when the host ends by itself: whoever asked for the end has the answer first. */
export const channelPhase = 'channel';

/** How a host ends: disposed by its window, taken over by somebody else, or with the town itself. The lock is released in each case. */
export class HostEnd {
  /** Resolves when the host has ended by itself: the town was removed, or that failed half-way and is for a next host to repeat. */
  readonly ended: Promise<void>;
  private readonly phases: Phases;
  private readonly lock: HostLock;
  private readonly paths: HostPaths;
  private readonly log: Logger;
  private end = (): void => undefined;
  /** The town is not this host's any more: no call is carried out from that moment on. */
  private lost = false;
  /** Under way or done; nothing is started any more. */
  private removal: Promise<TownRemoval> | undefined;
  private handOver: () => Promise<void> = async () => undefined;

  constructor(parts: { phases: Phases; lock: HostLock; paths: HostPaths; log: Logger }) {
    this.phases = parts.phases;
    this.lock = parts.lock;
    this.paths = parts.paths;
    this.log = parts.log;
    this.ended = new Promise((resolve) => {
      this.end = resolve;
    });
  }

  /** No call is carried out any more. */
  get isOver(): boolean {
    return this.lost || this.phases.isEnding;
  }

  /** Throws `refused` while the town is being removed: no run begins any more, whoever asks for it. */
  requireStaying(): void {
    if (this.removal) throw new GasTownError('refused', 'The town is being removed, so nothing is started in it.');
  }

  /** What is still to be done before a host that ends by itself hangs up. */
  beforeHangingUp(handOver: () => Promise<void>): void {
    this.handOver = handOver;
  }

  async dispose(): Promise<void> {
    if (this.removal) return this.ended;
    if (this.phases.isEnding) return;
    await this.phases.dispose();
    this.lock.release();
  }

  lose(reason: string): void {
    this.lost = true;
    this.log.error(reason);
    void this.leave(false);
  }

  /**
   * Ends the town: `takeAway` for what lies outside of `.runtime`, then the phases, then that folder. Each worktree is looked at
   * when its turn comes, and the database goes last: a host that dies half-way leaves a town that can be removed again.
   */
  remove(takeAway: () => Promise<TownRemoval>): Promise<TownRemoval> {
    return (this.removal ??= this.carryOut(takeAway));
  }

  private async carryOut(takeAway: () => Promise<TownRemoval>): Promise<TownRemoval> {
    this.log.info(`[orchestration] removing the town ${this.paths.root}`);
    let removed = false;
    try {
      const result = await takeAway();
      await this.phases.dispose(channelPhase);
      const stays = await emptyRuntime(this.paths);
      removed = true;
      return { ...result, stays: [...stays, ...result.stays] };
    } finally {
      void this.leave(removed);
    }
  }

  /** When whoever asked for it has the answer. */
  private async leave(removed: boolean): Promise<void> {
    await nextTurn();
    await this.handOver().catch((error: unknown) => this.log.error(`letting go of the town: ${messageOf(error)}`));
    await this.phases.dispose();
    this.lock.release();
    if (removed)
      await removeLock(this.paths).catch((error: unknown) => this.log.error(`the lock stays: ${messageOf(error)}`));
    this.end();
  }
}
