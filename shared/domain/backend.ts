import type { BackendName, Role } from './orchestrator.ts';

/** What settings and agents need to know of a backend: all of it without its driver. */
export interface BackendFacts {
  /** As settings, callers and the store have it. Letters, digits and `-` only. */
  name: BackendName;
  /** What people call its program. */
  title: string;
  /** The program of an agent that names none: what is looked up on PATH. */
  program: string;
  /** The roles that its own agent has in a new town; the first backend's agent has those of nobody else. */
  newTownRoles: readonly Role[];
  /** What the tool is called by which it runs shell lines, as permissions are asked for; absent where there is none. */
  shellTool?: string;
  /** It can be given our plugin in a work dir besides (an agent's `hooks`). */
  plugin?: {
    file: string;
    /** Below the work dir, where its program looks. */
    folders: readonly string[];
  };
  /** Its program does not go on trying at a provider that fails: there is nothing to break off. */
  givesUp: boolean;
}

/** All that there are; the first one is meant where nothing says which. */
export type KnownBackends = readonly [BackendFacts, ...BackendFacts[]];

/** Pure. */
export const namesOf = (backends: readonly Pick<BackendFacts, 'name'>[]): BackendName[] =>
  backends.map(({ name }) => name);
