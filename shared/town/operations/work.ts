import { insteadText } from '../../backends/choose.ts';
import type { CallerView, Params, Results } from '../../channel/protocol.ts';
import { sessionLimits } from '../../config/session-limits.ts';
import { GasTownError } from '../../errors.ts';
import { openRepository } from '../../git/repository.ts';
import { git } from '../../git/git.ts';
import type { Worktree } from '../../git/worktree.ts';
import type { SessionId, SessionInfo } from '../../orchestrator.ts';
import { hasEnded } from '../../sessions/session-info.ts';
import { slingWork } from '../../work/sling.ts';
import { nameOfCaller } from '../parts.ts';
import type { TownParts } from '../parts.ts';
import type { StoredWork } from '../../store/work.ts';
import { withdrawWork } from '../../work/withdraw.ts';
import { ownedStates } from '../../work/state.ts';
import { noteResult } from '../results.ts';
import { takeBack } from '../take-back.ts';
import type { WorkView } from '../snapshot.ts';
import { ownSession } from './sessions.ts';
import { noteChoice, withAgent } from './with-agent.ts';
import { withWorkerName } from './worker-names.ts';

/** Throws `refused` where a session has as many unfinished units already as it may have added. */
function requireRoom(town: TownParts, by: string): void {
  if (town.registry.find(by) === undefined) return;
  const { openUnits } = sessionLimits(town.settings.value.limits);
  const open = town.store.work.countUnfinishedOf(by);
  if (open < openUnits) return;
  throw new GasTownError(
    'refused',
    `${by} has added ${open} units that are neither done nor cancelled, and ${openUnits} are allowed (limits.open_units in the town's settings). ` +
      'Wait until some are done, or cancel what is not needed (gt work cancel <id>).',
  );
}

export function addWork(town: TownParts, params: Params<'work.add'>, caller: CallerView): WorkView {
  requireRoom(town, nameOfCaller(caller));
  if (params.rig !== undefined) town.rigs.get(params.rig);
  const { id, rig, type, title, description, priority } = params;
  const given = { id, rig, type, title, priority };
  const present = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return town.builder.work(town.work.add({ ...present, description }, nameOfCaller(caller)));
}

export async function showWork(town: TownParts, id: string): Promise<Results['work.show']> {
  const owner = town.work.get(id).owner;
  const session = owner === undefined ? undefined : town.registry.find(owner);
  if (session && !hasEnded(session)) await noteResult(town, session);
  await town.builder.renewCommits(town.work.get(id));
  return {
    ...town.builder.work(town.work.get(id)),
    payload: town.work.get(id).payload,
    history: town.store.work.history(id),
  };
}

export async function assignWork(
  town: TownParts,
  { id, session }: Params<'work.assign'>,
  caller: CallerView,
): Promise<WorkView> {
  return town.builder.work(await giveWork(town, id, session, { by: nameOfCaller(caller), attempts: 0 }));
}

/** Gives a unit to a session that is there, and puts it before it. */
export async function giveWork(
  town: TownParts,
  id: string,
  to: string,
  { by, attempts, note = '' }: { by: string; attempts: number; note?: string },
): Promise<StoredWork> {
  const session = town.registry.get(to);
  if (hasEnded(session))
    throw new GasTownError(
      'refused',
      `${session.id} has ended (${session.cause}). Start it again, or choose another session.`,
    );
  // What the session commits from here on belongs to the unit.
  const place =
    session.branch === undefined
      ? {}
      : { branch: session.branch, base: await git(session.workDir, ['rev-parse', 'HEAD']), rig: session.rig };
  // One transaction: a crash in between would leave the session with work that nobody tells it of.
  return town.store.transaction(() => {
    const assigned = town.work.assign(
      id,
      session.id,
      { by, runId: session.runId },
      { ...place, attempts, notBefore: null, dispatch: null },
    );
    town.outbox.accept({ from: by, to: session.id, kind: 'work', body: note, workId: assigned.id });
    return assigned;
  });
}

