/** A backend is a folder and what this file says it must tell of itself; `host/backends.ts` has the list of them. */
import type { ResolvedAgent } from '../domain/agent.ts';
import type { BackendFacts } from '../domain/backend.ts';
import type { ConsentItem } from '../domain/consent.ts';
import type { AgentVariables, Environment } from '../platform/inherited-environment.ts';
import type { BackendDriver, DriverHost } from './driver.ts';
import type { TerminalHost } from './terminal-host.ts';

/** What a driver may use of the host. */
export interface BackendMeans {
  terminals: TerminalHost;
  /** The host's environment, by which an agent finds its programs, configuration and credentials; a session's is derived from it. */
  environment: Environment;
  /** A Node for reporters that are programs of their own. */
  node: { command: string; env: Readonly<Record<string, string>> };
  /** Absolute path of the bundled `reporter`. */
  reporter: string;
  /** `<town>/.runtime`; a driver that keeps something makes a folder of its own there. */
  runtimeDir: string;
  /** The channel, for reporters. */
  socket: string;
  /** Where reporters read where the host is, should it not be there any more. */
  hostFile: string;
  /** How long a turn may go on trying at a provider that fails, in ms, by the settings as they are now. */
  patienceMs: () => number;
  /** How often in a row a turn may do the same (see `Repetition`), by the settings as they are now; 0: any number. */
  maxRepeats: () => number;
  /** Something that several runs share ended by itself. */
  onServerLost: (reason: string) => void;
  /** After how many ms without a host what several runs share ends itself; the driver's own bound where absent. */
  leaseMs?: number;
}

/** Something of ours in a work dir or in the user's own configuration. */
export interface Leftover {
  path: string;
  files: readonly string[];
  /** In words for people. */
  what: string;
  /** The folders that are empty without it go with it. */
  withFolders: boolean;
}

/** What sessions leave behind outside of `.runtime`, and how it goes. */
export interface Leftovers {
  /** Ours in these work dirs, where `hooks` and the driver have put it. What git tracks is the user's. */
  in(directories: readonly string[], hooks: readonly NonNullable<ResolvedAgent['hooks']>[]): Promise<Leftover[]>;
  /** Ours in the user's own configuration: all towns share it, so it stays. */
  shared(environment: Environment): Promise<Pick<Leftover, 'path' | 'what'>[]>;
  remove(leftover: Leftover): Promise<void>;
}

export interface BackendDescriptor extends BackendFacts {
  /** What to do where the provider does not take the account. */
  accountAdvice: string;
  /** File name of the bundled program or plugin by which its sessions report. */
  reporter: string;
  variables: AgentVariables;
  /** Its shells ask the host for their identity: a file has it for when no host is there. */
  identityFile: boolean;
  /** What the program runs of a repository without asking anybody. Rejects with `bad-config` where that cannot be shown. */
  repositoryPrograms?: (directory: string) => Promise<ConsentItem[]>;
  leftovers?: Leftovers;
  /** The driver's code is a file of its own, for hosts: a descriptor is also there where no town is hosted. */
  loadDriver(): Promise<CreateDriver>;
}

export type CreateDriver = (host: DriverHost, means: BackendMeans) => BackendDriver;

/** The first one is meant where nothing says which. */
export type Backends = readonly [BackendDescriptor, ...BackendDescriptor[]];
