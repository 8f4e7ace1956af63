import { watch } from 'node:fs';
import { dirname } from 'node:path';

/** Resolves when something happens in the socket's folder, or after the pause. */
export function socketMayBeBack(socket: string, pauseMs: number): Promise<void> {
  return new Promise((resolve) => {
    let stopWatching = (): void => undefined;
    const done = (): void => {
      clearTimeout(timer);
      stopWatching();
      resolve();
    };
    const timer = setTimeout(done, pauseMs);
    if (process.platform === 'win32') return;
    try {
      const watcher = watch(dirname(socket), done);
      watcher.on('error', () => undefined);
      stopWatching = () => watcher.close();
    } catch {
      // No such folder, or not to be watched: the pause is bounded anyway.
    }
  });
}
