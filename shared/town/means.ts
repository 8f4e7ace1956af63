import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { watchFile } from '../config/watch-file.ts';
import { messageOf } from '../errors.ts';
import type { Disposable } from '../process/emitter.ts';
import type { Logger } from '../process/logger.ts';
import { hasEnded } from '../sessions/session-info.ts';
import type { HostLock } from './lock.ts';
import type { TownParts } from './parts.ts';

/** Whoever deletes a folder deletes one file after the other: so long nothing more is to have happened before it is made again. In ms. */
const settleMs = 50;
/** After a failure it is tried again then, unless something happens before. In ms. */
const retryMs = 5_000;

export interface MeansOptions {
  town: Pick<TownParts, 'store' | 'registry' | 'contexts' | 'paths' | 'manager' | 'log' | 'changed'>;
  lock: HostLock;
  /** Files that are made again, each with how. */
  files: { path: string; make: () => Promise<void> }[];
  /** Somebody else has taken the town over: this host may write nothing any more. */
  onLost: (reason: string) => void;
}

/**
 * What this host and its agents need on the disk: database, lock, host file, socket, launchers. Where it is deleted under
 * the living host (`git clean -fdx`) it is noticed by the file system's own events, and made again from memory, the lock
 * first: there is never a second host. What has gone and cannot be made again is told.
 */
export class Means implements Disposable {
  private readonly options: MeansOptions;
  private readonly log: Logger;
  private readonly stops: (() => void)[];
  private timer: NodeJS.Timeout | undefined;
  private checking: Promise<void> = Promise.resolve();
  private disposed = false;
  private told: string | undefined;

  constructor(options: MeansOptions) {
    this.options = options;
    this.log = options.town.log;
    const { database, hostLock } = options.town.paths;
    const paths = [database, hostLock, ...options.files.map(({ path }) => path)];
    this.stops =
      process.platform === 'win32' ? [] : paths.map((path) => watchFile(path, () => this.schedule(settleMs)));
  }

  /** What has happened to them, for people; undefined where nothing has. */
  get problem(): string | undefined {
    return this.told;
  }

  dispose(): void {
    this.disposed = true;
    clearTimeout(this.timer);
    for (const stop of this.stops) stop();
  }

  /** Looks now; resolves when everything is there again, or it is told what is not. */
  now(): Promise<void> {
    clearTimeout(this.timer);
    return (this.checking = this.checking.then(() => this.check()));
  }

  private schedule(ms: number): void {
    if (this.disposed) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.now(), ms);
    this.timer.unref();
  }

  private async check(): Promise<void> {
    if (this.disposed) return;
    try {
      const made = await this.makeAgain();
      if (made.length > 0)
        this.tell(
          `${made.join(', ')} ${made.length === 1 ? 'was' : 'were'} deleted while the town was open, and ${made.length === 1 ? 'is' : 'are'} made again.`,
        );
    } catch (error) {
      this.tell(
        `What the town needs in ${this.options.town.paths.runtime} was deleted, and cannot be made again: ${messageOf(error)}`,
      );
      this.schedule(retryMs);
    }
  }

  /** Returns what was not there any more. */
  private async makeAgain(): Promise<string[]> {
    const { town, lock, files } = this.options;
    const { paths, store, manager } = town;
    const made: string[] = [];
    if (!lock.isInPlace()) {
      if (!lock.renew()) {
        this.lose();
        return [];
      }
      made.push(paths.hostLock);
    }
    if (!store.isInPlace()) {
      const aside = store.putBack(manager.now());
      made.push(
        aside === undefined ? paths.database : `${paths.database} (what had taken its place is kept as ${aside})`,
      );
    }
    for (const { path, make } of files) {
      if (existsSync(path)) continue;
      await make();
      if (this.disposed) return [];
      made.push(path);
    }
    for (const { session, run } of store.sessions.all()) {
      if (hasEnded(run) || existsSync(town.contexts.file(session.id))) continue;
      made.push(await town.contexts.write(session));
    }
    return made;
  }

  /** The lock is somebody else's. What this host knows is kept beside theirs. */
  private lose(): void {
    const { town, onLost } = this.options;
    const kept = `${town.paths.database}.left-${new Date(town.manager.now()).toISOString().replaceAll(/[:.]/g, '-')}`;
    let words = '';
    if (!town.store.isInPlace()) {
      try {
        town.store.saveTo(kept);
        words = ` What this window knew is kept as ${kept}.`;
      } catch (error) {
        words = ` What this window knew could not be kept: ${messageOf(error)}`;
      }
    }
    this.dispose();
    onLost(`${town.paths.hostLock} was deleted, and another process hosts the town by now.${words}`);
  }

  private tell(message: string): void {
    const { registry, changed } = this.options.town;
    const homeless = registry.list().filter((session) => !hasEnded(session) && !existsSync(session.workDir));
    const gone = homeless.map(({ id, workDir }) => `${workDir} (of ${id})`);
    this.told = `${message}${gone.length === 0 ? '' : ` Gone for good, unless you restore it: ${gone.join(', ')}. Stop these sessions.`}`;
    this.log.error(this.told);
    changed();
  }
}

/** The file by which the launchers are watched. */
export const launcherOf = (bin: string): string => join(bin, 'gt');
