/**
 * Removing a worktree so that nothing is lost, and bringing it back. In this order: the intent is on record, the disk is
 * judged, what only it has is rescued, that is on record, and only then something goes. The folder is first moved aside as a
 * whole, so that what is at its path is always all of it or nothing, also after a crash.
 */
import { chmod, lstat, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { unlessMissing } from '../files.ts';
import { GasTownError, messageOf } from '../errors.ts';
import { addNote, adminFolder, readNote, removeNote } from './admin-folder.ts';
import { reasonsToStay } from './findings.ts';
import type { Finding, Occasion } from './findings.ts';
import { gitPath } from './git-path.ts';
import { git, gitBounds, runGit } from './git.ts';
import { putBack, rescue } from './rescue.ts';
import { initSubmodules } from './submodules.ts';
import { surveyWorktree } from './survey-worktree.ts';
import type { SurveyOptions, WorktreePlace } from './survey-worktree.ts';
import { inTurn, isOnRecord, listWorktrees } from './worktree.ts';

/** What is needed to finish a removal that was judged, and to undo one. */
export interface RemovedWorktree extends WorktreePlace {
  /** Names the folder that it is moved to. */
  id: string;
  head?: string;
  headRef?: string;
  /** Where `branch` was, which went with it; absent where no branch went. */
  branchTip?: string;
  /** The rescue commit; absent where there was nothing to rescue. */
  rescue?: string;
  /** Commits that only the rescue commit keeps. */
  commits: number;
  /** Files that only the rescue commit has. */
  files: number;
  /** Somebody had deleted the folder before. */
  byHand?: true;
}

/** `used`: somebody works there again, so nothing was looked at. */
export type RemovalResult =
  { kind: 'used' } | { kind: 'kept'; findings: Finding[] } | { kind: 'removed'; removed: RemovedWorktree };

export interface RemovalOrder extends WorktreePlace {
  id: string;
  /** Names the rescue ref: the session that worked there. */
  label: string;
  occasion: Occasion;
  at: number;
  /** Asked when its turn has come: whether nobody works there again. Always so when absent. */
  isFree?: () => boolean;
  /** Puts on record that it goes, and all that undoes it. Nothing has been touched before it returns. */
  judged: (removed: RemovedWorktree) => void;
}

/** The folders of worktrees that are being deleted begin so; they lie beside where the worktree was. */
const asidePrefix = '.removing-';

/** Whether a folder below the worktrees is what is left of one that was judged. */
export const isAside = (path: string): boolean => basename(path).startsWith(asidePrefix);

const asideOf = ({ path, id }: RemovedWorktree): string => join(dirname(path), `${asidePrefix}${id}`);

/** Rejects where the removal broke off after it was judged: then `finishRemoval` does the rest. Until then it never rejects. */
export function removeWorktree(order: RemovalOrder, options: SurveyOptions): Promise<RemovalResult> {
  return inTurn(order.repository, async () => {
    const { repository, path, branch, occasion } = order;
    if (order.isFree?.() === false) return { kind: 'used' };
    const found = await surveyWorktree(order, options);
    const stays = reasonsToStay(found.findings, occasion);
    if (stays.length > 0) return { kind: 'kept', findings: stays };
    if (order.isFree?.() === false) return { kind: 'used' };
    const branchStays = found.branchHolds === true;
    let ref: string | undefined;
    try {
      ref = await rescue(order, found, { occasion, stays: branchStays, label: order.label, at: order.at });
    } catch (error) {
      return {
        kind: 'kept',
        findings: [{ kind: 'unknown', reason: `what only it has could not be saved: ${messageOf(error)}` }],
      };
    }
    const counted = (...kinds: Finding['kind'][]): number =>
      found.findings.reduce(
        (sum, finding) =>
          sum +
          (!kinds.includes(finding.kind)
            ? 0
            : 'commits' in finding
              ? finding.commits
              : 'files' in finding
                ? finding.files.length
                : 0),
        0,
      );
    const removed: RemovedWorktree = {
      id: order.id,
      repository,
      path,
      ...(branch === undefined ? {} : { branch }),
      ...(found.head === undefined ? {} : { head: found.head }),
      ...(found.headRef === undefined ? {} : { headRef: found.headRef }),
      ...(found.branchTip === undefined || branchStays ? {} : { branchTip: found.branchTip }),
      ...(ref === undefined ? {} : { rescue: ref }),
      commits: ref === undefined ? 0 : counted('loose', ...(branchStays ? [] : ['unmerged' as const])),
      files: counted('uncommitted', 'ignored', 'flagged'),
      ...(found.isThere ? {} : { byHand: true as const }),
    };
    if (found.isThere && found.admin !== undefined) {
      try {
        await addNote(found.admin, 'removal', order.id);
      } catch (error) {
        return {
          kind: 'kept',
          findings: [{ kind: 'unknown', reason: `git’s record of it cannot be written: ${messageOf(error)}` }],
        };
      }
    }
    order.judged(removed);
    if (found.isThere) {
      try {
        await rename(path, asideOf(removed));
      } catch (error) {
        return {
          kind: 'kept',
          findings: [{ kind: 'unknown', reason: `its folder could not be moved: ${messageOf(error)}` }],
        };
      }
    }
    await finish(removed);
    return { kind: 'removed', removed };
  });
}

/**
 * Does what is left of a removal that was judged and has broken off. False where the folder was not moved aside yet: it may
 * have been worked in since, so it is to be judged again. What is at its path by now and is another worktree is left alone.
 */
export function finishRemoval(removed: RemovedWorktree): Promise<boolean> {
  return inTurn(removed.repository, async () => {
    const isAside = (await unlessMissing(lstat(asideOf(removed)))) !== undefined;
    if (!isAside && (await isStillThere(removed))) return false;
    await finish(removed);
    return true;
  });
}

/** Whether what is at its path is what was judged: somebody may have deleted that, and another worker may be there. */
async function isStillThere(removed: RemovedWorktree): Promise<boolean> {
  if (removed.byHand || (await unlessMissing(lstat(removed.path))) === undefined) return false;
  const admin = await adminFolder(removed);
  return admin !== undefined && (await readNote(admin, 'removal')) === removed.id;
}

async function finish(removed: RemovedWorktree): Promise<void> {
  const { repository, path, branch, branchTip } = removed;
  const change = { boundMs: gitBounds.change };
  const isThere = (await unlessMissing(lstat(path))) !== undefined;
  if (!isThere && (await isOnRecord(repository, path))) {
    // Without its folder; by force, because git would not do it where there are submodules.
    await git(repository, ['worktree', 'remove', '--force', path], change);
  }
  // Only where it is still where it was judged to be, and nobody else has it checked out.
  if (branch !== undefined && branchTip !== undefined && !(await isCheckedOut(repository, branch))) {
    const { code } = await runGit(repository, ['update-ref', '-d', `refs/heads/${branch}`, branchTip], change);
    if (code === 0) await runGit(repository, ['config', '--remove-section', `branch.${branch}`], change);
  }
  await deleteFolder(asideOf(removed));
}

async function isCheckedOut(repository: string, branch: string): Promise<boolean> {
  return (await listWorktrees(repository)).some((entry) => entry.branch === branch);
}

/** Folders without the right to write in them keep what is in them. */
async function deleteFolder(folder: string): Promise<void> {
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true, maxRetries: 3 });
  try {
    await remove();
  } catch {
    await makeWritable(folder);
    await remove();
  }
}

