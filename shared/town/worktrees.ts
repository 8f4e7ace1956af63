/** The worktrees of sessions that are over: removed so that nothing is lost, kept with the reason, brought back. */
import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { GasTownError, messageOf } from '../errors.ts';
import { findingsText, isRefusal, reasonsToStay } from '../git/findings.ts';
import type { Finding, Occasion } from '../git/findings.ts';
import { rebuildable } from '../git/rebuildable.ts';
import { finishRemoval, removeWorktree, restoreWorktree } from '../git/remove-worktree.ts';
import type { RemovedWorktree } from '../git/remove-worktree.ts';
import { surveyWorktree } from '../git/survey-worktree.ts';
import { createWorktree, isOnRecord } from '../git/worktree.ts';
import type { Worktree } from '../git/worktree.ts';
import type { SurveyOptions, WorktreePlace } from '../git/survey-worktree.ts';
import { newId } from '../process/ids.ts';
import type { Logger } from '../process/logger.ts';
import type { Store } from '../store/store.ts';
import type { StoredWorktree } from '../store/worktrees.ts';
import type { Problem, WorktreeView } from './snapshot.ts';

/** So long the notification of a removal offers to undo it, in ms; `gt worktree restore` does it later, too. */
const undoMs = 30_000;

export interface WorktreesOptions {
  store: Store;
  now: () => number;
  log: Logger;
  onChange: () => void;
  /** What the settings name besides what is known (`git/rebuildable.ts`). */
  rebuildableIn: (rig: string) => readonly string[];
  /** What the town itself has written in a worktree, whole paths. */
  ownFilesIn: (path: string) => Promise<readonly string[]>;
}

/** Who worked there. */
interface Worker {
  session: string;
  rig: string;
}

export class Worktrees {
  private readonly options: WorktreesOptions;
  /** By path: sessions have ended there, and what becomes of it is not decided yet. */
  private readonly leaving = new Map<string, Promise<unknown>>();

  constructor(options: WorktreesOptions) {
    this.options = options;
  }

  /** The session there has ended. Who starts in the same place waits for `decided`, which never rejects. */
  leave(path: string, decided: Promise<unknown>): void {
    const place = placeOf(path);
    this.leaving.set(place, decided);
    void decided.then(() => {
      if (this.leaving.get(place) === decided) this.leaving.delete(place);
    });
  }

  /** `createWorktree`, once it is decided what becomes of one that was there before; what somebody has deleted by hand is forgotten. */
  async create(
    repository: string,
    path: string,
    branch: string,
    worker: Worker,
    signal?: AbortSignal,
  ): Promise<Worktree> {
    await this.leaving.get(placeOf(path));
    if (!existsSync(path) && (await isOnRecord(repository, path, signal)))
      await this.over({ repository, path }, worker);
    return createWorktree(repository, path, branch, signal);
  }

  /**
   * Removes a worktree that nobody needs any more, with its branch, where that loses nothing. Resolves with why it stays;
   * undefined where it is gone. Never rejects.
   * `isFree` is asked when its turn has come: another start may be in it by then.
   */
  async over(place: WorktreePlace, worker: Worker, isFree?: () => boolean): Promise<string | undefined> {
    const row = await this.remove(place, worker, 'over', { isFree });
    return row.state === 'removed' ? undefined : (row.reason ?? 'it is being removed');
  }

  /** Why it would stay if it were over now; nothing where it would go. */
  async reasonsToStay(place: WorktreePlace, rig: string): Promise<Finding[]> {
    try {
      const { findings } = await surveyWorktree(place, await this.surveyOptions(place.path, rig));
      return reasonsToStay(findings, 'over');
    } catch (error) {
      return [{ kind: 'unknown', reason: messageOf(error) }];
    }
  }

  /**
   * Removes one that stays, because the user wants it gone: what only it has is rescued first. Rejects with `refused` where
   * something in it cannot be rescued.
   */
  async ask(which: string, isFree: (path: string) => boolean): Promise<WorktreeView> {
    const found = this.find(which, ['kept', 'judged']);
    const row = await this.remove(found, found, 'asked', { id: found.id, isFree: () => isFree(found.path) });
    if (row.state === 'removed') return viewOf(row);
    throw new GasTownError(
      'refused',
      `The worktree ${row.path} stays: ${row.reason ?? 'it is being removed'}. Deal with that, then try again.`,
    );
  }

