import { join } from 'node:path';
import type { AgentChoice } from './choose-agent.ts';
import { GasTownError, messageOf } from '../platform/errors.ts';
import { git } from '../platform/git/git.ts';
import { openRepository } from '../platform/git/repository.ts';
import { worktreePath } from '../platform/git/worktree-places.ts';
import type { SessionId, SessionInfo } from '../domain/orchestrator.ts';
import { getOrchestrator } from './backend-orchestrator.ts';
import { hasEnded } from '../domain/session-state.ts';
import type { StoredHandoff } from '../store/handoffs.ts';
import type { StoredWork } from '../store/work.ts';
import { toWorkUnit } from '../work/service.ts';
import type { MovePatch } from '../work/service.ts';
import { ownedStates } from '../domain/work-state.ts';
import { withdrawWork } from '../messages/withdraw.ts';
import type { ReservedName } from '../sessions/session-names.ts';
import type { Town } from './town.ts';
import { branchToGoOn, staysBehind } from './own-worktree.ts';
import { findUnitWorktree } from './unit-worktree.ts';

/** Who gets the unit: a session that lives, or a polecat that is started for it. */
export type Receiver =
  { kind: 'session'; session: SessionInfo } | { kind: 'new'; name: ReservedName; choice: AgentChoice };

export interface Handoff {
  work: StoredWork;
  from: SessionId;
  to: Receiver;
  /** What the new owner is told: the context that was given, and what is there. */
  note: string;
  by: string;
}

/**
 * Hands a unit with its branch and worktree to another session. The unit changes its owner by one compare-and-set, after
 * which it is the new one's alone; the intent is stored with it, and stays until the new owner has been told. Then the old
 * one ends, where the worktree is its own, or is told to leave the unit alone; only then the new one gets it. Where that
 * fails the unit is back with the old one, if that still lives, else open, with the reason; branch and worktree stay.
 */
export async function handOff(town: Town, handoff: Handoff, signal: AbortSignal): Promise<SessionInfo> {
  const { from, to, note, by } = handoff;
  const place = to.kind === 'session' && staysBehind(handoff.work.branch) ? await placeIn(to.session) : {};
  const work = begin(town, handoff, place);
  try {
    await release(town, from, work, idOf(to));
    if (to.kind === 'session') {
      if (!tell(town, { workId: work.id, from, to: to.session.id, note }, by)) {
        throw new GasTownError(
          'work-conflict',
          `${work.id} is ${town.work.get(work.id).state} by now: ${to.session.id} ended, or it was taken back meanwhile.`,
        );
      }
      return town.registry.get(to.session.id);
    }
    await start(town, handoff, to, signal);
    town.store.backlog.keep(() => town.store.handoffs.end(work.id));
    return town.registry.get(to.name.id);
  } catch (error) {
    giveUp(town, { workId: work.id, from, to: idOf(to), note }, messageOf(error));
    throw error;
  }
}

/** After a restart of the host, before anything else is settled: what was under way is finished, or undone. */
export function settleHandoffs(town: Town): void {
  for (const handoff of town.store.handoffs.all()) {
    const target = town.registry.find(handoff.to);
    if (!target) giveUp(town, handoff, 'the host ended in the middle of it');
    // One that was being started has the unit as its first prompt.
    else if (hasBeenTold(town, handoff)) town.store.handoffs.end(handoff.workId);
    else tell(town, handoff, 'host');
  }
}

const idOf = (to: Receiver): SessionId => (to.kind === 'session' ? to.session.id : to.name.id);

/** Where a session that runs does a unit whose branch does not come along; nothing for one that has no branch of its own. */
async function placeIn({ branch, workDir }: SessionInfo): Promise<Pick<MovePatch, 'branch' | 'base'>> {
  return branch === undefined ? {} : { branch, base: await git(workDir, ['rev-parse', 'HEAD']) };
}

function begin(
  town: Town,
  { work, from, to, note, by }: Handoff,
  place: Pick<MovePatch, 'branch' | 'base'>,
): StoredWork {
  const target = idOf(to);
  const words = `handed over from ${from} to ${target}`;
  return town.store.transaction(() => {
    town.store.handoffs.begin({ workId: work.id, from, to: target, note });
    withdrawWork(town.store, from, work.id, `${work.id} was handed over to ${target}`, town.manager.now());
    for (const sessionId of [from, target]) {
      town.store.addEvent({
        at: town.manager.now(),
        sessionId,
        type: 'work.handed-over',
        detail: { work: work.id, from, to: target, by },
      });
    }
    return town.work.move(
      work,
      'assigned',
      { by, note: words },
      { owner: target, attempts: 0, dispatch: null, notBefore: null, ...place },
    );
  });
}

