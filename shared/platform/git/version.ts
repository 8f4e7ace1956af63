/** Which git is on PATH: what old ones cannot do is done in another way. */
import { homedir } from 'node:os';
import { git } from './git.ts';

export interface GitVersion {
  major: number;
  minor: number;
  /** As it tells it. */
  text: string;
}

/** That of Debian 11: nothing newer is needed. The README and `gt doctor` say so. */
export const oldestGit: Omit<GitVersion, 'text'> = { major: 2, minor: 30 };

/** By PATH: another one may lead to another git. */
const known = new Map<string, GitVersion>();

/** Asked once. Rejects where there is no git. */
export async function gitVersion(): Promise<GitVersion> {
  const path = process.env['PATH'] ?? '';
  const version = known.get(path) ?? parseVersion(await git(homedir(), ['--version']));
  known.set(path, version);
  return version;
}

/** Pure. What is no version that we know how to read counts as a new one. */
export function parseVersion(text: string): GitVersion {
  const [, major, minor] = /^git version (\d+)\.(\d+)/.exec(text) ?? [];
  return { major: Number(major ?? Number.POSITIVE_INFINITY), minor: Number(minor ?? 0), text };
}

export const isAtLeast = (version: Omit<GitVersion, 'text'>, { major, minor }: Omit<GitVersion, 'text'>): boolean =>
  version.major > major || (version.major === major && version.minor >= minor);

const isAtLeast236 = async (): Promise<boolean> => isAtLeast(await gitVersion(), { major: 2, minor: 36 });

/** `worktree list -z` and `hook run` are known since then. */
export const hasHookRun = (): Promise<boolean> => isAtLeast236();

/** `cat-file --batch-command`, too. */
export const hasBatchCommand = (): Promise<boolean> => isAtLeast236();
