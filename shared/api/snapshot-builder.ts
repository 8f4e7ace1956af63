import type { ForecastBoard } from '../merge/forecast-board.ts';
import type { Rigs } from '../orchestration/rigs.ts';
import type { Stages } from '../orchestration/stages.ts';
import type { Worktrees } from '../orchestration/worktrees.ts';
import { cutText } from '../platform/cut-text.ts';
import type { Registry } from '../sessions/registry.ts';
import { hasEnded } from '../domain/session-state.ts';
import type { Store } from '../store/store.ts';
import type { TouchedIds, TouchedLog } from '../store/touched.ts';
import type { BatchView, MergeView, SessionView, TownSnapshot, WorkView } from '../channel/views.ts';
import type { Problem } from '../domain/problem.ts';
import { KeptViews, unlessSame } from './kept-views.ts';
import { endedShownMs, isAtOrIn, isOpen, shownText } from './town-views.ts';
import type { TownViews } from './town-views.ts';

const byCreation = (a: { createdAt: number; id: string }, b: { createdAt: number; id: string }): number =>
  a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1);

/** Open ones in the order in which they were made, then the others in that in which they ended. */
const mergesInOrder = (a: MergeView, b: MergeView): number =>
  Number(isOpen(b)) - Number(isOpen(a)) ||
  (isOpen(a) ? a.createdAt - b.createdAt : a.changedAt - b.changedAt) ||
  (a.work < b.work ? -1 : 1);

/**
 * Puts together what everybody sees. Each view is kept, and made anew when something was written that it shows, or when it is
 * touched: a snapshot costs with what has changed, not with what there is.
 */
export class SnapshotBuilder {
  private isWhole = true;
  private readonly sessions = new KeptViews<SessionView>(
    (a, b) => a.startedAt - b.startedAt || a.id.localeCompare(b.id),
  );
  private readonly units = new KeptViews<WorkView>(byCreation);
  /** Units whose sessions are being started: what is done for them is told by no row of the store. */
  private readonly starting = new Set<string>();
  private readonly openMerges = new KeptViews<MergeView>(mergesInOrder);
  private readonly openBatches = new KeptViews<BatchView>(byCreation);
  private last: TownSnapshot | undefined;
  private revision = 0;
  private readonly parts: {
    root: string;
    name: string;
    store: Store;
    registry: Registry;
    views: TownViews;
    /** What was written since the last look; whoever made it disposes it. */
    touched: TouchedLog;
    rigs: Pick<Rigs, 'views'>;
    worktrees: Pick<Worktrees, 'views'>;
    stages: Pick<Stages, 'list'>;
    forecasts: Pick<ForecastBoard, 'takeChanged'>;
    problems: () => Problem[];
    /** Epoch milliseconds. */
    now: () => number;
  };

  constructor(parts: SnapshotBuilder['parts']) {
    this.parts = parts;
  }

  /** What many views are made from is another. */
  touchAll(): void {
    this.isWhole = true;
  }

  build(): TownSnapshot {
    const { root, name, store, rigs, problems, worktrees, stages, views } = this.parts;
    const touched = this.parts.touched.take();
    const isWhole = this.isWhole;
    this.isWhole = false;
    this.revision += 1;
    const forecast = this.parts.forecasts.takeChanged();
    this.renewSessions(touched, isWhole);
    this.renewUnits(touched, forecast, isWhole);
    this.renewMerges(touched, forecast, isWhole);
    this.renewBatches(touched, isWhole);
    const { last } = this;
    const escalations =
      last && !isWhole && touched.escalation.size === 0
        ? last.escalations
        : unlessSame(
            last?.escalations,
            store.escalations.open().map((escalation) => views.escalation(escalation)),
          );
    this.last = {
      revision: this.revision,
      root,
      name,
      rigs: unlessSame(last?.rigs, rigs.views()),
      sessions: this.sessions.list(),
      work: this.units.list(),
      merges: this.openMerges.list(),
      batches: this.openBatches.list(),
      escalations,
      problems: unlessSame(last?.problems, problems()),
      backends: unlessSame(last?.backends, views.backendViews()),
      worktrees: unlessSame(last?.worktrees, worktrees.views()),
      starting: unlessSame(last?.starting, stages.list()),
      messagesRevision: store.messages.revision,
    };
    return this.last;
  }

