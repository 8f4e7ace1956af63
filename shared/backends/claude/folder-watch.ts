import { watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf } from '../../errors.ts';
import type { Logger } from '../../process/logger.ts';

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
  private disposed = false;

  /** `changed` gets the name of the file; undefined: any may have changed. */
  constructor(folder: string, log: Logger, changed: (name: string | undefined) => void) {
    this.folder = folder;
    this.log = log;
    this.changed = changed;
  }

  /** Resolves when the folder, or the nearest above it that exists, is watched. Again after it could not be watched any more. */
  async begin(): Promise<void> {
    const wanted = await nearestExisting(this.folder);
    if (this.disposed || (this.watcher && this.watching === wanted)) return;
    this.watcher?.close();
    this.watching = wanted;
    this.watcher = watch(wanted, { persistent: false }, (_type, name) => void this.onEvent(wanted, name));
    this.watcher.on('error', (error) => {
      // E.g. the folder was removed. Every hook makes us read again, so nothing is lost but speed.
      this.log.warn(`claude: ${wanted} cannot be watched any more: ${messageOf(error)}`);
      this.watcher = undefined;
    });
  }

  dispose(): void {
    this.disposed = true;
    this.watcher?.close();
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
