import { join } from 'node:path';
import type { AskLog } from '../attention/ask-log.ts';
import type { Breakers } from '../backends/breakers.ts';
import { againstText } from '../orchestration/choose-agent.ts';
import { batchProgress } from '../domain/batch.ts';
import { dependencyState } from '../domain/dependency.ts';
import type { Dependency, StartAfter } from '../domain/dependency.ts';
import { cutText } from '../platform/cut-text.ts';
import { messageOf } from '../platform/errors.ts';
import { countCommits } from '../platform/git/worktree.ts';
import type { Outbox } from '../messages/outbox.ts';
import type { BackendName, SessionInfo } from '../domain/orchestrator.ts';
import type { Logger } from '../platform/logger.ts';
import { Queue } from '../platform/queue.ts';
import type { Registry } from '../sessions/registry.ts';
import { hasDied, hasEnded } from '../domain/session-state.ts';
import type { StoredBatch } from '../store/batches.ts';
import type { StoredEscalation } from '../store/escalations.ts';
import type { StoredMerge } from '../store/merges.ts';
import type { StoredThread } from '../store/reviews.ts';
import type { StoredMessage } from '../store/messages.ts';
import type { Store } from '../store/store.ts';
import type { StoredWork } from '../store/work.ts';
import type { StoredWorktree } from '../store/worktrees.ts';
import { toWorkUnit } from '../work/service.ts';
import type { ForecastBoard } from '../merge/forecast-board.ts';
import { inOrder } from '../merge/queue-plan.ts';
import type { Rigs } from '../orchestration/rigs.ts';
import type { Stages } from '../orchestration/stages.ts';
import { kindOfBreaker } from './troubles.ts';
import type {
  BackendPart,
  BackendView,
  BatchView,
  CommentView,
  EscalationView,
  MergeView,
  MessageView,
  SessionView,
  ThreadView,
  WorkView,
} from '../channel/views.ts';

const isAtWork = ({ state }: StoredWork): boolean => state === 'assigned' || state === 'running';

/** A merge that has not come to its end. */
export const isOpen = ({ state }: Pick<MergeView, 'state'>): boolean => state !== 'merged' && state !== 'discarded';

/** So long a merge or a batch that has come to an end is shown. In ms. */
export const endedShownMs = 24 * 3_600_000;

/** So much of a unit's description is in what goes to windows; `work.show` has all of it. */
export const shownText = 2_000;

/** So many units at once are counted for when the town is opened: others need git, too. */
const countedAtOnce = 4;

/** Makes what callers see of one session, unit, merge, message, … Commit counts come from git, so they are renewed by events only. */
export class TownViews {
  private readonly commits = new Map<string, number>();
  private readonly unseen = new Set<string>();
  private readonly backends: Map<BackendName, BackendView>;
  private readonly parts: {
    store: Store;
    registry: Registry;
    outbox: Outbox;
    rigs: Rigs;
    breakers: Breakers;
    asks: Pick<AskLog, 'lost'>;
    startAfter: (rig: string) => StartAfter;
    stages: Pick<Stages, 'of'>;
    forecasts: Pick<ForecastBoard, 'of'>;
    backends: readonly BackendName[];
    /** Epoch milliseconds. */
    now: () => number;
    log: Logger;
  };
  /** A session's or a unit's view is another, by what no row of the store tells. */
  private readonly touched: (kind: 'session' | 'work', id: string) => void;

  constructor(parts: TownViews['parts'], touched: TownViews['touched']) {
    this.parts = parts;
    this.touched = touched;
    this.backends = new Map(parts.backends.map((name) => [name, { name, health: 'unknown' }]));
  }

  session(info: SessionInfo): SessionView {
    const open = this.parts.breakers.against(info);
    const quarantined = hasDied(info) ? this.parts.store.sessions.session(info.id)?.quarantined : undefined;
    const lost = hasEnded(info) ? this.parts.asks.lost(info) : [];
    const { metadata: _notShown, ...shown } = info;
    return {
      ...shown,
      workUnits: this.parts.store.work
        .ownedBy(info.id)
        .map(toWorkUnit)
        .map((unit) => ({ ...unit, payload: {}, description: cutText(unit.description, shownText) })),
      queued: this.parts.outbox.queued(info.id),
      unreadMail: this.parts.store.messages.countUnread(info.id),
      unseen: this.unseen.has(info.id),
      ...(lost.length === 0 ? {} : { lostAsks: lost }),
      ...(open === undefined ? {} : { trouble: againstText(open), troubleKind: kindOfBreaker(open) }),
      ...(quarantined === undefined ? {} : { quarantined }),
      ...this.keptAt(hasEnded(info) ? ({ path }) => isAtOrIn(info.workDir, path) : undefined),
    };
  }

