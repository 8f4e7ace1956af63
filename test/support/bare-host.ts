import { join } from 'node:path';
import { createTown } from '../../shared/config/create-town.ts';
import type { Logger } from '../../shared/process/logger.ts';
import { TownHost } from '../../shared/town/host.ts';
import type { TownHostOptions } from '../../shared/town/host-options.ts';
import { HostLock } from '../../shared/town/lock.ts';
import type { TownPaths } from '../../shared/town/paths.ts';
import { townPaths } from '../../shared/town/paths.ts';
import { temporaryFolder } from './core.ts';

/** A town's folder and what a real host of it is started with, but no agents: nothing is ever started in it. */
export interface BareTown {
  root: string;
  paths: TownPaths;
  options: TownHostOptions;
  logged: string[];
  host(): Promise<TownHost>;
  remove(): void;
}

export async function makeBareTown(): Promise<BareTown> {
  const folder = temporaryFolder('bare');
  const root = join(folder.path, 'town');
  await createTown(root);
  const logged: string[] = [];
  const line = (level: string) => (message: string) => void logged.push(`${level} ${message}`);
  const log: Logger = { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };
  const file = (name: string): string => join(folder.path, name);
  const options: TownHostOptions = {
    root,
    files: { plugin: file('gastown.js'), hook: file('hook.js'), gt: file('gt.js'), prompts: file('roles') },
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
    remove: folder.remove,
  };
}
