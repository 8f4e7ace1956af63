import type { CallerView, Params, Results } from '../channel/protocol.ts';
import { GasTownError, messageOf } from '../platform/errors.ts';
import { identityOfId } from '../domain/names.ts';
import { hasEnded } from '../domain/session-state.ts';
import { nameOfCaller } from './caller.ts';
import type { ApiParts } from './context.ts';
import type { StoredWork } from '../store/work.ts';
import { withdrawWork } from '../messages/withdraw.ts';
import type { SessionInfo } from '../domain/orchestrator.ts';
import { uncommittedIn } from '../platform/git/uncommitted.ts';
import { ownedStates } from '../domain/work-state.ts';
import { noteResult } from '../orchestration/results.ts';
import { takeBack } from '../orchestration/requeue.ts';
import type { WorkView } from '../channel/views.ts';
import { beginMerge, finishedOf } from '../merge/begin-review.ts';
import { ownSession } from './sessions.ts';
import { getOrchestrator } from '../orchestration/backend-orchestrator.ts';
import { toWorkUnit } from '../work/service.ts';
import { queueUnit } from '../orchestration/queue-unit.ts';
import { slingUnit } from '../orchestration/sling-unit.ts';

export async function showWork(town: ApiParts, id: string): Promise<Results['work.show']> {
  const owner = town.work.get(id).owner;
  const session = owner === undefined ? undefined : town.registry.find(owner);
  if (session && !hasEnded(session)) await noteResult(town, session);
  await town.views.renewCommits(town.work.get(id));
  return {
    ...town.views.work(town.work.get(id)),
    payload: town.work.get(id).payload,
    history: town.store.work.history(id),
  };
}

export async function assignWork(
  town: ApiParts,
  { id, session }: Params<'work.assign'>,
  caller: CallerView,
): Promise<WorkView> {
  const { backend } = town.registry.get(session);
  await getOrchestrator(town.orchestrators, { backend }).assignWork(session, toWorkUnit(town.work.get(id)), undefined, {
    by: nameOfCaller(caller),
  });
  return town.views.work(town.work.get(id));
}

/** Nobody shall do it any more. The session that has it is told (by the reconciler, after every way of closing a unit). */
export function cancelWork(town: ApiParts, { id, message }: Params<'work.cancel'>, caller: CallerView): WorkView {
  const work = town.work.get(id);
  const note = message?.trim() || 'cancelled';
  const cancelled = town.store.transaction(() => {
    if (work.owner !== undefined) withdrawWork(town.store, work.owner, id, `${id} was cancelled`, town.manager.now());
    return town.work.move(work, 'cancelled', { by: nameOfCaller(caller), note }, { notBefore: null, dispatch: null });
  });
  return town.views.work(cancelled);
}

/** Gives a unit that is not done another chance: the host slings it to a new session. Rejects with `refused` where a session works on it. */
export function requeueWork(town: ApiParts, { id }: Params<'work.requeue'>, caller: CallerView): WorkView {
  const work = town.work.get(id);
  if (work.rig === '') {
    throw new GasTownError(
      'refused',
      `${id} belongs to no rig, so the host cannot choose a session for it. Sling it: gt sling ${id} <rig>.`,
    );
  }
  town.rigs.get(work.rig);
  const owner =
    ownedStates.includes(work.state) && work.owner !== undefined ? town.registry.find(work.owner) : undefined;
  if (owner && !hasEnded(owner) && work.state !== 'stalled') {
    throw new GasTownError(
      'refused',
      `${id} is ${work.state}: ${owner.id} works on it. Stop that session, or cancel the unit first.`,
    );
  }
  const by = nameOfCaller(caller);
  return town.views.work(takeBack(town, work, { by, note: `queued again by ${by}`, attempts: 0 }));
}

