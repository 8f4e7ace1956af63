import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { backends } from '../../shared/host/backends.ts';
import { createTown } from '../../shared/config/create-town.ts';
import type { Logger } from '../../shared/platform/logger.ts';
import { TownHost } from '../../shared/host/host.ts';
import type { TownHostOptions } from '../../shared/host/host-options.ts';
import { HostLock } from '../../shared/host/host-lock.ts';
import type { TownPaths } from '../../shared/config/town-paths.ts';
import { townPaths } from '../../shared/config/town-paths.ts';
import { temporaryFolder } from './core.ts';

/** A town's folder and what a real host of it is started with, but no agents: nothing is ever started in it. */
export interface BareTown {
  root: string;
  paths: TownPaths;
  options: TownHostOptions;
  logged: string[];
  host(): Promise<TownHost>;
  /** Deletes `.runtime`, as somebody does while a host is there: at one blow, as that makes it again while it is emptied. */
  deleteRuntime(): void;
  remove(): void;
}

export async function makeBareTown(): Promise<BareTown> {
  const folder = temporaryFolder('bare');
  const root = join(folder.path, 'town');
  await createTown(root, backends);
  const logged: string[] = [];
  const line = (level: string) => (message: string) => void logged.push(`${level} ${message}`);
  const log: Logger = { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };
  const file = (name: string): string => join(folder.path, name);
  const options: TownHostOptions = {
    root,
    files: { reporters: folder.path, gt: file('gt.js'), prompts: file('roles') },
    node: { command: process.execPath, env: {} },
    environment: { PATH: process.env['PATH'], HOME: folder.path },
    terminals: {
      create: () => Promise.reject(new Error('nothing is started here')),
      find: () => undefined,
    } as unknown as TownHostOptions['terminals'],
    log,
    trusted: () => true,
  };
  const paths = townPaths(root);
  return {
    root,
    paths,
    options,
    logged,
    host: async () => {
      const lock = HostLock.tryAcquire(paths.hostLock);
      if (!lock) throw new Error('The town has a host already.');
      return TownHost.start(options, lock);
    },
    deleteRuntime: () => {
      const gone = file('runtime-that-is-gone');
      renameSync(paths.runtime, gone);
      rmSync(gone, { recursive: true });
    },
    remove: folder.remove,
  };
}
