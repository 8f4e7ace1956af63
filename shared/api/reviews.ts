import type { CallerView, Params, Results } from '../channel/protocol.ts';
import type { ChangeView, ThreadView } from '../channel/views.ts';
import { beginThread, threadNumber } from '../merge/threads.ts';
import type { Compared } from '../merge/threads.ts';
import { overseer } from '../domain/message.ts';
import { noteResult } from '../orchestration/results.ts';
import { GasTownError } from '../platform/errors.ts';
import { mergeBase, readChanges, readCommits } from '../platform/git/changes.ts';
import type { StoredThread } from '../store/reviews.ts';
import { hasEnded } from '../domain/session-state.ts';
import type { ApiContext } from './context.ts';
import { nameOfCaller } from './caller.ts';

export async function showChanges(
  town: ApiContext,
  { id, since, to }: Params<'review.changes'>,
  _caller: CallerView,
  signal: AbortSignal,
): Promise<ChangeView> {
  const compared = await comparedOf(town, id, signal);
  const { path } = town.rigs.get(compared.rig);
  const from = since === 'reviewed' ? reviewedBefore(town, id, compared.to) : (since ?? compared.from);
  const until = to ?? compared.to;
  const [files, commits] = await Promise.all([
    readChanges(path, from, until, signal),
    readCommits(path, from, until, signal),
  ]);
  return { work: id, from, to: until, files, commits };
}

/** Rejects as `showChanges` does where there is nothing to look at. */
export async function openReview(
  town: ApiContext,
  { id, window }: Params<'review.open'>,
  _caller: CallerView,
  signal: AbortSignal,
): Promise<Record<string, never>> {
  await comparedOf(town, id, signal);
  town.show({ work: id, ...(window === undefined ? {} : { window }) });
  return {};
}

/** The head that the user has judged, or at least looked at, last before this one. */
function reviewedBefore(town: ApiContext, id: string, head: string): string {
  const looked = town.merges.find(id)?.reviewedHead;
  if (looked !== undefined && looked !== head) return looked;
  const judged = town.store.merges.history(id).findLast((entry) => entry.head !== head && entry.by === overseer)?.head;
  if (judged !== undefined) return judged;
  throw new GasTownError('refused', `Nobody has reviewed ${id} before, so there is nothing to compare with.`);
}

export async function showFile(
  town: ApiContext,
  { id, commit, path }: Params<'review.file'>,
  _caller: CallerView,
  signal: AbortSignal,
): Promise<Results['review.file']> {
  return town.files.read(repositoryOf(town, id), commit, path, signal);
}

export async function commentOn(
  town: ApiContext,
  { id, commit, ...comment }: Params<'review.comment'>,
  caller: CallerView,
  signal: AbortSignal,
): Promise<ThreadView> {
  const compared = await comparedOf(town, id, signal);
  const now = comment.side === 'new' ? compared.to : compared.from;
  if (commit !== undefined && commit !== now)
    throw new GasTownError(
      'work-conflict',
      `${id} has changed since you looked at it: you see ${commit.slice(0, 7)}, and it is at ${now.slice(0, 7)} now. Look at it again.`,
    );
  const by = nameOfCaller(caller);
  const thread = await beginThread(town, compared, { ...comment, by, at: town.manager.now() });
  town.changed();
  return town.views.thread(thread);
}

export function replyTo(
  town: ApiContext,
  { thread: id, body }: Params<'review.reply'>,
  caller: CallerView,
): ThreadView {
  const thread = threadOf(town, id);
  if (body.trim() === '') throw new GasTownError('bad-input', `Say something: gt review reply ${id} "<text>".`);
  town.store.reviews.add({
    thread: thread.number,
    at: town.manager.now(),
    by: nameOfCaller(caller),
    body: body.trim(),
  });
  town.changed();
  return town.views.thread(thread);
}

export function resolveThread(town: ApiContext, { thread: id, resolved }: Params<'review.resolve'>): ThreadView {
  const { number } = threadOf(town, id);
  town.store.reviews.setState(number, resolved ? 'resolved' : 'open');
  town.changed();
  return town.views.thread(threadOf(town, id));
}

function threadOf(town: ApiContext, id: string): StoredThread {
  const thread = town.store.reviews.thread(threadNumber(id));
  if (thread) return thread;
  throw new GasTownError('bad-input', `There is no comment ${id}. "gt review <unit>" shows those that there are.`);
}

function repositoryOf(town: ApiContext, id: string): string {
  const { rig } = town.work.get(id);
  if (rig === '') throw new GasTownError('refused', `${id} belongs to no rig, so it has no branch to look at.`);
  return town.rigs.get(rig).path;
}

/** What of a unit is looked at: its merge; while it is worked at, what its branch has by now. */
async function comparedOf(town: ApiContext, id: string, signal: AbortSignal): Promise<Compared> {
  const merge = town.merges.find(id);
  const unit = town.work.get(id);
  if (merge && (merge.state === 'merged' || unit.state === 'done'))
    return { workId: id, rig: merge.rig, from: merge.base, to: merge.head };
  const repository = repositoryOf(town, id);
  const owner = unit.owner === undefined ? undefined : town.registry.find(unit.owner);
  if (owner && !hasEnded(owner)) await noteResult(town, owner);
  const { head, commits = 0 } = town.work.get(id).result ?? {};
  if (head === undefined || commits === 0 || unit.base === undefined)
    throw new GasTownError(
      'refused',
      `${id} is ${unit.state}: nothing has been committed for it yet, so there is nothing to look at.`,
    );
  return {
    workId: id,
    rig: unit.rig,
    from: (await mergeBase(repository, unit.base, head, signal)) ?? unit.base,
    to: head,
  };
}
