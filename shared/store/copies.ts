import { messageOf } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';
import type { Store } from './store.ts';

/** A copy is at least so old before the next one is made, in ms; and it takes at most this share of the time. */
const leastMs = 600_000;
const share = 0.01;
/** The closing of a window may wait so long for one, in ms. */
const quickMs = 500;

/**
 * Keeps a copy of the store beside it, to restore it from. It is made when the town is opened, and after a change that
 * matters (see `changed`) where the last one is old; in small steps, so that nothing waits for it.
 */
export class StoreCopies {
  private readonly parts: { store: Store; file: string; now: () => number; log: Logger };
  private making: Promise<void> | undefined;
  /** The store's revision that the copy has at least. */
  private copied = -1;
  private lastTook = 0;
  private notBefore = Number.NEGATIVE_INFINITY;

  constructor(parts: StoreCopies['parts']) {
    this.parts = parts;
  }

  /** A unit has ended, or a session has begun: more than a line in a timeline would be missing. */
  changed(): void {
    if (this.parts.now() >= this.notBefore) void this.make();
  }

  /** A last one, where that is not much work and anything was written since; what is being made is waited for. */
  async dispose(): Promise<void> {
    await this.making;
    if (this.parts.store.revision !== this.copied && this.lastTook < quickMs) await this.make();
    this.notBefore = Number.POSITIVE_INFINITY;
  }

  /** Makes one now. Never rejects: what went wrong is logged, and the copy before stays. */
  make(): Promise<void> {
    this.making ??= this.copy().finally(() => {
      this.making = undefined;
    });
    return this.making;
  }

  private async copy(): Promise<void> {
    const { store, file, now, log } = this.parts;
    const begun = performance.now();
    const { revision } = store;
    try {
      await store.copyTo(file);
      this.copied = revision;
    } catch (error) {
      log.warn(`no copy of the town's database could be made: ${messageOf(error)}`);
    }
    this.lastTook = performance.now() - begun;
    this.notBefore = now() + Math.max(leastMs, this.lastTook / share);
  }
}