  /** `after`: what it begins after, where that is known already. */
  work(work: StoredWork, after = this.dependenciesOf(work)): WorkView {
    const {
      id,
      type,
      title,
      description,
      priority,
      state,
      rig,
      owner,
      branch,
      result,
      note,
      createdAt,
      changedAt,
      attempts,
      notBefore,
      batch,
      slungBy,
    } = work;
    const commits = result?.commits ?? this.commits.get(id);
    const forecast = isAtWork(work) ? this.parts.forecasts.of(rig, id) : undefined;
    const stage = state === 'assigned' && owner !== undefined ? this.parts.stages.of(owner) : undefined;
    return {
      id,
      type,
      title,
      description,
      priority,
      state,
      rig,
      createdAt,
      changedAt,
      ...(owner === undefined ? {} : { owner }),
      ...(branch === undefined ? {} : { branch }),
      ...(note === undefined ? {} : { note }),
      ...(commits === undefined ? {} : { commits }),
      ...(result === undefined ? {} : { result }),
      ...(forecast === undefined ? {} : { forecast }),
      ...(attempts === 0 ? {} : { attempts }),
      ...(notBefore === undefined ? {} : { notBefore }),
      ...this.after(work, after),
      ...(batch === undefined ? {} : { batch }),
      ...(stage === undefined ? {} : { stage }),
      ...(slungBy === undefined ? {} : { slungBy }),
      // While somebody is at it, it is where the work is done.
      ...this.keptAt(
        branch === undefined || isAtWork(work) ? undefined : (kept) => kept.rig === rig && kept.branch === branch,
      ),
    };
  }

  /** Of what is over nobody asks what it has waited for. */
  private dependenciesOf({ id, state }: StoredWork): readonly Dependency[] {
    return state === 'done' || state === 'cancelled' ? [] : this.parts.store.dependencies.of(id);
  }

  private after({ rig, state }: StoredWork, after: readonly Dependency[]): Pick<WorkView, 'after' | 'waitsFor'> {
    if (after.length === 0) return {};
    const begins = this.parts.startAfter(rig);
    const isOver = state === 'done' || state === 'cancelled';
    const unmet = isOver ? [] : after.filter((each) => dependencyState(each, begins) !== 'over');
    return {
      after: after.map((each) => each.after),
      ...(unmet.length === 0 ? {} : { waitsFor: unmet.map((each) => each.after) }),
    };
  }

  batch({ outcome, outcomeAt, ...batch }: StoredBatch): BatchView {
    const units = this.parts.store.batches.units(batch.id);
    return {
      ...batch,
      units: units.map(({ id }) => id),
      ...batchProgress(units),
      state: outcome ?? 'open',
      ...(outcomeAt === undefined ? {} : { since: outcomeAt }),
    };
  }

  /** Those that are not finished, and those that have just been. */
  batches(): BatchView[] {
    const { store, now } = this.parts;
    return store.batches.recent(now() - endedShownMs).map((batch) => this.batch(batch));
  }

  /** By unit, from 1 in each rig. */
  positions(open: readonly StoredMerge[]): ReadonlyMap<string, number> {
    const { store, now } = this.parts;
    const waiting = open.flatMap(({ workId, rig, target, state, queuedAt, changedAt }) =>
      state === 'queued'
        ? [{ workId, rig, target, priority: store.work.get(workId)?.priority ?? 2, since: queuedAt ?? changedAt }]
        : [],
    );
    const counts = new Map<string, number>();
    return new Map(
      inOrder(waiting, now()).map(({ workId, rig }) => {
        const position = (counts.get(rig) ?? 0) + 1;
        counts.set(rig, position);
        return [workId, position];
      }),
    );
  }

