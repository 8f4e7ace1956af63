import type { SnapshotBuilder } from '../api/snapshot-builder.ts';
import type { TownSnapshot } from '../channel/views.ts';
import { Emitter } from '../platform/emitter.ts';
import type { Disposable, Event } from '../platform/emitter.ts';
import { messageOf } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';

/** At most one snapshot per this many milliseconds goes out. */
const coalesceMs = 100;

/** The newest snapshot, and who wants to know of the next one. */
export class SnapshotFeed implements Disposable {
  private readonly builder: SnapshotBuilder;
  private readonly emitter: Emitter<TownSnapshot>;
  private current: TownSnapshot;
  private pending: NodeJS.Timeout | undefined;
  private disposed = false;
  readonly onDidChange: Event<TownSnapshot>;

  constructor(builder: SnapshotBuilder, log: Logger) {
    this.builder = builder;
    this.emitter = new Emitter((error) => log.error(`a listener failed: ${messageOf(error)}`));
    this.onDidChange = this.emitter.event;
    this.current = builder.build();
  }

  get latest(): TownSnapshot {
    return this.current;
  }

  /** Something that callers see has changed: a snapshot goes out soon. */
  changed(): void {
    if (this.pending || this.disposed) return;
    this.pending = setTimeout(() => this.publish(), coalesceMs);
  }

  /** A snapshot goes out now. */
  publish(): void {
    clearTimeout(this.pending);
    this.pending = undefined;
    if (this.disposed) return;
    this.current = this.builder.build();
    this.emitter.fire(this.current);
  }

  dispose(): void {
    this.disposed = true;
    clearTimeout(this.pending);
  }
}
