import { createHash } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { WorktreeCommand } from '../config/worktree-settings.ts';
import type { GateResult } from '../domain/merge.ts';
import { unlessMissing } from '../platform/files.ts';
import { copyIgnored, includedPatterns } from '../platform/git/copy-ignored.ts';
import { gitPath } from '../platform/git/git-path.ts';
import { git } from '../platform/git/git.ts';
import { runCommand } from '../platform/run-command.ts';

/** How the standing worktree is made ready for gates, as the worktrees of workers are. */
export interface StandingSetUp {
  command: WorktreeCommand | undefined;
  /** Files that git ignores and work needs (`worktrees.include`). */
  include: readonly string[];
  /** Folders from which none of them is taken. */
  never: readonly string[];
}

/** What is installed is by these: where one of them is another, it is installed anew. */
const lockFiles = [
  ...['package-lock.json', 'npm-shrinkwrap.json', 'yarn.lock', 'pnpm-lock.yaml', 'bun.lock', 'bun.lockb', 'deno.lock'],
  ...['Cargo.lock', 'go.sum', 'Gemfile.lock', 'composer.lock', 'mix.lock', 'pubspec.lock', 'flake.lock'],
  ...['poetry.lock', 'uv.lock', 'Pipfile.lock', 'requirements.txt', 'gradle.lockfile', 'packages.lock.json'],
];

/**
 * Copies what work needs and runs the set-up, once for each state of the lock files. Resolves with the result of a set-up that
 * did not pass: it counts as a gate.
 */
export async function setUpStanding(
  { command, include, never }: StandingSetUp,
  at: { repository: string; worktree: string; cwd: string; env: Readonly<Record<string, string>>; log: string },
  signal: AbortSignal,
): Promise<GateResult | undefined> {
  const patterns = [...(await includedPatterns(at.repository)), ...include];
  if (command === undefined && patterns.length === 0) return undefined;
  const note = join(await gitPath(at.worktree, ['--git-dir'], signal), 'gastown-set-up');
  const locks = await git(
    at.worktree,
    ['ls-files', '-s', '--', ...lockFiles.map((name) => `:(glob)**/${name}`)],
    signal,
  );
  const state = createHash('sha256')
    .update(JSON.stringify([command?.command, patterns, locks]))
    .digest('hex');
  if ((await unlessMissing(readFile(note, 'utf8'))) === state) return undefined;
  // What is done from here on is half until it is noted.
  await rm(note, { force: true });
  if (patterns.length > 0) await copyIgnored({ from: at.repository, to: at.worktree, patterns, never, signal });
  if (command !== undefined) {
    const { cwd, env, log } = at;
    const result = await runCommand({ command: command.command, cwd, env, boundMs: command.boundMs, log, signal });
    const { took, tail } = result;
    if (result.state !== 'passed') {
      const outcome = result.state === 'timed-out' ? ('timed-out' as const) : ('failed' as const);
      return { name: 'setup_command', state: outcome, took, log, ...(tail === '' ? {} : { tail }) };
    }
  }
  await writeFile(note, state);
  return undefined;
}
