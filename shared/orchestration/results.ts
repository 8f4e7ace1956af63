import { isDeepStrictEqual } from 'node:util';
import { mergeQueuePolicy } from '../config/merge-queue-settings.ts';
import { messageOf } from '../platform/errors.ts';
import { isAncestor } from '../platform/git/commit-merge.ts';
import { commitAt } from '../platform/git/remote-branch.ts';
import { countMadeHere, readResult, resultText } from '../platform/git/result.ts';
import type { BranchTip, WorktreeResult } from '../platform/git/result.ts';
import type { SessionInfo } from '../domain/orchestrator.ts';
import type { StoredWork } from '../store/work.ts';
import { ownedStates } from '../domain/work-state.ts';
import type { Town } from './town.ts';
import { targetRefOf } from './target-ref.ts';
import { findUnitWorktree } from './unit-worktree.ts';

type Parts = Pick<Town, 'store' | 'work' | 'manager' | 'log' | 'paths' | 'rigs'>;

/**
 * Reads from the worktree what was done for the session's units, and keeps it with them: at the end of a turn, with a
 * report, and at the end of the session, before the worktree goes. Never rejects: where git cannot tell, what was known
 * stays, and the session's timeline says why.
 */
export async function noteResult(town: Parts, session: SessionInfo): Promise<void> {
  const tell = (type: string, detail: Record<string, unknown>): void => {
    const event = { at: town.manager.now(), sessionId: session.id, runId: session.runId, type, detail };
    town.store.backlog.keep(() => town.store.addEvent(event));
  };
  for (const { id, base, branch, rig } of unitsOf(town, session)) {
    if (base === undefined || branch === undefined) continue;
    let place = session.workDir;
    try {
      if (session.branch !== undefined) place = town.rigs.worktreeOf(session);
      if (branch !== session.branch) {
        const repository = town.rigs.get(rig);
        // Where its worktree has gone, the branch has what there is, and nobody works on it.
        const worktree = await findUnitWorktree(town.paths, repository, branch);
        if (worktree === undefined) continue;
        place = worktree.path;
      }
      const target = await targetOf(town, rig);
      const read = await readResult(place, base, target);
      const result = await asItLanded(place, { base, before: town.work.find(id)?.result, now: read, target });
      if (!town.store.isOpen) return;
      const unit = town.work.find(id);
      // It may have gone to another worktree meanwhile.
      if (unit?.base !== base || isDeepStrictEqual(unit.result, result)) continue;
      // It has happened: whether it can be recorded now or later, the caller goes on.
      town.store.backlog.keep(() => {
        if (town.work.find(id)?.base === base) town.work.setResult(id, result);
      });
      tell('work.result', { work: id, result: resultText(result), head: result.head });
    } catch (error) {
      if (!town.store.isOpen) return;
      town.log.warn(`[orchestration] what was done for ${id} could not be read from ${place}: ${messageOf(error)}`);
      tell('work.result', { work: id, result: `could not be read from ${place}: ${messageOf(error)}` });
    }
  }
}

/** The branch that the rig's work goes into; undefined where there is none now. */
async function targetOf({ rigs }: Parts, rig: string): Promise<BranchTip | undefined> {
  const { path, settings } = rigs.get(rig);
  const { target, strategy } = mergeQueuePolicy(settings.merge_queue);
  const branch = target ?? rigs.views().find(({ name }) => name === rig)?.defaultBranch;
  if (branch === undefined) return undefined;
  const head = await commitAt(path, await targetRefOf(path, branch, strategy));
  return head === undefined ? undefined : { branch, head };
}

/** What was done does not become nothing when the target has it. */
async function asItLanded(
  place: string,
  {
    base,
    before,
    now,
    target,
  }: { base: string; before: WorktreeResult | undefined; now: WorktreeResult; target: BranchTip | undefined },
): Promise<WorktreeResult> {
  if (now.commits > 0 || target === undefined) return now;
  if (before !== undefined && before.commits > 0)
    return (await isAncestor(place, before.head, target.head)) ? { ...now, commits: before.commits } : now;
  // Somebody was quicker to merge it than anybody to look: what was made here is still known.
  return (await isAncestor(place, now.head, target.head)) ? { ...now, commits: await countMadeHere(place, base) } : now;
}

/**
 * The units whose commits the session makes: those that it has, also in the worktree of another one that handed them over,
 * or has just given back; else the last one that it had.
 */
function unitsOf({ store, work }: Parts, session: SessionInfo): StoredWork[] {
  const owned = work.ownedBy(session.id);
  const record = store.sessions.session(session.id);
  if (session.branch === undefined || record === undefined) return owned;
  const isOwned = ({ state }: StoredWork): boolean => ownedStates.includes(state);
  // What an earlier session of this name and branch had is not this one's.
  const here = store.work
    .onBranch(session.rig, session.branch)
    .filter((unit) => isOwned(unit) || unit.changedAt >= record.createdAt);
  const open = here.filter((unit) => isOwned(unit) || unit.state === 'open');
  const elsewhere = owned.filter(({ id }) => here.every((unit) => unit.id !== id));
  return [...(open.length > 0 || elsewhere.length > 0 ? open : here.slice(0, 1)), ...elsewhere];
}
