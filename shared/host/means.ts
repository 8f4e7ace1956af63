import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { settingsPath } from '../config/settings-path.ts';
import { watchFile } from '../platform/watch-file.ts';
import { GasTownError, messageOf } from '../platform/errors.ts';
import { DisposableStore } from '../platform/disposable-store.ts';
import { Timer } from '../platform/timer.ts';
import type { Disposable } from '../platform/emitter.ts';
import type { Logger } from '../platform/logger.ts';
import { hasEnded } from '../domain/session-state.ts';
import { databaseParts, fileIdentity } from '../store/place.ts';
import type { HostLock } from './host-lock.ts';
import type { ApiContext } from '../api/context.ts';

/** Whoever deletes a folder deletes one file after the other: so long nothing more is to have happened before it is made again. In ms. */
const settleMs = 50;
/** After a failure it is tried again then, unless something happens before. In ms. */
const retryMs = 5_000;

export interface MeansOptions {
  town: Pick<ApiContext, 'store' | 'registry' | 'contexts' | 'paths' | 'manager' | 'log' | 'changed'>;
  lock: HostLock;
  /** Somebody else has taken the town over, or its folder is not there any more: this host may write nothing there. */
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
  /** Files that are made again, each with how. */
  private readonly files: { path: string; make: () => Promise<void> }[] = [];
  private readonly disposables = new DisposableStore();
  private readonly timer = this.disposables.add(new Timer(() => void this.now()));
  private checking: Promise<void> = Promise.resolve();
  private disposed = false;
  private told: string | undefined;
  /** Something could not be made again at the last look. */
  private isMissing = false;

  constructor(options: MeansOptions) {
    this.options = options;
    this.log = options.town.log;
  }

  /** The file is one of them from now on; `make` makes it anew. */
  add(path: string, make: () => Promise<void>): void {
    this.files.push({ path, make });
  }

  /** Watches them, as they are by now. */
  watch(): void {
    const { root, database, hostLock } = this.options.town.paths;
    const paths = [
      root,
      ...databaseParts.map((part) => database + part),
      hostLock,
      ...this.files.map(({ path }) => path),
    ];
    // That something was written says nothing: the database is, with everything that happens.
    const onEvent = (kind: 'change' | 'rename'): void => (kind === 'rename' ? this.timer.set(settleMs) : undefined);
    for (const path of process.platform === 'win32' ? [] : paths)
      this.disposables.add({ dispose: watchFile(path, onEvent) });
  }

  /** What has happened to them, for people; undefined where nothing has. */
  get problem(): string | undefined {
    return this.told;
  }

  dispose(): void {
    this.disposed = true;
    void this.disposables.dispose();
  }

  /** Looks now; resolves when everything is there again, or it is told what is not. */
  now(): Promise<void> {
    this.timer.set(undefined);
    return (this.checking = this.checking.then(() => this.check()));
  }

  private async check(): Promise<void> {
    if (this.disposed) return;
    try {
      const made = await this.makeAgain();
      const [was, is, it] = made.length === 1 ? ['was', 'is', 'it'] : ['were', 'are', 'them'];
      if (made.length > 0)
        this.tell(
          `${made.join(', ')} ${was} deleted while the town was open, and ${is} made again.`,
          `Find out what deletes ${it} (git clean -fdx, a cleaner of temporary folders), and keep that away.`,
        );
      else if (this.isMissing) this.tellNothing();
      this.isMissing = false;
    } catch (error) {
      this.isMissing = true;
      const { runtime } = this.options.town.paths;
      const [why, next] = isInTheWay(runtime)
        ? [`${runtime} is no folder now.`, 'Move away what is there.']
        : GasTownError.is(error)
          ? [error.message, '']
          : [`${messageOf(error)}.`, 'Check the disk and your rights there.'];
      this.tell(`What the town needs in ${runtime} was deleted, and cannot be made again: ${why}`, next);
      this.timer.set(retryMs);
    }
  }

  /** Returns what was not there any more. */
  private async makeAgain(): Promise<string[]> {
    const { town, lock, onLost } = this.options;
    const { paths, store, manager } = town;
    const made: string[] = [];
    if (isTownGone(paths)) {
      this.dispose();
      onLost(
        `The folder of the town, ${paths.root}, was moved or deleted while the town was open. It is not made again; its sessions go on.`,
      );
      return [];
    }
    if (!lock.isInPlace()) {
      if (!lock.renew()) {
        this.lose();
        return [];
      }
      made.push(paths.hostLock);
    }
    const displaced = store.displaced();
    if (displaced !== undefined) {
      const aside = store.putBack(manager.now());
      made.push(aside === undefined ? displaced : `${displaced} (what had taken its place is kept as ${aside})`);
    }
    for (const { path, make } of this.files) {
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
    if (town.store.displaced() !== undefined) {
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

  /** Somebody else has put back what was missing. */
  private tellNothing(): void {
    this.told = undefined;
    this.options.town.changed();
  }

  /** `next`: what to do about it, where the message does not say that. */
  private tell(message: string, next: string): void {
    const { registry, changed } = this.options.town;
    const homeless = registry.list().filter((session) => !hasEnded(session) && !existsSync(session.workDir));
    const gone = homeless.map(({ id, workDir }) => `${workDir} (of ${id})`);
    const lost =
      gone.length === 0 ? '' : `Gone for good, unless you restore it: ${gone.join(', ')}. Stop these sessions.`;
    this.told = [message, lost, next].filter((words) => words !== '').join(' ');
    this.log.error(this.told);
    changed();
  }
}

/** Whether the town itself was moved or deleted, and not only what the host has written there. Throws where that cannot be seen. */
function isTownGone({ root, runtime }: { root: string; runtime: string }): boolean {
  const isThere = (path: string): boolean => fileIdentity(path) !== undefined;
  return !isThere(root) || (!isThere(settingsPath(root)) && !isThere(runtime));
}

/** Whether there is something else where a folder is to be; not where that cannot be seen. */
function isInTheWay(folder: string): boolean {
  try {
    return statSync(folder, { throwIfNoEntry: false })?.isDirectory() === false;
  } catch {
    return false;
  }
}

/** The file by which the launchers are watched. */
export const launcherOf = (bin: string): string => join(bin, 'gt');