/** Nobody shall do it any more. The session that has it is told (by the reconciler, after every way of closing a unit). */
export function cancelWork(town: TownParts, { id, message }: Params<'work.cancel'>, caller: CallerView): WorkView {
  const work = town.work.get(id);
  const note = message?.trim() || 'cancelled';
  const cancelled = town.store.transaction(() => {
    if (work.owner !== undefined) withdrawWork(town.store, work.owner, id, `${id} was cancelled`, town.manager.now());
    return town.work.move(work, 'cancelled', { by: nameOfCaller(caller), note }, { notBefore: null, dispatch: null });
  });
  return town.builder.work(cancelled);
}

/** Gives a unit another chance, whatever has become of it so far: the host slings it to a new session. */
export function requeueWork(town: TownParts, { id }: Params<'work.requeue'>, caller: CallerView): WorkView {
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
  return town.builder.work(takeBack(town, work, { by, note: `queued again by ${by}`, attempts: 0 }));
}

/** `gt done`: the session says that its unit is finished, failed or beyond it. */
export async function finishWork(town: TownParts, params: Params<'work.done'>, caller: CallerView): Promise<WorkView> {
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
  const current = town.work.get(id);
  if (caller.kind === 'session' && current.owner !== caller.session) {
    throw new GasTownError('denied', `${id} is not yours: ${current.owner ?? 'nobody'} has it. Nothing was changed.`);
  }
  const session = current.owner === undefined ? undefined : town.registry.find(current.owner);
  // Before the report: with it the session may end, and its worktree go.
  if (session) await noteResult(town, session);
  const work = town.work.finish(id, status, change);
  await town.builder.renewCommits(work);
  return town.builder.work(work);
}

function workToFinish(town: TownParts, caller: CallerView): string {
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

export function workOf(town: TownParts, params: Params<'work.mine'>, caller: CallerView): Results['work.mine'] {
  const session = ownSession(params.session, caller, 'gt hook');
  town.registry.get(session);
  return { session, work: town.work.ownedBy(session).map((work) => town.builder.work(work)) };
}

export async function sling(
  town: TownParts,
  params: Params<'sling'>,
  caller: CallerView,
  signal: AbortSignal,
): Promise<Results['sling']> {
  const { session, work } = await slingUnit(town, params, nameOfCaller(caller), signal);
  return { session: town.builder.session(session), work: town.builder.work(work) };
}

/** Slings a unit, for whoever wants it; the host itself slings what is queued. */
export async function slingUnit(
  town: TownParts,
  params: Params<'sling'>,
  by: string,
  signal: AbortSignal,
): Promise<{ session: SessionInfo; work: StoredWork }> {
  town.requireTrust();
  const { name: rig } = town.rigs.get(params.rig);
  return withWorkerName(town, { role: 'polecat', rig, given: params.name }, (name) =>
    slingNamed(town, { ...params, name }, by, signal),
  );
}

async function slingNamed(
  town: TownParts,
  params: Params<'sling'> & { name: string },
  by: string,
  signal: AbortSignal,
): Promise<{ session: SessionInfo; work: StoredWork }> {
  const { name: rigName, path: checkout, subfolder } = town.rigs.get(params.rig);
  const rig = { name: rigName, path: (await openRepository(checkout)).path, subfolder };
  const { name } = params;
  const wanted = { role: 'polecat', rig: rig.name, name, agent: params.agent, backend: params.backend } as const;
  const isNew = town.work.find(params.work) === undefined;
  if (isNew) requireRoom(town, by);
  return withAgent(town, wanted, by, async (choice) => {
    const why = insteadText(choice);
    const asked = params.agent ?? (params.backend === undefined ? undefined : choice.agent.name);
    // A second attempt finds the unit that the first one has described.
    const described = isNew && town.work.find(params.work) !== undefined;
    const order = {
      workId: params.work,
      rig,
      name,
      agent: choice.agent,
      by,
      places: town.paths,
      isolate: (path: string, branch: string, session: SessionId, until: AbortSignal) =>
        town.worktrees.create(rig.path, path, branch, { session, rig: rig.name }, until),
      discard: ({ path, branch }: Worktree, session: SessionId) =>
        town.worktrees.over({ repository: rig.path, path, branch }, { session, rig: rig.name }),
      ...(asked === undefined ? {} : { asked }),
      ...(params.message === undefined || described ? {} : { message: params.message }),
      ...(why === undefined ? {} : { why }),
    };
    const slung = await slingWork(town, order, signal);
    noteChoice(town, slung.session.id, choice);
    return slung;
  });
}