async function makeWritable(folder: string): Promise<void> {
  await chmod(folder, 0o700);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await makeWritable(join(folder, entry.name));
  }
}

/**
 * Brings a removed worktree back: at its path, with the branch that went with it, what was checked out, and every file that
 * was only there, byte by byte. Rejects with `name-taken` where something else is there by now. On another failure nothing
 * of it stays but what was rescued. Resolves with what of its submodules could not be had: they had nothing of their own.
 */
export function restoreWorktree(removed: RemovedWorktree): Promise<string[]> {
  return inTurn(removed.repository, async () => {
    const { repository, path, branch, branchTip, head, headRef, rescue: ref } = removed;
    if (await unlessMissing(lstat(path)))
      throw new GasTownError('name-taken', `${path} is there already: move or remove it first.`);
    const change = { boundMs: gitBounds.change };
    const left = await adminFolder(removed);
    // Somebody has deleted the folder of one that was only brought back half.
    if (left !== undefined && (await readNote(left, 'restoring')) !== undefined)
      await git(repository, ['worktree', 'remove', '--force', path], change);
    const tipOf = async (name: string): Promise<string | undefined> => {
      const { code, stdout } = await runGit(repository, ['rev-parse', '--verify', '--quiet', `refs/heads/${name}`]);
      return code === 0 ? stdout.trim() : undefined;
    };
    const isBack = branch !== undefined && branchTip !== undefined && (await tipOf(branch)) === undefined;
    if (isBack) await git(repository, ['branch', '--no-track', '--', branch, branchTip], change);
    const out = headRef?.replace(/^refs\/heads\//, '');
    const isFree =
      out !== undefined && head !== undefined && (await tipOf(out)) === head && !(await isCheckedOut(repository, out));
    if (head === undefined)
      throw new GasTownError(
        'refused',
        `${path} had no commit checked out; what it had is in ${ref ?? 'no rescue commit'}.`,
      );
    await mkdir(dirname(path), { recursive: true });
    try {
      await git(
        repository,
        ['worktree', 'add', '--no-checkout', ...(isFree ? [path, out] : ['--detach', path, head])],
        change,
      );
      const admin = await gitPath(path, ['--git-dir']);
      await addNote(admin, 'restoring');
      await git(path, ['reset', '--quiet', '--hard', '--no-recurse-submodules'], { boundMs: gitBounds.transfer });
      if (ref !== undefined) await putBack(repository, path, ref);
      const warnings = await initSubmodules(path, repository, { tolerant: true });
      await removeNote(admin, 'restoring');
      return warnings;
    } catch (error) {
      await rm(path, { recursive: true, force: true, maxRetries: 3 }).catch(() => undefined);
      await runGit(repository, ['worktree', 'remove', '--force', '--force', path], change).catch(() => undefined);
      if (isBack)
        await runGit(repository, ['update-ref', '-d', `refs/heads/${branch}`, branchTip], change).catch(
          () => undefined,
        );
      throw error;
    }
  });
}