  merge(stored: StoredMerge, positions = this.positions(this.parts.store.merges.open())): MergeView {
    const {
      workId,
      detail,
      reviewedHead,
      approvedHead,
      approvedBy,
      queuedAt: _in,
      conflictRounds: _n,
      ...merge
    } = stored;
    const { candidate: _internal, author: _too, ...known } = detail;
    const position = positions.get(workId);
    const forecast = isOpen(merge) ? this.parts.forecasts.of(merge.rig, workId) : undefined;
    return {
      work: workId,
      ...merge,
      ...known,
      reviewed: reviewedHead === merge.head,
      ...(approvedHead === merge.head && approvedBy !== undefined ? { approvedBy } : {}),
      ...(position === undefined ? {} : { position }),
      ...(forecast === undefined ? {} : { forecast }),
      openThreads: this.parts.store.reviews.count(workId, 'open'),
      comments: this.parts.store.reviews.countComments(workId),
    };
  }

  thread({ number, workId, createdAt: _at, ...thread }: StoredThread): ThreadView {
    const { reviews, messages } = this.parts.store;
    const comments = reviews.commentsOf(number).map(({ at, by, body, messageId }): CommentView => {
      const receipt = messageId === undefined ? undefined : messages.get(messageId)?.state;
      return { at, by, body, ...(receipt === undefined ? {} : { receipt }) };
    });
    return { id: `C-${number}`, work: workId, ...thread, comments };
  }

  /** Why the worktree stays, where one that stays is it. */
  private keptAt(isIt: ((kept: StoredWorktree) => boolean) | undefined): { worktree?: string } {
    if (isIt === undefined) return {};
    for (const kept of this.parts.store.worktrees.kept().values())
      if (isIt(kept)) return { worktree: kept.reason ?? '' };
    return {};
  }

  message({ workId: _workId, ...view }: StoredMessage): MessageView {
    return view;
  }

  escalation({ key, sessionId, workId, ...view }: StoredEscalation): EscalationView {
    return {
      ...view,
      kind: key.kind,
      ...(sessionId === undefined ? {} : { session: sessionId }),
      ...(workId === undefined ? {} : { work: workId }),
    };
  }

  /**
   * Asks git how many commits the unit's branch has by now, where nothing has been read from its worktree yet. Never rejects:
   * where git cannot be asked (the rig's folder is gone, git hangs) the number stays as it was.
   */
  async renewCommits({ id, result, branch, base, rig }: StoredWork): Promise<void> {
    const { rigs, log } = this.parts;
    if (result !== undefined || branch === undefined || base === undefined || !rigs.names().includes(rig)) return;
    try {
      const count = await countCommits(rigs.get(rig).path, base, branch);
      if (count === undefined) this.commits.delete(id);
      else this.commits.set(id, count);
      this.touched('work', id);
    } catch (error) {
      log.warn(`[orchestration] the commits of ${id} could not be counted: ${messageOf(error)}`);
    }
  }

  /** The same for every unit, a few at a time; `changed` is called where a number is another one now. */
  async renewAllCommits(changed: () => void): Promise<void> {
    const queue = new Queue(countedAtOnce);
    const renew = async (work: StoredWork): Promise<void> => {
      // The host may have let go meanwhile.
      if (!this.parts.store.isOpen) return;
      const before = this.commits.get(work.id);
      await this.renewCommits(work);
      if (this.commits.get(work.id) !== before) changed();
    };
    await Promise.all(this.parts.store.work.all().map((work) => queue.run(() => renew(work))));
  }

  setUnseen(id: string, unseen: boolean): void {
    if (unseen) this.unseen.add(id);
    else this.unseen.delete(id);
    this.touched('session', id);
  }

  setBackend(view: BackendView): void {
    this.backends.set(view.name, view);
  }

  backendViews(): BackendView[] {
    return [...this.backends.values()].map((view): BackendView => {
      const breaker = this.parts.breakers.ofBackend(view.name);
      const parts = this.partsOf(view.name);
      return {
        ...view,
        ...(breaker ? { health: 'failing', detail: breaker.reason, breaker } : {}),
        ...(parts.length === 0 ? {} : { parts }),
      };
    });
  }

  private partsOf(backend: BackendName): BackendPart[] {
    return this.parts.breakers.open().flatMap(({ of: { backend: whose, rig, program }, breaker }): BackendPart[] => {
      if (whose !== backend) return [];
      if (rig !== undefined) return [{ rig, breaker }];
      return program === undefined ? [] : [{ program, breaker }];
    });
  }
}

/** Whether a folder is this one, or below it. */
export const isAtOrIn = (folder: string, path: string): boolean =>
  folder === path || folder.startsWith(join(path, '/'));