  /** Brings back one that is gone. Rejects with `name-taken` where something else is at its path. */
  async restore(which: string): Promise<WorktreeView> {
    const found = this.find(which, ['removed']);
    const { removed } = found;
    if (!removed) throw new GasTownError('internal', `Nothing is known of how ${found.path} was.`);
    this.save({ ...found, state: 'restoring' });
    try {
      await restoreWorktree(removed);
    } catch (error) {
      this.save(found);
      throw error;
    }
    const stays = await this.reasonsToStay(found, found.rig);
    const { removed: _removed, ...rest } = found;
    const row: StoredWorktree = {
      ...rest,
      state: 'kept',
      changedAt: this.options.now(),
      reason: stays.length === 0 ? 'it was brought back' : findingsText(stays),
      refused: false,
    };
    this.save(row);
    this.record(row, 'worktree.restored', { path: row.path });
    return viewOf(row);
  }

  /** Ends what a host that has died was about to do. `isUsed` says whether a session works there again. */
  async settle(isUsed: (path: string) => boolean): Promise<void> {
    for (const row of this.options.store.worktrees.unfinished()) {
      try {
        if (row.state === 'restoring') this.save({ ...row, state: 'removed' });
        else if (row.state === 'judged' && row.removed && (await finishRemoval(row.removed)))
          this.gone(row, row.removed);
        else if (isUsed(row.path)) this.forget(row);
        else await this.remove(row, row, row.occasion, { id: row.id, isFree: () => !isUsed(row.path) });
      } catch (error) {
        this.stuck(row, error);
      }
    }
  }

  /** What stays, and what is gone and can be brought back; newest first. */
  list(): WorktreeView[] {
    return this.options.store.worktrees.all().map(viewOf);
  }

  /** What every window shows: what stays, and removals that are news. */
  views(): WorktreeView[] {
    const since = this.options.now() - undoMs;
    const isNews = ({ state, changedAt, occasion, removed }: StoredWorktree): boolean =>
      state === 'removed' && changedAt >= since && (occasion === 'asked' || removed?.rescue !== undefined);
    return [
      ...this.options.store.worktrees.kept().values(),
      ...this.options.store.worktrees.since(since).filter(isNews),
    ].map(viewOf);
  }

  problems(): Problem[] {
    const refused = [...this.options.store.worktrees.kept().values()].filter((row) => row.refused);
    const stuck = this.options.store.worktrees.unfinished().filter(({ reason }) => reason !== undefined);
    return [...refused, ...stuck].map(({ session, path, reason }) => ({
      message: `The worktree of ${session} (${path}) stays: ${reason}`,
      severity: 'warning',
    }));
  }

  private async remove(
    place: WorktreePlace,
    { session, rig }: Worker,
    occasion: Occasion,
    { id, isFree }: { id?: string; isFree?: (() => boolean) | undefined } = {},
  ): Promise<StoredWorktree> {
    const { store, now } = this.options;
    const { repository, path, branch } = place;
    const row: StoredWorktree = {
      id: id ?? store.worktrees.kept().get(path)?.id ?? newId('wt'),
      ...{ session, rig, repository, path, occasion, refused: false },
      ...(branch === undefined ? {} : { branch }),
      state: 'removing',
      changedAt: now(),
    };
    let known = row;
    try {
      this.save(row);
      const judged = (removed: RemovedWorktree): void => {
        known = { ...row, state: 'judged', removed };
        this.save(known);
      };
      const order = {
        ...place,
        id: row.id,
        label: session,
        occasion,
        at: row.changedAt,
        judged,
        ...(isFree === undefined ? {} : { isFree }),
      };
      const result = await removeWorktree(order, await this.surveyOptions(path, rig));
      if (result.kind === 'used') {
        this.forget(row);
        return { ...row, state: 'kept', reason: 'somebody works in it again' };
      }
      return result.kind === 'removed' ? this.gone(row, result.removed) : this.stays(row, result.findings);
    } catch (error) {
      return this.stuck(known, error);
    }
  }

