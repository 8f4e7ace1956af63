/** What a scripted forge knows, as a JSON file: `gh-program.ts` answers by it, and tests change it. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';

export interface ForgePull {
  number: number;
  title: string;
  body: string;
  base: string;
  branch: string;
  /** Of the repository that the branch is in. */
  owner: string;
  state: 'OPEN' | 'CLOSED' | 'MERGED';
  isDraft: boolean;
  mergeable: 'MERGEABLE' | 'CONFLICTING' | 'UNKNOWN';
  reviewDecision: '' | 'APPROVED' | 'CHANGES_REQUESTED' | 'REVIEW_REQUIRED';
  checks: Record<string, unknown>[];
  /** Since it is merged or closed: what its branch was at, and what its target is at with it. */
  head?: string;
  mergeCommit?: string;
}

export interface ForgeState {
  /** Bare repositories, by owner. `acme` is the one that pull requests are made in. */
  repositories: Record<string, string>;
  pulls: ForgePull[];
  /** Each call's arguments. */
  calls: string[][];
  signedIn: boolean;
  online: boolean;
  /** Whether its remotes are at a host that gh knows. */
  known: boolean;
  /** The next `gh pr create` makes it and is not heard of: it is cut off, or does not come back. */
  afterCreate?: 'cut' | 'hang';
}

export const readForge = (file: string): ForgeState => JSON.parse(readFileSync(file, 'utf8')) as ForgeState;

export function writeForge(file: string, state: ForgeState): void {
  writeFileSync(`${file}.new`, JSON.stringify(state, undefined, 2));
  renameSync(`${file}.new`, file);
}
