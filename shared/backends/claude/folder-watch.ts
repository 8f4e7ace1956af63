import { watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf } from '../../platform/errors.ts';
import type { Logger } from '../../platform/logger.ts';
import { Timer } from '../../platform/timer.ts';

/** In ms. */
const lookEvery = 1000;

/**
 * Tells of changes in a folder of Claude Code's by the system's file events. The folder may not exist yet; then the nearest
 * one above it is watched until it does, because nothing of ours is written there.
 */
export class FolderWatch {
  private readonly folder: string;
  private readonly log: Logger;
  private readonly changed: (name: string | undefined) => void;
  private watcher: FSWatcher | undefined;
  private watching: string | undefined;
  /** While nothing can be watched: looks from time to time instead. */
  private readonly looking = new Timer(() => void this.lookAgain());
  private isLost = false;
  private disposed = false;

  /** `changed` gets the name of the file; undefined: any may have changed. */
  constructor(folder: string, log: Logger, changed: (name: string | undefined) => void) {
    this.folder = folder;
    this.log = log;
    this.changed = changed;
  }

  /**
   * Resolves when the folder, or the nearest above it that exists, is watched. Where the system does not let us (it has only
   * so many watches and files), the folder is looked at every second until it does.
   */
  async begin(): Promise<void> {
    const wanted = await nearestExisting(this.folder);
    if (this.disposed || (this.watcher && this.watching === wanted)) return;
    this.watcher?.close();
    this.watching = wanted;
    try {
      const watcher = watch(wanted, { persistent: false }, (_type, name) => void this.onEvent(wanted, name));
      watcher.on('error', (error) => this.lost(wanted, error));
      this.watcher = watcher;
      this.looking.set(undefined);
      this.isLost = false;
    } catch (error) {
      this.lost(wanted, error);
    }
  }

  dispose(): void {
    this.disposed = true;
    this.watcher?.close();
    this.looking.dispose();
  }

  /** Told once, however often it is tried again. */
  private lost(folder: string, error: unknown): void {
    this.watcher?.close();
    this.watcher = undefined;
    if (this.disposed) return;
    if (!this.isLost)
      this.log.warn(`claude: ${folder} cannot be watched, so it is looked at every second: ${messageOf(error)}`);
    this.isLost = true;
    this.looking.set(lookEvery);
  }

  private async lookAgain(): Promise<void> {
    await this.begin();
    if (!this.disposed) this.changed(undefined);
  }

  private async onEvent(at: string, name: string | null): Promise<void> {
    if (this.disposed) return;
    if (at === this.folder) return this.changed(name ?? undefined);
    await this.begin();
    if (this.watching !== at) this.changed(undefined);
  }
}

async function nearestExisting(folder: string): Promise<string> {
  for (let at = folder; ; at = dirname(at)) {
    try {
      if ((await stat(at)).isDirectory()) return at;
    } catch {
      // Not there yet: the one above.
    }
    if (dirname(at) === at) return at;
  }
}