  private renewSessions({ session, inbox, place }: TouchedIds, isWhole: boolean): void {
    const { registry, views } = this.parts;
    const ids = new Set([...session, ...inbox]);
    if (isWhole) for (const [id] of this.sessions.entries()) ids.add(id);
    if (isWhole || place.size > 0)
      for (const info of registry.list())
        if (isWhole || (hasEnded(info) && [...place].some((path) => isAtOrIn(info.workDir, path)))) ids.add(info.id);
    for (const id of ids) {
      const info = registry.find(id);
      this.sessions.set(id, info && views.session(info));
    }
  }

  private renewUnits({ work, branch }: TouchedIds, forecast: ReadonlySet<string>, isWhole: boolean): void {
    const { store, views } = this.parts;
    const set = (id: string, view: WorkView | undefined): void => {
      this.units.set(id, view && { ...view, description: cutText(view.description, shownText) });
      if (view?.state === 'assigned') this.starting.add(id);
      else this.starting.delete(id);
    };
    if (isWhole) {
      const after = store.dependencies.ofUnfinished();
      const gone = new Set([...this.units.entries()].map(([id]) => id));
      for (const each of store.work.all()) {
        set(each.id, views.work(each, after.get(each.id) ?? []));
        gone.delete(each.id);
      }
      for (const id of gone) set(id, undefined);
      return;
    }
    const ids = new Set([...work, ...forecast, ...this.starting]);
    for (const key of branch) {
      const [rig = '', name = ''] = key.split('\n');
      for (const { id } of store.work.onBranch(rig, name)) ids.add(id);
    }
    for (const id of ids) {
      const unit = store.work.get(id);
      set(id, unit && views.work(unit));
    }
  }

  private renewMerges({ merge, work }: TouchedIds, forecast: ReadonlySet<string>, isWhole: boolean): void {
    const { store, now, views } = this.parts;
    const kept = this.openMerges;
    const since = now() - endedShownMs;
    const isShown = (each: Pick<MergeView, 'state' | 'changedAt'>): boolean => isOpen(each) || each.changedAt >= since;
    for (const [id, view] of kept.entries()) if (!isShown(view)) kept.set(id, undefined);
    const ids = new Set([...merge, ...work, ...forecast].filter((id) => merge.has(id) || kept.get(id)));
    if (isWhole) {
      for (const each of [...store.merges.open(), ...store.merges.endedSince(since)]) ids.add(each.workId);
      for (const [id] of kept.entries()) ids.add(id);
    }
    if (ids.size === 0) return;
    const positions = views.positions(store.merges.open());
    for (const [id, view] of kept.entries()) if (view.position !== positions.get(id)) ids.add(id);
    for (const id of ids) {
      const stored = store.merges.get(id);
      kept.set(id, stored && isShown(stored) ? views.merge(stored, positions) : undefined);
    }
  }

  private renewBatches({ batch }: TouchedIds, isWhole: boolean): void {
    const { store, now, views } = this.parts;
    const kept = this.openBatches;
    const since = now() - endedShownMs;
    for (const [id, view] of kept.entries())
      if (view.state === 'finished' && (view.since ?? 0) < since) kept.set(id, undefined);
    const ids = new Set(batch);
    if (isWhole) for (const [id] of kept.entries()) ids.add(id);
    if (isWhole) for (const { id } of store.batches.recent(since)) ids.add(id);
    for (const id of ids) {
      const stored = store.batches.get(id);
      const isShown = stored && (stored.outcome !== 'finished' || (stored.outcomeAt ?? 0) >= since);
      kept.set(id, isShown ? views.batch(stored) : undefined);
    }
  }
}
