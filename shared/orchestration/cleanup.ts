import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DisposableStore } from '../platform/disposable-store.ts';
import type { Disposable } from '../platform/emitter.ts';
import { messageOf } from '../platform/errors.ts';
import { worktreePath } from '../platform/git/worktree-places.ts';
import type { SessionId, SessionInfo } from '../domain/orchestrator.ts';
import { hasDied, hasEnded } from '../domain/session-state.ts';
import type { StoredWork } from '../store/work.ts';
import { sessionIdOf } from '../domain/names.ts';
import { polecatOf } from './sling.ts';
import { keepsWorktree, worksInOwn } from './own-worktree.ts';
import { ownedStates } from '../domain/work-state.ts';
import type { Town } from './town.ts';
import { noteResult } from './results.ts';

/**
 * After a restart: units that were given to a session which never came to be (the host died in between) are failed
 * visibly, and polecats without open work leave the list that were stopped, or ended in order: their name goes to the next
 * worker. Any other session stays in it, to be started again or dismissed.
 */
export async function settleAbandoned(town: Town): Promise<void> {
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
async function removeLeftWorktree(town: Town, { rig, branch, owner }: StoredWork): Promise<string> {
  const name = polecatOf(branch);
  if (branch === undefined || name === undefined || !town.rigs.names().includes(rig)) return '';
  const path = worktreePath(town.paths, rig, name);
  if (!existsSync(path)) return '';
  const place = { repository: town.rigs.get(rig).path, path, branch };
  await town.worktrees.endLeft(path);
  const stays = await town.worktrees.over(
    place,
    { session: owner ?? sessionIdOf('polecat', rig, name), rig },
    () => !isWorkedIn(town, path),
  );
  return stays === undefined ? '' : ` (its worktree ${path} was kept: ${stays})`;
}

/** Whether somebody has a unit that is on this branch: it may have been handed over. */
function isInUse(town: Town, branch: string): boolean {
  return town.store.work.all().some((unit) => unit.branch === branch && ownedStates.includes(unit.state));
}

/**
 * The worktree of a polecat that is over goes, with its branch, where that loses nothing. A crew member's and the refinery's
 * stay until they are dismissed: they come back to it.
 */
export async function tidyWorktree(town: Town, session: SessionInfo): Promise<void> {
  if (!keepsWorktree(session.role)) await tidyOwn(town, session);
}

/** The same for a session that is taken off the list. */
export async function tidyDismissed(town: Town, session: SessionInfo): Promise<void> {
  if (keepsWorktree(session.role)) await tidyOwn(town, session);
}

async function tidyOwn(town: Town, session: SessionInfo): Promise<void> {
  const { branch } = session;
  if (branch === undefined || !worksInOwn(session) || !town.rigs.names().includes(session.rig)) return;
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
export class SessionEndings implements Disposable {
  private readonly town: Town;
  private readonly disposables = new DisposableStore();
  /** What is still being done after the end of a session. */
  private readonly endings = new Map<SessionId, Promise<void>>();

  /** `changed`: something that callers see has changed. */
  constructor(town: Town, changed: () => void) {
    this.town = town;
    const { events } = town.manager;
    this.disposables.add(events.onDidEnd(({ session, runId }) => this.onEnd(session, runId)));
    this.disposables.add(
      events.onDidReplace(({ session, runId }) => {
        this.removeRun(runId).catch(this.failed(session));
      }),
    );
    this.disposables.add(
      events.onDidEndTurn(({ session }) => {
        noteResult(town, session).then(changed, this.failed(session));
      }),
    );
  }

  /** Resolves when all is done that follows the session's end: its place is then as it will be. */
  async settled(id: SessionId): Promise<void> {
    await this.endings.get(id);
  }

  dispose(): void {
    void this.disposables.dispose();
  }

  private onEnd(session: SessionInfo, runId: string): void {
    const { rigs, worktrees } = this.town;
    const ending = this.removeRun(runId)
      .then(() => noteResult(this.town, session))
      .then(() => (hasDied(session) ? undefined : tidyWorktree(this.town, session)))
      .catch(this.failed(session))
      .then(() => {
        if (this.endings.get(session.id) === ending) this.endings.delete(session.id);
      });
    this.endings.set(session.id, ending);
    if (session.role === 'polecat' && rigs.names().includes(session.rig))
      worktrees.leave(rigs.worktreeOf(session), ending);
  }

  private removeRun(runId: string): Promise<void> {
    return rm(join(this.town.paths.runs, runId), { recursive: true, force: true });
  }

  private failed(session: SessionInfo) {
    return (error: unknown): void => this.town.log.warn(`cleaning up after ${session.id}: ${messageOf(error)}`);
  }
}

/** Whether a session that has not ended works in it, at its top or below. */
export function isWorkedIn({ registry }: Pick<Town, 'registry'>, path: string): boolean {
  return registry
    .list()
    .some((session) => (session.workDir === path || session.workDir.startsWith(join(path, '/'))) && !hasEnded(session));
}