  private stays(row: StoredWorktree, findings: readonly Finding[]): StoredWorktree {
    // Of two removals at once the second finds nothing any more.
    if (!existsSync(row.path) && findings.every(({ kind }) => kind === 'unknown')) {
      this.forget(row);
      return { ...row, state: 'removed' };
    }
    const kept: StoredWorktree = {
      ...row,
      state: 'kept',
      changedAt: this.options.now(),
      reason: findingsText(findings),
      refused: findings.some(isRefusal),
    };
    this.save(kept);
    this.record(kept, 'worktree.kept', { path: row.path, reason: kept.reason });
    return kept;
  }

  private gone({ reason: _reason, ...row }: StoredWorktree, removed: RemovedWorktree): StoredWorktree {
    const after: StoredWorktree = { ...row, state: 'removed', changedAt: this.options.now(), removed, refused: false };
    this.save(after);
    this.record(after, 'worktree.removed', {
      path: row.path,
      ...(removed.rescue === undefined ? {} : { rescue: removed.rescue }),
    });
    return after;
  }

  /** The removal broke off: it is on record, and the next host ends it. */
  private stuck(row: StoredWorktree, error: unknown): StoredWorktree {
    const after: StoredWorktree = {
      ...row,
      reason: `its removal broke off and is ended when the town is opened again: ${messageOf(error)}`,
    };
    this.options.log.warn(`[orchestration] the worktree ${row.path}: ${messageOf(error)}`);
    try {
      this.save(after);
    } catch (failure) {
      // What is on record is what the next host goes by.
      this.options.log.error(`[orchestration] the worktree ${row.path}: ${messageOf(failure)}`);
    }
    return after;
  }

  private save(row: StoredWorktree): void {
    const { store } = this.options;
    if (!store.isOpen) return;
    store.worktrees.save(row);
    this.options.onChange();
  }

  private forget({ id }: StoredWorktree): void {
    this.options.store.worktrees.forget(id);
    this.options.onChange();
  }

  private record({ session }: StoredWorktree, type: string, detail: Record<string, unknown>): void {
    const { store, log, now } = this.options;
    log.info(`[orchestration] ${session}: ${type} ${JSON.stringify(detail)}`);
    if (store.isOpen) store.addEvent({ at: now(), sessionId: session, type, detail });
  }

  /** By id, path, session or name; the newest where several have it. */
  private find(which: string, states: readonly StoredWorktree['state'][]): StoredWorktree {
    const all = this.options.store.worktrees.all();
    const isIt = ({ id, path, session, rig }: StoredWorktree): boolean =>
      [id, path, session, basename(path), `${rig}/${basename(path)}`].includes(which);
    const found = all.find((row) => isIt(row) && states.includes(row.state));
    if (found) return found;
    const other = all.find(isIt);
    if (other)
      throw new GasTownError(
        'refused',
        `The worktree ${other.path} is ${other.state === 'kept' ? 'there' : other.state} already.`,
      );
    throw new GasTownError(
      'bad-input',
      `There is no worktree "${which}" that stayed or was removed. See "gt worktree list".`,
    );
  }

  private async surveyOptions(path: string, rig: string): Promise<SurveyOptions> {
    const own = existsSync(path) ? await this.options.ownFilesIn(path) : [];
    return { own, isRebuildable: rebuildable(this.options.rebuildableIn(rig)) };
  }
}

/** The same for one place however it is written, also where nothing is there. */
function placeOf(path: string): string {
  const above = dirname(path);
  return join(existsSync(above) ? realpathSync(above) : above, basename(path));
}

function viewOf({ id, session, rig, path, branch, state, changedAt, removed, reason }: StoredWorktree): WorktreeView {
  return {
    ...{ id, session, rig, path, at: changedAt },
    state: state === 'removed' ? 'removed' : state === 'kept' ? 'kept' : 'under way',
    ...(branch === undefined ? {} : { branch }),
    ...(reason === undefined ? {} : { reason }),
    ...(removed?.rescue === undefined
      ? {}
      : { rescue: removed.rescue, commits: removed.commits, files: removed.files }),
  };
}
