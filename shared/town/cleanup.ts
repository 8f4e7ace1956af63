import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../errors.ts';
import { worktreePath } from '../git/worktree-places.ts';
import type { SessionInfo } from '../orchestrator.ts';
import { hasDied } from '../sessions/session-info.ts';
import type { StoredWork } from '../store/work.ts';
import { sessionIdOf } from '../roles/names.ts';
import { polecatOf } from '../work/sling.ts';
import { ownedStates } from '../work/state.ts';
import { isWorkedIn } from './operations/worktrees.ts';
import type { TownParts } from './parts.ts';
import { noteResult } from './results.ts';

/**
 * After a restart: units that were given to a session which never came to be (the host died in between) are failed
 * visibly, and polecats without open work leave the list that were stopped, or ended in order: their name goes to the next
 * worker. Any other session stays in it, to be started again or dismissed.
 */
export async function settleAbandoned(town: TownParts): Promise<void> {
  // Now, before any of those that are just being adopted turns out to have ended: that is to be seen first.
  const over = town.registry
    .list({ role: 'polecat', state: 'stopped' })
    .filter((session) => !hasDied(session) && town.work.ownedBy(session.id).length === 0);
  for (const work of town.store.work.all()) {
    if (!ownedStates.includes(work.state) || (work.owner !== undefined && town.registry.find(work.owner))) continue;
    const kept = await removeLeftWorktree(town, work);
    const note = `the host ended while ${work.owner ?? 'a session'} was being started${kept}`;
    town.work.move(work, 'failed', { by: 'host', note }, { owner: null });
  }
  town.outbox.settleAbandoned();
  for (const { id, cause } of over) {
    town.outbox.expire(id, `${id} ended (${cause}) before it had this`);
    town.store.sessions.remove(id);
    town.registry.unregister(id);
  }
}

/** The worktree that was made for a session which never came to be. Returns words for the unit's note. */
async function removeLeftWorktree(town: TownParts, { rig, branch, owner }: StoredWork): Promise<string> {
  const name = polecatOf(branch);
  if (branch === undefined || name === undefined || !town.rigs.names().includes(rig)) return '';
  const path = worktreePath(town.paths, rig, name);
  if (!existsSync(path)) return '';
  const stays = await town.worktrees.over(
    { repository: town.rigs.get(rig).path, path, branch },
    { session: owner ?? sessionIdOf('polecat', rig, name), rig },
  );
  return stays === undefined ? '' : ` (its worktree ${path} was kept: ${stays})`;
}

/** Whether somebody has a unit that is on this branch: it may have been handed over. */
function isInUse(town: TownParts, branch: string): boolean {
  return town.store.work.all().some((unit) => unit.branch === branch && ownedStates.includes(unit.state));
}

/** The worktree of a polecat that is over goes, with its branch, where that loses nothing. */
export async function tidyWorktree(town: TownParts, session: SessionInfo): Promise<void> {
  if (session.role !== 'polecat' || session.branch === undefined) return;
  const { branch } = session;
  const path = town.rigs.worktreeOf(session);
  // Another start under its name may have work already, on a branch of its own.
  const hasWork = (): boolean =>
    town.work.ownedBy(session.id).some((unit) => unit.branch === undefined || unit.branch === branch);
  const isFree = (): boolean => !hasWork() && !isInUse(town, branch) && !isWorkedIn(town, path);
  if (!isFree()) return;
  const place = { repository: town.rigs.get(session.rig).path, path, branch };
  await town.worktrees.over(place, { session: session.id, rig: session.rig }, isFree);
}

/**
 * When a session ends: its run's private folder goes, and the worktree of one that was stopped. One that died keeps it, to be
 * resumed in, until it is settled that it is not.
 */
export function cleanUpAfter(town: TownParts): void {
  const runOver = (runId: string): Promise<void> => rm(join(town.paths.runs, runId), { recursive: true, force: true });
  const told = (session: SessionInfo) => (error: unknown) =>
    town.log.warn(`cleaning up after ${session.id}: ${messageOf(error)}`);
  town.manager.events.onEnded(({ session, runId }) => {
    const ending = runOver(runId)
      .then(() => noteResult(town, session))
      .then(() => (hasDied(session) ? undefined : tidyWorktree(town, session)))
      .catch(told(session))
      .then(() => {
        if (town.endings.get(session.id) === ending) town.endings.delete(session.id);
      });
    town.endings.set(session.id, ending);
    if (session.role === 'polecat' && town.rigs.names().includes(session.rig))
      town.worktrees.leave(town.rigs.worktreeOf(session), ending);
  });
  town.manager.events.onReplaced(({ session, runId }) => {
    runOver(runId).catch(told(session));
  });
  town.manager.events.onTurnEnded(({ session }) => {
    noteResult(town, session).then(town.changed, told(session));
    town.builder.setUnseen(session.id, true);
  });
}
