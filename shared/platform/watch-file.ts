import { watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { basename, dirname } from 'node:path';

/**
 * Calls `onEvent` when a file may have changed, appeared or gone. It watches the file's folder, because editors replace
 * files by renaming; while the folder does not exist, the nearest one above it. `change`: only what is in it is another.
 * Returns how to stop.
 */
export function watchFile(file: string, onEvent: (kind: 'change' | 'rename') => void): () => void {
  let watcher: FSWatcher | undefined;
  let stopped = false;

  const arm = (): void => {
    watcher?.close();
    watcher = undefined;
    for (let child = file; !stopped && child !== dirname(child); child = dirname(child)) {
      if (watchFolder(dirname(child), basename(child))) return;
    }
  };

  const watchFolder = (folder: string, child: string): boolean => {
    const isOwnFolder = folder === dirname(file);
    try {
      watcher = watch(folder, { persistent: false });
    } catch {
      // No such folder (or not for us): the one above it tells when that changes.
      return false;
    }
    watcher.on('change', (type, name) => {
      // A folder that is itself removed or renamed reports its own name.
      const itself = name === basename(folder);
      if (name !== null && name !== child && !itself) return;
      if (!isOwnFolder || itself) arm();
      onEvent(isOwnFolder && !itself && type === 'change' ? 'change' : 'rename');
    });
    watcher.on('error', () => {
      arm();
      onEvent('rename');
    });
    return true;
  };

  arm();
  return () => {
    stopped = true;
    watcher?.close();
  };
}
