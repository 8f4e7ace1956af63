import { constants } from 'node:fs';
import { access, mkdir, realpath, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { unlessMissing } from '../files.ts';
import { GasTownError, messageOf, throwIfCancelled } from '../errors.ts';
import { addNote, readNote, removeNote } from './admin-folder.ts';
import { findBase } from './base-branch.ts';
import type { Base, BaseWish } from './base-branch.ts';
import { requireFreeBranch } from './branch-name.ts';
import { gitPath } from './git-path.ts';
import { git, gitBounds, runGit, runHook } from './git.ts';
import type { GitOptions, GitResult } from './git.ts';
import { initSubmodules } from './submodules.ts';
import { hasHookRun } from './version.ts';

export interface Worktree {
  path: string;
  branch: string;
  /** Commit that the branch started from. */
  base: string;
  /** What went wrong that does not keep anybody from working in it: a hook that failed, a submodule that could not be had. */
  warning?: string;
}

export interface NewWorktree {
  /** Where a new branch starts; the top of the repository's default branch when absent. */
  base?: BaseWish;
  /** Its files are being written, by git and then by `prepare`. */
  onCheckOut?: () => void;
  /**
   * Makes one ready that nobody has worked in yet, as the last step: where it rejects, nothing of the worktree stays. Resolves with
   * what went wrong that does not keep anybody from working in it. Runs again where an earlier host died over it.
   */
  prepare?: (path: string, signal: AbortSignal | undefined) => Promise<string[]>;
  signal?: AbortSignal | undefined;
}

/** Per repository, what is being done to its worktrees: git itself fails when it meets a half-made one. */
const busy = new Map<string, Promise<unknown>>();
/** By path, those that are being filled. */
const filling = new Map<string, Promise<unknown>>();

/** Runs one act on a repository's worktrees after the other. */
export function inTurn<T>(repository: string, act: () => Promise<T>): Promise<T> {
  const result = (busy.get(repository) ?? Promise.resolve()).then(act);
  // The chain only orders; whoever asked gets the error.
  busy.set(
    repository,
    result.catch(() => undefined),
  );
  return result;
}

/**
 * A worktree of its own on a new branch from the base branch, with the submodules that the main checkout has. Failure to isolate is an
 * error, never "go on without": the caller stops the spawn, and nothing of it stays. A branch that exists already (an earlier
 * attempt at the same work) is adopted where it was left, in the worktree that it was left in if that is still there.
 * A post-checkout hook that fails does not undo a checkout, as everywhere in git; one that does not end does.
 */
export async function createWorktree(
  repository: string,
  path: string,
  branch: string,
  options: NewWorktree = {},
): Promise<Worktree> {
  try {
    // What is in it is the user's alone, as everything of the town.
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    // Another start in the same folder comes first; what becomes of it is seen on the disk.
    for (let before = filling.get(path); before; before = filling.get(path)) await before.catch(() => undefined);
    const making = make(repository, path, branch, options);
    filling.set(path, making);
    const { warnings, base } = await making.finally(() => filling.delete(path));
    return {
      path: await realpath(path),
      branch,
      base: base ?? (await partingOf(repository, path, options)),
      ...(warnings.length === 0 ? {} : { warning: warnings.join('; ') }),
    };
  } catch (error) {
    if (GasTownError.is(error, 'cancelled') || GasTownError.is(error, 'consent-needed')) throw error;
    throw new GasTownError(
      'isolation-failed',
      `No worktree could be made for branch ${branch} at ${path}, so nothing was started: ${messageOf(error)}`,
      { cause: error },
    );
  }
}

/** Of a branch that was there before: where it has left the base branch. Where that is no more, all that it has is its start. */
async function partingOf(repository: string, path: string, { base, signal }: NewWorktree): Promise<string> {
  const wish = { ...base, fetch: false, subfolder: '' };
  const start = await findBase(repository, wish, signal).catch((error: unknown) => {
    if (GasTownError.is(error, 'bad-config')) return undefined;
    throw error;
  });
  const head = await git(path, ['rev-parse', 'HEAD'], signal);
  if (start === undefined) return head;
  const { code, stdout } = await runGit(path, ['merge-base', head, start.commit], signal);
  return code === 0 ? stdout.trim() : start.commit;
}

interface Made {
  /** What went wrong that does not keep anybody from working in it. */
  warnings: string[];
  /** Where its branch starts, if that is new. */
  base?: string;
}

async function make(repository: string, path: string, branch: string, options: NewWorktree): Promise<Made> {
  const { signal, base: wish = { subfolder: '' } } = options;
  const isKnown = async (): Promise<boolean> =>
    (await runGit(repository, ['rev-parse', '--verify', '-q', `refs/heads/${branch}`], { signal })).code === 0;
  // A remote is asked before anybody else has to wait for this.
  const asked = (await isKnown()) ? undefined : await findBase(repository, wish, signal);
  const making = await inTurn(repository, async (): Promise<'adopted' | 'checked-out' | Base> => {
    throwIfCancelled(signal, `Making a worktree for ${branch}`);
    const listed = await findListed(repository, path, signal);
    const isThere = (await unlessMissing(stat(path))) !== undefined;
    if (listed && isThere && listed.branch === branch) {
      if ((await readNote(await gitPath(path, ['--git-dir'], signal), 'restoring')) === undefined) return 'adopted';
      throw new GasTownError(
        'isolation-failed',
        `${path} was only half brought back. Remove it (gt worktree remove), then bring it back (gt worktree restore).`,
      );
    }
    if (listed && !isThere) {
      throw new GasTownError(
        'isolation-failed',
        `git has a worktree at ${path} on record whose folder is gone. If nothing of it is wanted: git worktree prune.`,
      );
    }
    if (isThere) {
      throw new GasTownError(
        'isolation-failed',
        `${path} is there already, perhaps kept for what is in it. Choose another name, or remove it.`,
      );
    }
    const start = (await isKnown())
      ? undefined
      : (asked ?? (await findBase(repository, { ...wish, fetch: false }, signal)));
    if (start) await requireFreeBranch(repository, branch, signal);
    try {
      // Only this has to be in turn. What takes long, or runs what the repository brings, holds up nobody else.
      const what = start ? ['-b', branch, path, start.commit] : [path, branch];
      await git(repository, ['worktree', 'add', '--no-checkout', ...what], { signal, boundMs: gitBounds.change });
    } catch (error) {
      await takeBack(repository, path, start && branch);
      throw error;
    }
    return start ?? 'checked-out';
  });
  const admin = await gitPath(path, ['--git-dir'], signal);
  // Nothing is taken back of what was there before.
  if (making === 'adopted')
    return {
      warnings: (await isHalf(admin))
        ? await fill(repository, path, admin, options)
        : await complete(repository, path, signal),
    };
  const start = making === 'checked-out' ? undefined : making;
  try {
    const warnings = await fill(repository, path, admin, options);
    return start ? { warnings: [...start.warnings, ...warnings], base: start.commit } : { warnings };
  } catch (error) {
    await inTurn(repository, () => takeBack(repository, path, start && branch));
    throw error;
  }
}

/** Whether an earlier host has died over filling it. Git writes the index last. */
async function isHalf(admin: string): Promise<boolean> {
  return !(await hasIndex(admin)) || (await readNote(admin, 'filling')) !== undefined;
}

/** Checks out what `worktree add` has left out, as it would have done. */
async function fill(repository: string, path: string, admin: string, options: NewWorktree): Promise<string[]> {
  const { signal, prepare, onCheckOut } = options;
  onCheckOut?.();
  await addNote(admin, 'filling');
  if (!(await hasIndex(admin)))
    await git(path, ['reset', '--quiet', '--hard', '--no-recurse-submodules'], { signal, boundMs: gitBounds.transfer });
  const warnings = await initSubmodules(path, repository, { signal });
  const head = await git(path, ['rev-parse', 'HEAD'], signal);
  const result = await runPostCheckout(path, ['0'.repeat(head.length), head, '1'], { signal, boundMs: gitBounds.hook });
  if (result !== undefined && result.code !== 0) {
    const words = `${result.stderr}\n${result.stdout}`.trim().split('\n').at(-1) ?? '';
    warnings.push(`the post-checkout hook of ${repository} failed (exit code ${result.code}): ${words}`);
  }
  if (prepare) warnings.push(...(await prepare(await realpath(path), signal)));
  await removeNote(admin, 'filling');
  return warnings;
}

/** What an earlier version has left out of a worktree. Somebody has work in it, so what cannot be had does not stop them. */
function complete(repository: string, path: string, signal?: AbortSignal): Promise<string[]> {
  return initSubmodules(path, repository, { signal, missingOnly: true, tolerant: true });
}

/** Undefined where there is none. */
async function runPostCheckout(
  path: string,
  args: readonly string[],
  options: GitOptions,
): Promise<GitResult | undefined> {
  if (await hasHookRun())
    return runGit(path, ['hook', 'run', '--ignore-missing', 'post-checkout', '--', ...args], options);
  // `core.hooksPath` is in the answer; where that is no whole path it is seen from the top.
  const file = await gitPath(path, ['--git-path', 'hooks/post-checkout'], options.signal);
  try {
    await access(file, constants.X_OK);
  } catch {
    // As git: what may not be run is no hook.
    return undefined;
  }
  return runHook(path, file, args, options);
}

/**
 * What a start that failed has left: the folder, git's record of it, and the branch where it is new. Nobody has worked
 * there, so there is nothing to lose. Fails for nobody: whoever calls has an error already.
 */
async function takeBack(repository: string, path: string, branch: string | undefined): Promise<void> {
  const boundMs = gitBounds.change;
  // Twice, because git locks a worktree while it makes it.
  await runGit(repository, ['worktree', 'remove', '--force', '--force', path], { boundMs }).catch(() => undefined);
  await rm(path, { recursive: true, force: true, maxRetries: 3 }).catch(() => undefined);
  // With submodules git removes it only when the folder is gone.
  await runGit(repository, ['worktree', 'remove', '--force', '--force', path], { boundMs }).catch(() => undefined);
  if (branch !== undefined)
    await runGit(repository, ['branch', '-D', '--', branch], { boundMs }).catch(() => undefined);
}

const hasIndex = async (admin: string): Promise<boolean> =>
  (await unlessMissing(stat(join(admin, 'index')))) !== undefined;

/** Whether git knows a worktree at this path, be its folder there or not. */
export async function isOnRecord(repository: string, path: string, signal?: AbortSignal): Promise<boolean> {
  return (await findListed(repository, path, signal)) !== undefined;
}

/** What git has on record for this path, whether the folder is there or not. */
async function findListed(repository: string, path: string, signal?: AbortSignal): Promise<ListedWorktree | undefined> {
  const real = join((await unlessMissing(realpath(dirname(path)))) ?? dirname(path), basename(path));
  return (await listWorktrees(repository, signal)).find((entry) => entry.path === real);
}

/** One entry of git's list of worktrees. */
interface ListedWorktree {
  path: string;
  /** Undefined with a detached HEAD. */
  branch: string | undefined;
}

/** What git has on record for the repository that `folder` is in, its main checkout first. */
export async function listWorktrees(folder: string, signal?: AbortSignal): Promise<ListedWorktree[]> {
  const [option, end] = (await hasHookRun()) ? [['-z'], '\0'] : [[], '\n'];
  const listed = await git(folder, ['worktree', 'list', '--porcelain', ...option], signal);
  return listed.split(end + end).flatMap((entry) => {
    const lines = entry.split(end);
    const valueOf = (name: string): string | undefined =>
      lines.find((line) => line.startsWith(`${name} `))?.slice(name.length + 1);
    const path = valueOf('worktree');
    return path === undefined ? [] : [{ path, branch: valueOf('branch')?.replace(/^refs\/heads\//, '') }];
  });
}

/** Takes one worktree off git's record whose folder is gone. `git worktree prune` would take the user's, too. */
export function forgetWorktree(repository: string, path: string): Promise<void> {
  return inTurn(repository, async () => {
    await git(repository, ['worktree', 'remove', path]);
  });
}

/** Commits on the branch that `base` does not have; undefined where either is gone. */
export async function countCommits(repository: string, base: string, branch: string): Promise<number | undefined> {
  const result = await runGit(repository, ['rev-list', '--count', `${base}..refs/heads/${branch}`]);
  return result.code === 0 ? Number(result.stdout.trim()) : undefined;
}
