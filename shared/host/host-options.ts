import type { Backends } from '../backends/backend.ts';
import type { TerminalHost } from '../backends/terminal-host.ts';
import type { Logger } from '../platform/logger.ts';
import type { LifecycleCallbacks } from './lifecycle-callbacks.ts';
import type { NodeProgram } from './launchers.ts';

/** Bundled files that the host hands to agents. */
export interface BundledFiles {
  /** Folder with the reporters of all backends (`BackendDescriptor.reporter`). */
  reporters: string;
  /** The `gt` command line. */
  gt: string;
  /** Folder with one `<role>.md` per role. */
  prompts: string;
}

/** What the host of a town is given by the program that it runs in. */
export interface TownHostOptions {
  root: string;
  files: BundledFiles;
  node: NodeProgram;
  /** The environment from which the agents' is derived; never used as it is. */
  environment: Readonly<Record<string, string | undefined>>;
  terminals: TerminalHost;
  log: Logger;
  /** Nothing is started while this says false. */
  trusted: () => boolean;
  /** The id of the editor's window that this is, where it is one. */
  window?: string;
  /** Instead of those that ship. */
  backends?: Backends;
  now?: () => number;
  callbacks?: LifecycleCallbacks;
  /** After how many milliseconds without a host the servers of agent programs end themselves. */
  leaseMs?: number;
}
