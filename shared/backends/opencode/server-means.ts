import { existsSync } from 'node:fs';
import path from 'node:path';
import { DisposableStore } from '../../platform/disposable-store.ts';
import { Timer } from '../../platform/timer.ts';
import { watchFile } from '../../platform/watch-file.ts';
import { messageOf } from '../../platform/errors.ts';
import type { Logger } from '../../platform/logger.ts';
import { serverFiles } from './server.ts';
import type { OpencodeServer } from './server.ts';
import { recordFile, writeServerRecord } from './server-record.ts';

/** Whoever deletes a folder deletes one file after the other: so long nothing more is to have happened before it is made again. In ms. */
const settleMs = 50;
/** After a failure it is tried again then. In ms. */
const retryMs = 5_000;

/**
 * What a running server has on the disk. Without its record no later host finds it: it is made again from memory where it is
 * deleted under it (`git clean -fdx`). Its database cannot be: the server goes on with what it has open, and that ends with it.
 */
export class ServerMeans {
  private readonly server: Pick<OpencodeServer, 'folder' | 'record' | 'identity'>;
  private readonly log: Logger;
  private readonly onDatabaseGone: (file: string) => void;
  private readonly disposables = new DisposableStore();
  private readonly timer = this.disposables.add(
    new Timer(() => {
      this.checking = this.checking.then(() => this.check());
    }),
  );
  private checking: Promise<void> = Promise.resolve();
  private closed = false;
  private hadDatabase = false;

  constructor(server: ServerMeans['server'], log: Logger, onDatabaseGone: (file: string) => void) {
    this.server = server;
    this.log = log;
    this.onDatabaseGone = onDatabaseGone;
    this.hadDatabase = existsSync(this.database);
    const files = process.platform === 'win32' ? [] : [recordFile(server.folder), this.database];
    for (const file of files) this.disposables.add({ dispose: watchFile(file, () => this.timer.set(settleMs)) });
  }

  /** Resolves when nothing is written any more: what belongs to the server may be deleted then. */
  async close(): Promise<void> {
    this.closed = true;
    void this.disposables.dispose();
    await this.checking;
  }

  private get database(): string {
    return path.join(this.server.folder, serverFiles.database);
  }

  private async check(): Promise<void> {
    if (this.closed) return;
    const isThere = existsSync(this.database);
    if (this.hadDatabase && !isThere) this.onDatabaseGone(this.database);
    this.hadDatabase = isThere;
    const { folder, record, identity } = this.server;
    if (existsSync(recordFile(folder))) return;
    try {
      await writeServerRecord(folder, { ...record, ...identity });
      this.log.warn(`opencode: ${recordFile(folder)} was deleted while its server runs, and is made again`);
    } catch (error) {
      this.log.error(`opencode: ${recordFile(folder)} was deleted, and cannot be made again: ${messageOf(error)}`);
      this.timer.set(retryMs);
    }
  }
}