/** `gt done`: the session says that its unit is finished, failed or beyond it. */
export async function finishWork(town: ApiParts, params: Params<'work.done'>, caller: CallerView): Promise<WorkView> {
  const by = nameOfCaller(caller);
  const id = params.id ?? workToFinish(town, caller);
  const status = params.status ?? 'completed';
  if (status !== 'completed' && !params.message) {
    throw new GasTownError('bad-input', `Say why ${id} is ${status}: gt done --status ${status} -m "<why>".`);
  }
  const change = {
    by,
    ...(caller.kind === 'session' ? { runId: caller.runId } : {}),
    ...(params.message === undefined ? {} : { note: params.message }),
  };
  const { owner } = requireOwner(town, id, caller);
  // Before anything is asked of its worktree: what has been reported needs nothing more there.
  town.work.requireUnreported(id);
  const session = owner === undefined ? undefined : town.registry.find(owner);
  if (caller.kind === 'session' && status === 'completed' && session && !params.uncommitted)
    await requireCommitted(town, session, id);
  // Before the report: with it the session may end, and its worktree go.
  if (session) await noteResult(town, session);
  const finished = status === 'completed' ? await finishedOf(town, town.work.get(id)) : undefined;
  // It may have gone to another one meanwhile.
  requireOwner(town, id, caller);
  const work = town.store.transaction(() => {
    // Who has only resolved a conflict of it does not keep it.
    const resolved = status === 'completed' && identityOfId(owner ?? '')?.role === 'refinery';
    const author = resolved ? town.merges.find(id)?.detail.author : undefined;
    // First, so that whoever is told of the report is told of the merge, too.
    if (finished) beginMerge(town, finished, by);
    return town.work.finish(id, status, change, author === undefined ? {} : { owner: author });
  });
  await town.views.renewCommits(work);
  return town.views.work(work);
}

/** So many files are named. */
const namedFiles = 5;

/** Throws `refused` where a worker reports as done what nobody could merge: its worktree has what no commit has. */
async function requireCommitted(town: ApiParts, session: SessionInfo, id: string): Promise<void> {
  if (session.branch === undefined || town.work.get(id).branch === undefined) return;
  let files: string[];
  try {
    files = await uncommittedIn(session.workDir);
  } catch (error) {
    // Not seen is no reason to refuse a report.
    town.log.warn(`[orchestration] whether all of ${id} is committed could not be seen: ${messageOf(error)}`);
    return;
  }
  if (files.length === 0) return;
  const more = files.length > namedFiles ? `, and ${files.length - namedFiles} more` : '';
  throw new GasTownError(
    'refused',
    `${id} is not reported yet: ${files.slice(0, namedFiles).join(', ')}${more} in ${session.workDir} ${files.length === 1 ? 'is' : 'are'} not committed. ` +
      'Commit what belongs to it (git add, git commit) and run gt done again, or leave it out: gt done --uncommitted.',
  );
}

/** Throws `denied` where a session is about to report on what is not its own. */
function requireOwner(town: ApiParts, id: string, caller: CallerView): StoredWork {
  const work = town.work.get(id);
  if (caller.kind !== 'session' || work.owner === caller.session) return work;
  throw new GasTownError('denied', `${id} is not yours: ${work.owner ?? 'nobody'} has it. Nothing was changed.`);
}

function workToFinish(town: ApiParts, caller: CallerView): string {
  const session = ownSession(undefined, caller, 'gt done');
  const [first] = town.work.ownedBy(session);
  if (first) return first.id;
  const last = town.store.work
    .all()
    .filter((work) => work.owner === session)
    .sort((a, b) => b.changedAt - a.changedAt)[0];
  // A second report of the same unit gets the precise answer of `finish`.
  if (last) return last.id;
  throw new GasTownError('unknown-work', `${session} has no work to report on. See "gt hook".`);
}

export function workOf(town: ApiParts, params: Params<'work.mine'>, caller: CallerView): Results['work.mine'] {
  const session = ownSession(params.session, caller, 'gt hook');
  town.registry.get(session);
  return { session, work: town.work.ownedBy(session).map((work) => town.views.work(work)) };
}

/** Slung by the host, as soon as it may be. */
export function queueWork(town: ApiParts, params: Params<'work.queue'>, caller: CallerView): WorkView {
  return town.views.work(queueUnit(town, params, nameOfCaller(caller)));
}

export async function sling(
  town: ApiParts,
  params: Params<'sling'>,
  caller: CallerView,
  signal: AbortSignal,
): Promise<Results['sling']> {
  const { session, work } = await slingUnit(town, params, nameOfCaller(caller), signal);
  return { session: town.views.session(session), work: town.views.work(work) };
}
