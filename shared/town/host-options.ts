import type { TerminalHost } from '../backends/terminal-host.ts';
import type { Logger } from '../process/logger.ts';
import type { LifecycleCallbacks } from './callbacks.ts';
import type { NodeProgram } from './launchers.ts';

/** Bundled files that the host hands to agents. */
export interface BundledFiles {
  /** gastown.js */
  plugin: string;
  /** The reporter that Claude's hooks run. */
  hook: string;
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
  now?: () => number;
  callbacks?: LifecycleCallbacks;
  /** After how many milliseconds without a host the Opencode server ends itself. */
  leaseMs?: number;
}