/** The old owner works on it no more: it ends where its worktree goes along, else it is told. */
async function release(town: Town, from: SessionId, work: StoredWork, to: SessionId): Promise<void> {
  const session = town.registry.find(from);
  if (!session || hasEnded(session)) return;
  if (session.role === 'polecat' && session.branch !== undefined && session.branch === work.branch) {
    await town.manager.stop(from);
    return;
  }
  const body = `${work.id} is no longer yours: it was handed over to ${to}. Stop working on it, and leave its branch as it is.`;
  town.outbox.accept({ from: 'host', to: from, kind: 'nudge', body });
}

/** Puts the unit before a session that lives. False where the unit is not that session's any more. */
function tell(town: Town, { workId, to, note }: StoredHandoff, by: string): boolean {
  return town.store.transaction(() => {
    town.store.handoffs.end(workId);
    const unit = town.work.get(workId);
    if (unit.owner !== to || !ownedStates.includes(unit.state)) return false;
    town.outbox.accept({ from: by, to, kind: 'work', body: note, workId });
    return true;
  });
}

function hasBeenTold(town: Town, { workId, to }: StoredHandoff): boolean {
  return town.store.messages
    .latest(1000)
    .some((message) => message.workId === workId && message.to === to && message.kind === 'work');
}

/** Starts the new polecat in the worktree that the unit has, or in one of its own where it has none. */
async function start(
  town: Town,
  { work, note, by }: Handoff,
  to: Receiver & { kind: 'new' },
  signal: AbortSignal,
): Promise<void> {
  const { agent } = to.choice;
  const place = await placeOf(town, work, to, signal);
  const unit = town.work.get(work.id);
  if (unit.owner !== to.name.id)
    throw new GasTownError(
      'work-conflict',
      `${work.id} is ${unit.state} by now: it was taken back while it was handed over.`,
    );
  const words = `goes on in ${place.path}, with ${agent.name}`;
  town.work.move(
    unit,
    'assigned',
    { by: 'host', note: words },
    { branch: place.branch, ...(unit.base === undefined ? { base: place.base } : {}) },
  );
  await getOrchestrator(town.orchestrators, { agent }).spawnSession(
    {
      role: 'polecat',
      workDir: join(place.path, town.rigs.get(unit.rig).subfolder),
      rig: unit.rig,
      agentName: to.name.name,
      branch: place.branch,
      initialWork: toWorkUnit(unit),
    },
    signal,
    { agent, name: to.name, by, note },
  );
}

async function placeOf(
  town: Town,
  work: StoredWork,
  to: Receiver & { kind: 'new' },
  signal: AbortSignal,
): Promise<{ path: string; branch: string; base: string }> {
  const rig = (await openRepository(town.rigs.get(work.rig).path, town.rigs.baseOf(work.rig).branch)).path;
  const given = work.branch ?? `polecat/${to.name.name}/${work.id}`;
  const worker = { session: to.name.id, rig: work.rig };
  const own = worktreePath(town.paths, work.rig, to.name.name);
  const fresh = `polecat/${to.name.name}/${work.id}`;
  const goesOn = await branchToGoOn(rig, given, fresh, signal);
  // A crew member keeps its worktree, and what is not committed there.
  if (goesOn !== given) return town.worktrees.create(rig, own, goesOn, worker, signal);
  const there = await findUnitWorktree(town.paths, { name: work.rig, path: rig }, given, signal);
  return town.worktrees.create(rig, there?.path ?? own, there?.branch ?? work.result?.branch ?? given, worker, signal);
}

/** The unit goes back to whoever had it, if that one still lives; else it is open. */
function giveUp(town: Town, { workId, from, to }: StoredHandoff, reason: string): void {
  town.store.backlog.keep(() => {
    town.store.handoffs.end(workId);
    const unit = town.work.find(workId);
    if (unit?.owner !== to || !ownedStates.includes(unit.state)) return;
    const session = town.registry.find(from);
    const stopping = session !== undefined && town.store.sessions.run(session.runId)?.stopRequestedAt !== undefined;
    const note = `handing over to ${to} failed: ${reason}`;
    if (session && !hasEnded(session) && !stopping) {
      town.work.move(unit, 'assigned', { by: 'host', note: `${note}; it stays with ${from}` }, { owner: from });
      town.outbox.accept({
        from: 'host',
        to: from,
        kind: 'work',
        body: `${note}. It is yours again: go on with it.`,
        workId,
      });
    } else town.work.move(unit, 'open', { by: 'host', note }, { owner: null });
  });
}
