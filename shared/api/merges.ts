import type { CallerView, Params, Results } from '../channel/protocol.ts';
import type { MergeDetailView, MergeView } from '../channel/views.ts';
import { mergeQueuePolicy } from '../config/merge-queue-settings.ts';
import { GasTownError } from '../platform/errors.ts';
import { requireWords, sendBack } from '../merge/send-back.ts';
import { hasEnded } from '../domain/session-state.ts';
import { dispatchingRoles } from '../roles/permissions.ts';
import type { StoredMerge } from '../store/merges.ts';
import type { ApiContext } from './context.ts';
import { nameOfCaller } from './caller.ts';

export function listMerges(town: ApiContext, { rig, all }: Params<'merge.list'>): Results['merge.list'] {
  if (rig !== undefined) town.rigs.get(rig);
  const merges = [...town.merges.open(), ...(all ? town.store.merges.endedSince(0) : [])];
  return {
    merges: merges.filter((merge) => rig === undefined || merge.rig === rig).map((merge) => town.views.merge(merge)),
  };
}

export function showMerge(town: ApiContext, { id }: Params<'merge.show'>): MergeDetailView {
  const merge = town.merges.get(id);
  return {
    ...town.views.merge(merge),
    history: town.store.merges.history(id),
    threads: town.store.reviews.threadsOf(id).map((thread) => town.views.thread(thread)),
  };
}

export function markReviewed(town: ApiContext, { id, head }: Params<'merge.reviewed'>): MergeView {
  return town.views.merge(town.merges.reviewed(id, head));
}

/** Rejects with `work-conflict` where it is not at `head` any more: nobody approves what they have not seen. */
export function approveMerge(
  town: ApiContext,
  { id, head, merge: at = false }: Params<'merge.approve'>,
  caller: CallerView,
): MergeView {
  const merge = town.merges.get(id);
  if (head !== undefined && head !== merge.head) {
    throw new GasTownError(
      'work-conflict',
      `${id} has changed since you looked at it: it was at ${head.slice(0, 10)} and is at ${merge.head.slice(0, 10)} now. Look at it again.`,
    );
  }
  const by = nameOfCaller(caller);
  const approved = { approvedHead: merge.head, approvedBy: by };
  const { enabled } = policyOf(town, merge);
  // One that is on its way already does not come back by that.
  const goesOn = at || enabled || merge.state === 'proposed';
  const next = town.merges.move(
    merge,
    goesOn ? 'queued' : 'review',
    { by, note: 'approved' },
    {
      ...approved,
      ...(goesOn ? { queuedAt: town.manager.now(), conflictRounds: 0 } : {}),
      detail: { why: undefined },
    },
  );
  return town.views.merge(next);
}

/** Into the queue, or once more. The user's word is an approval, too; of others, only what has been approved. */
export function queueMerge(town: ApiContext, { id }: Params<'merge.queue'>, caller: CallerView): MergeView {
  const merge = town.merges.get(id);
  if (caller.kind === 'person') return approveMerge(town, { id, merge: true }, caller);
  const role = caller.kind === 'session' ? town.registry.get(caller.session).role : undefined;
  if (role === undefined || (role !== 'refinery' && !dispatchingRoles.includes(role)))
    throw new GasTownError(
      'denied',
      `${nameOfCaller(caller)} merges nothing: that is for the user, a refinery, or who dispatches.`,
    );
  if (merge.approvedHead !== merge.head && policyOf(town, merge).requireReview)
    throw new GasTownError(
      'denied',
      `${id} is not approved as it is now, at ${merge.head.slice(0, 10)}. Only the user approves.`,
    );
  const next = town.merges.move(merge, 'queued', { by: nameOfCaller(caller) }, { queuedAt: town.manager.now() });
  return town.views.merge(next);
}

/** Nothing is asked while the workspace is not trusted: it would be with the user's sign-in. */
export async function refreshMerges(
  town: ApiContext,
  { id, rig }: Params<'merge.refresh'>,
): Promise<Results['merge.refresh']> {
  town.manager.requireTrust();
  if (rig !== undefined) town.rigs.get(rig);
  const asked = id === undefined ? town.merges.open() : [town.merges.get(id)];
  const merges = asked.filter(
    (merge) => merge.detail.pull?.url !== undefined && (rig === undefined || merge.rig === rig),
  );
  await town.pullRequests.refresh(merges);
  return { merges: merges.map(({ workId }) => town.views.merge(town.merges.get(workId))) };
}

export async function returnMerge(
  town: ApiContext,
  { id, message = '', agent }: Params<'merge.return'>,
  caller: CallerView,
): Promise<Results['merge.return']> {
  town.manager.requireTrust();
  const { owner: ownerId, rig } = town.work.get(town.merges.get(id).workId);
  const owner = ownerId === undefined ? undefined : town.registry.find(ownerId);
  if (agent !== undefined) {
    // All that may be wrong is found out before anything is stopped.
    town.agents.agentFor({ role: 'polecat', rig, name: '', agent });
    requireWords(town, town.merges.get(id), message);
    // Two do not work in one worktree.
    if (owner && !hasEnded(owner)) await town.manager.stop(owner.id);
  }
  const given = { by: nameOfCaller(caller), message, ...(agent === undefined ? {} : { agent }) };
  const { merge, session } = sendBack(town, town.merges.get(id), given);
  return { merge: town.views.merge(merge), ...(session === undefined ? {} : { session }) };
}

export function discardMerge(
  town: ApiContext,
  { id, message }: Params<'merge.discard'>,
  caller: CallerView,
): MergeView {
  const note = message?.trim() || 'discarded';
  const merge = town.merges.get(id);
  const next = town.merges.move(
    merge,
    'discarded',
    { by: nameOfCaller(caller), note },
    { queuedAt: null, detail: { why: note, candidate: undefined } },
  );
  return town.views.merge(next);
}

const policyOf = (town: ApiContext, { rig }: StoredMerge) => mergeQueuePolicy(town.rigs.get(rig).settings.merge_queue);
