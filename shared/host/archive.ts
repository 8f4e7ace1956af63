import { join } from 'node:path';
import type { ArchivePolicy } from '../config/archive-settings.ts';
import type { Disposable } from '../platform/emitter.ts';
import { messageOf } from '../platform/errors.ts';
import { appendLines } from '../platform/files.ts';
import type { Logger } from '../platform/logger.ts';
import { Timer } from '../platform/timer.ts';
import type { ArchiveBounds, ArchiveEntry } from '../store/archive.ts';
import type { Store } from '../store/store.ts';

/** In ms. So often is looked at what is old, and for so long nothing goes that is over. */
const day = 86_400_000;

export interface TownArchiveOptions {
  store: Store;
  /** Has a file for each month, with a line of JSON for each record. */
  folder: string;
  policy: () => ArchivePolicy;
  /** Epoch milliseconds. */
  now: () => number;
  log: Logger;
  /** Something has gone, or what is wrong has changed. */
  onChange: () => void;
}

/**
 * Takes what is over and old out of the store, when the town is opened and once a day: written to a file and on disk before it
 * is deleted. A host that dies in between leaves a record in both, and the next one writes the same line once more. All of it is
 * done in pieces, between which everything else has its turn.
 *
 * A wall clock that was set forward makes records old too soon; nothing is lost by that.
 */
export class TownArchive implements Disposable {
  private readonly options: TownArchiveOptions;
  private readonly timer = new Timer(() => this.start());
  private running: Promise<void> = Promise.resolve();
  private ending = false;
  private wrong: string | undefined;

  constructor(options: TownArchiveOptions) {
    this.options = options;
  }

  /** Why what is old stays, for people. */
  get problem(): string | undefined {
    return this.wrong;
  }

  /** Looks now, and again in a day. */
  start(): void {
    void this.look();
    this.timer.set(day);
  }

  /** Resolves when all that is old now has gone, or cannot. Never rejects. */
  async look(): Promise<void> {
    this.running = this.running.then(() => this.moveAll());
    await this.running;
  }

  /** Resolves when the piece that is under way is through. */
  async dispose(): Promise<void> {
    this.ending = true;
    this.timer.dispose();
    await this.running;
  }

  private async moveAll(): Promise<void> {
    if (this.ending) return;
    const { store, log, onChange } = this.options;
    let gone = 0;
    let wrong: string | undefined;
    try {
      for (const entries of store.archive.pieces(this.bounds())) {
        if (entries.length > 0) gone += await this.move(entries);
        else await new Promise((resolve) => setImmediate(resolve));
        if (this.ending) return;
      }
    } catch (error) {
      wrong = `What is over and old could not be archived, and stays in the database. It is tried again in a day, and when the town is opened. ${messageOf(error)}`;
    }
    if (wrong !== undefined && wrong !== this.wrong) log.warn(wrong);
    if (gone > 0) log.info(`[orchestration] archived ${gone} records`);
    if (gone === 0 && wrong === this.wrong) return;
    this.wrong = wrong;
    onChange();
  }

  private async move(entries: readonly ArchiveEntry[]): Promise<number> {
    const { store, folder, now } = this.options;
    const name = `${new Date(now()).toISOString().slice(0, 7)}.jsonl`;
    await appendLines(
      join(folder, name),
      entries.map(({ line }) => line),
    );
    return store.archive.remove(entries, name);
  }

  private bounds(): ArchiveBounds {
    const { policy, now } = this.options;
    const { afterDays, keep } = policy();
    const at = now();
    return { before: at - afterDays * day, keep, notAfter: at - day };
  }
}
