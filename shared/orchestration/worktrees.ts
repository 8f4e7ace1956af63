/** The worktrees of sessions that are over: removed so that nothing is lost, kept with the reason, brought back. */
import { existsSync, realpathSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { GasTownError, messageOf } from '../platform/errors.ts';
import type { BaseWish } from '../platform/git/base-branch.ts';
import { findingsText, isRefusal, reasonsToStay } from '../platform/git/findings.ts';
import type { Finding, Occasion } from '../platform/git/findings.ts';
import { rebuildable } from '../platform/git/rebuildable.ts';
import { finishRemoval, removeWorktree, restoreWorktree } from '../platform/git/remove-worktree.ts';
import type { RemovedWorktree } from '../platform/git/remove-worktree.ts';
import { surveyWorktree } from '../platform/git/survey-worktree.ts';
import { createWorktree, inTurn, isOnRecord } from '../platform/git/worktree.ts';
import type { Worktree } from '../platform/git/worktree.ts';
import type { SurveyOptions, WorktreePlace } from '../platform/git/survey-worktree.ts';
import type { Ids } from '../platform/ids.ts';
import type { Logger } from '../platform/logger.ts';
import type { Store } from '../store/store.ts';
import type { StoredWorktree } from '../store/worktrees.ts';
import type { WorktreeView } from '../channel/views.ts';
import type { Problem } from '../domain/problem.ts';
import type { SetUps } from './set-ups.ts';
import type { Stages } from './stages.ts';

/** So long the notification of a removal offers to undo it, in ms; `gt worktree restore` does it later, too. */
const undoMs = 30_000;

export interface WorktreesOptions {
  store: Store;
  now: () => number;
  ids: Ids;
  log: Logger;
  onChange: () => void;
  /** What the settings name besides what is known (`platform/git/rebuildable.ts`). */
  rebuildableIn: (rig: string) => readonly string[];
  /** Where the branches of new work in a rig start. */
  baseOf: (rig: string) => BaseWish;
  /** How the worktrees of a rig begin and end. */
  setUps: Pick<SetUps, 'requireConsent' | 'prepare' | 'hasTeardown' | 'teardownOf' | 'tearDown' | 'endLeft'>;
  /** What is being done to those that are being made. */
  stages: Pick<Stages, 'enter' | 'leave'>;
  /** What the town itself has written in a worktree, whole paths. */
  ownFilesIn: (path: string) => Promise<readonly string[]>;
}

/** Who worked there. */
interface Worker {
  session: string;
  rig: string;
}

export interface NewWorker extends Worker {
  /** Nothing is fetched, copied or run for it. */
  bare?: boolean;
}

export class Worktrees {
  private readonly options: WorktreesOptions;
  /** By path: sessions have ended there, and what becomes of it is not decided yet. */
  private readonly leaving = new Map<string, Promise<unknown>>();
  private readonly made = new Set<string>();

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

  /** Rejects with `consent-needed` where a new worktree of the rig would be made ready by what the user has not agreed to. */
  mayBegin(rig: string): Promise<void> {
    return this.options.setUps.requireConsent(rig);
  }

  /** Ends what a host that has died was running to make one ready. */
  endLeft(path: string): Promise<void> {
    return this.options.setUps.endLeft(placeOf(path));
  }

  /** The command that would run in it if it went now. */
  teardownOf(rig: string, path: string): Promise<string | undefined> {
    return this.options.setUps.teardownOf({ rig, path: placeOf(path) });
  }

  /**
   * `createWorktree`, once it is decided what becomes of one that was there before; what somebody has deleted by hand is forgotten. A
   * new one is made ready as the rig's settings say, and has a port base from then on.
   */
  async create(
    repository: string,
    path: string,
    branch: string,
    { bare = false, ...worker }: NewWorker,
    signal?: AbortSignal,
  ): Promise<Worktree> {
    const { store, setUps, baseOf, stages } = this.options;
    const { session } = worker;
    if (!bare && !existsSync(path)) await this.mayBegin(worker.rig);
    // What is in it is the user's alone. It is there first, because a path's links are resolved only where there is something.
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const place = placeOf(path);
    this.made.add(place);
    await this.leaving.get(place);
    if (!existsSync(path) && (await isOnRecord(repository, path, signal)))
      await this.over({ repository, path }, worker);
    store.ports.take(place);
    try {
      return await createWorktree(repository, path, branch, {
        base: {
          ...baseOf(worker.rig),
          ...(bare ? { fetch: false } : {}),
          onFetch: (remote, asked) => stages.enter(session, `asks ${remote} for ${asked}`),
        },
        onCheckOut: () => stages.enter(session, `checks out ${branch}`),
        prepare: async (made, until) =>
          setUps.prepare(
            { ...worker, repository, path: made, bare },
            await this.surveyOptions(made, worker.rig),
            until,
          ),
        signal,
      });
    } catch (error) {
      if (!existsSync(path)) this.freePort(path);
      throw error;
    } finally {
      stages.leave(session);
    }
  }

  /** Whether one was asked for there since the town was opened: a start that is under way may have no session yet. */
  wasMade(path: string): boolean {
    return this.made.has(placeOf(path));
  }

  /** Puts one on record that stays, of which nothing was known. */
  note(
    row: Pick<StoredWorktree, 'session' | 'rig' | 'repository' | 'path' | 'branch' | 'changedAt'>,
    reason: string,
  ): void {
    this.save({ ...row, id: this.options.ids.newId('wt'), state: 'kept', occasion: 'over', reason, refused: false });
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
    const row =
      (await this.finish(found)) ??
      (await this.remove(found, found, 'asked', { ...found, isFree: () => isFree(found.path) }));
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
    let warnings: string[];
    try {
      warnings = await restoreWorktree(removed);
    } catch (error) {
      if (GasTownError.is(error, 'name-taken')) this.save(found);
      else
        await this.endRestore(found).catch((failure: unknown) =>
          this.options.log.error(`[orchestration] the worktree ${found.path}: ${messageOf(failure)}`),
        );
      throw error;
    }
    const stays = await this.reasonsToStay(found, found.rig);
    const { removed: _removed, ...rest } = found;
    const row: StoredWorktree = {
      ...rest,
      state: 'kept',
      changedAt: this.options.now(),
      reason: [stays.length === 0 ? 'it was brought back' : findingsText(stays), ...warnings].join('; '),
      refused: false,
    };
    this.save(row);
    this.record(row, 'worktree.restored', { path: row.path });
    return viewOf(row);
  }

  /**
   * One that was being brought back when that broke off. What brings it back whole stays on record, whatever becomes of what
   * is there by now: that has a row of its own.
   */
  private async endRestore(row: StoredWorktree): Promise<void> {
    const { store, now } = this.options;
    this.save({ ...row, state: 'removed' });
    if (!existsSync(row.path) || !(await isOnRecord(row.repository, row.path))) return;
    const { removed, ...rest } = row;
    const saved = removed?.rescue === undefined ? '' : ` What it had is in ${removed.rescue}.`;
    const reason = `bringing it back broke off, so it may lack files.${saved} Remove it, then gt worktree restore ${row.id} brings it back whole`;
    const half: StoredWorktree = {
      ...rest,
      id: store.worktrees.kept().get(row.path)?.id ?? this.options.ids.newId('wt'),
      state: 'kept',
      occasion: 'over',
      changedAt: now(),
      reason,
      refused: false,
    };
    this.save(half);
    this.record(half, 'worktree.kept', { path: row.path, reason });
  }

  /** Ends what a host that has died was about to do. `isUsed` says whether a session works there again. */
  async settle(isUsed: (path: string) => boolean): Promise<void> {
    for (const row of this.options.store.worktrees.unfinished()) {
      try {
        if (row.state === 'restoring') await this.endRestore(row);
        else if (await this.finish(row)) continue;
        else if (isUsed(row.path)) this.forget(row);
        else await this.remove(row, row, row.occasion, { ...row, isFree: () => !isUsed(row.path) });
      } catch (error) {
        this.stuck(row, error);
      }
    }
  }

  /** Ends a removal that broke off after it was judged. Undefined where nothing of it has happened: it is to be judged again. */
  private async finish(row: StoredWorktree): Promise<StoredWorktree | undefined> {
    if (row.state !== 'judged' || !row.removed) return undefined;
    try {
      if (!(await finishRemoval(row.removed))) return undefined;
      // It may only have been waited for.
      const known = this.options.store.worktrees.get(row.id);
      return known?.state === 'removed' ? known : this.gone(row, row.removed);
    } catch (error) {
      return this.stuck(row, error);
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
      kind: 'worktree',
      subject: { session },
      message: `The worktree of ${session} (${path}) stays: ${reason}`,
      severity: 'warning',
    }));
  }

  private async remove(
    place: WorktreePlace,
    { session, rig }: Worker,
    occasion: Occasion,
    {
      id,
      removed,
      isFree,
    }: Partial<Pick<StoredWorktree, 'id' | 'removed'>> & { isFree?: (() => boolean) | undefined } = {},
  ): Promise<StoredWorktree> {
    const { store, now } = this.options;
    const { repository, path, branch } = place;
    const row: StoredWorktree = {
      id: id ?? store.worktrees.kept().get(path)?.id ?? this.options.ids.newId('wt'),
      ...{ session, rig, repository, path, occasion, refused: false },
      ...(branch === undefined ? {} : { branch }),
      // Of an attempt before this one; until it is judged again that is all that is known.
      ...(removed === undefined ? {} : { removed }),
      state: 'removing',
      changedAt: now(),
    };
    let known = row;
    try {
      this.save(row);
    } catch (error) {
      return this.unrecorded(row, error);
    }
    try {
      await this.tearDown(place, { session, rig }, occasion, isFree);
      const judged = (now: RemovedWorktree): void => {
        known = { ...row, state: 'judged', removed: now };
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
      return known.state === 'judged' ? this.stuck(known, error) : this.unrecorded(known, error);
    }
  }

  /**
   * Runs what the rig's settings say is to be run before a worktree goes: only where it would go by what is there now. What it
   * has after that is judged anew. Not in git's turn, as that may take minutes.
   */
  private async tearDown(
    place: WorktreePlace,
    { session, rig }: Worker,
    occasion: Occasion,
    isFree: () => boolean = () => true,
  ): Promise<void> {
    const { setUps } = this.options;
    const { repository, path } = place;
    if (!isFree() || !(await setUps.hasTeardown({ rig, path }))) return;
    const options = await this.surveyOptions(path, rig);
    const { findings } = await inTurn(repository, () => surveyWorktree(place, options));
    if (reasonsToStay(findings, occasion).length > 0 || !isFree()) return;
    await setUps.tearDown({ session, rig, repository, path: placeOf(path) });
  }

  private freePort(path: string): void {
    const { store } = this.options;
    if (store.isOpen) store.backlog.keep(() => store.ports.free(placeOf(path)));
  }

  private stays({ removed, ...row }: StoredWorktree, findings: readonly Finding[]): StoredWorktree {
    // Of two removals at once the second finds nothing any more.
    if (!existsSync(row.path) && findings.every(({ kind }) => kind === 'unknown')) {
      if (removed) return this.gone(row, removed);
      this.forget(row);
      this.freePort(row.path);
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
    this.freePort(row.path);
    this.record(after, 'worktree.removed', {
      path: row.path,
      ...(removed.rescue === undefined ? {} : { rescue: removed.rescue }),
    });
    return after;
  }

  /** Nothing has been touched. Where it has no row yet, it gets one as soon as that can be: else nobody would know that it is there. */
  private unrecorded({ removed: _removed, ...row }: StoredWorktree, error: unknown): StoredWorktree {
    const { store, log, onChange } = this.options;
    const kept: StoredWorktree = { ...row, state: 'kept', reason: `its removal could not begin: ${messageOf(error)}` };
    log.warn(`[orchestration] the worktree ${row.path}: ${messageOf(error)}`);
    if (!store.isOpen) return kept;
    store.backlog.keep(() => {
      const known = store.worktrees.get(row.id)?.state;
      if (known !== undefined && known !== 'removing') return;
      store.worktrees.save(kept);
      store.afterCommit(onChange);
    });
    return kept;
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
    const at = now();
    if (store.isOpen) store.backlog.keep(() => store.addEvent({ at, sessionId: session, type, detail }));
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
