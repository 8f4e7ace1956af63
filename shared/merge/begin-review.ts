import { mergeQueuePolicy } from '../config/merge-queue-settings.ts';
import type { ChangeSize } from '../domain/merge.ts';
import type { Town } from '../orchestration/town.ts';
import { DisposableStore } from '../platform/disposable-store.ts';
import type { Disposable } from '../platform/emitter.ts';
import { messageOf } from '../platform/errors.ts';
import { mergeBase, readChanges, readCommits } from '../platform/git/changes.ts';
import { defaultBranchOf } from '../platform/git/default-branch.ts';
import type { StoredMerge } from '../store/merges.ts';
import type { StoredWork } from '../store/work.ts';
import type { Finished } from '../work/merges.ts';
import { targetRefOf } from '../orchestration/target-ref.ts';
import { moveThreads } from './threads.ts';

/**
 * What a unit that is about to be done has to be merged; undefined where that is nothing: it belongs to no rig, or has no
 * commit of its own. Asks git, so it is asked before the report is recorded.
 */
export async function finishedOf(
  town: Town,
  { id, rig, branch, base, result }: StoredWork,
): Promise<Finished | undefined> {
  if (branch === undefined || base === undefined || result === undefined || !town.rigs.names().includes(rig))
    return undefined;
  if (result.commits === 0) return undefined;
  const { path, settings } = town.rigs.get(rig);
  const { target: wanted, strategy } = mergeQueuePolicy(settings.merge_queue);
  const known = { workId: id, rig, branch: result.branch ?? branch, head: result.head };
  try {
    const target = wanted ?? (await defaultBranchOf(path, town.rigs.baseOf(rig).branch));
    if (target === undefined) return undefined;
    const onto = await targetRefOf(path, target, strategy);
    const change = { base: (await mergeBase(path, onto, result.head)) ?? base, head: result.head };
    return { ...known, target, ...change, size: await sizeOf(path, change) };
  } catch (error) {
    // A report is taken all the same: what is known of it is enough to review it.
    town.log.warn(`[orchestration] where ${id} is to be merged could not be seen: ${messageOf(error)}`);
    const target = wanted ?? town.rigs.views().find((view) => view.name === rig)?.defaultBranch;
    return target === undefined ? undefined : { ...known, target, base };
  }
}

/** Records that the unit's branch is finished; where no review is wanted it goes on at once. Within the transaction of the report. */
export function beginMerge(town: Town, finished: Finished, by: string): StoredMerge {
  const merge = town.merges.begin(finished, by);
  const { enabled, requireReview } = mergeQueuePolicy(town.rigs.get(finished.rig).settings.merge_queue);
  if (!enabled || requireReview || merge.state !== 'review') return merge;
  const approved = { approvedHead: merge.head, approvedBy: 'policy', queuedAt: town.manager.now() };
  return town.merges.move(
    merge,
    'queued',
    { by: 'policy', note: 'no review is wanted (merge_queue.require_review)' },
    approved,
  );
}

/** Looks at each new round: where the lines are that were commented on, and how much it changes where that is not known. */
export function followRounds(town: Town): Disposable {
  const disposables = new DisposableStore();
  const look = async (merge: StoredMerge): Promise<void> => {
    const { workId, head, detail } = merge;
    await moveThreads(town, merge);
    if (detail.size !== undefined || town.merges.find(workId)?.detail.size !== undefined) return;
    const size = await sizeOf(town.rigs.get(merge.rig).path, merge);
    if (!town.store.isOpen) return;
    town.store.backlog.keep(() => {
      if (town.merges.find(workId)?.head === head) town.merges.note(workId, { size });
    });
  };
  const begin = (merge: StoredMerge): void => {
    if (merge.state !== 'review' && merge.state !== 'queued') return;
    look(merge).catch((error: unknown) =>
      town.log.warn(`[orchestration] what ${merge.workId} changes could not be read: ${messageOf(error)}`),
    );
  };
  disposables.add(town.merges.onDidChange(begin));
  return disposables;
}

async function sizeOf(path: string, { base, head }: Pick<StoredMerge, 'base' | 'head'>): Promise<ChangeSize> {
  const [files, commits] = await Promise.all([readChanges(path, base, head), readCommits(path, base, head)]);
  const sum = (count: (file: (typeof files)[number]) => number | undefined): number =>
    files.reduce((total, file) => total + (count(file) ?? 0), 0);
  return {
    commits: commits.length,
    files: files.length,
    additions: sum(({ additions }) => additions),
    deletions: sum(({ deletions }) => deletions),
  };
}
