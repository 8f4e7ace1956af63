import { join } from 'node:path';
import type { AskLog } from '../attention/ask-log.ts';
import type { Breakers } from '../backends/breakers.ts';
import { againstText } from '../backends/choose.ts';
import { countCommits } from '../git/worktree.ts';
import type { Outbox } from '../mail/outbox.ts';
import type { BackendName, SessionInfo } from '../orchestrator.ts';
import { backendNames } from '../orchestrator.ts';
import type { Registry } from '../sessions/registry.ts';
import { hasDied, hasEnded } from '../sessions/session-info.ts';
import type { StoredEscalation } from '../store/escalations.ts';
import type { StoredMessage } from '../store/messages.ts';
import type { Store } from '../store/store.ts';
import type { StoredWork } from '../store/work.ts';
import type { StoredWorktree } from '../store/worktrees.ts';
import { toWorkUnit } from '../work/service.ts';
import type { Rigs } from './rigs.ts';
import type { Worktrees } from './worktrees.ts';
import type {
  BackendView,
  EscalationView,
  MessageView,
  Problem,
  SessionView,
  TownSnapshot,
  WorkView,
} from './snapshot.ts';

const isAtWork = ({ state }: StoredWork): boolean => state === 'assigned' || state === 'running';

/** Puts together what everybody sees. Commit counts come from git, so they are kept and renewed by events only. */
export class SnapshotBuilder {
  private revision = 0;
  private readonly commits = new Map<string, number>();
  private readonly unseen = new Set<string>();
  private readonly backends = new Map<BackendName, BackendView>(
    backendNames.map((name) => [name, { name, health: 'unknown' }]),
  );
  private readonly parts: {
    root: string;
    name: string;
    store: Store;
    registry: Registry;
    outbox: Outbox;
    rigs: Rigs;
    breakers: Breakers;
    asks: Pick<AskLog, 'lost'>;
    worktrees: Pick<Worktrees, 'views'>;
    problems: () => Problem[];
  };

  constructor(parts: SnapshotBuilder['parts']) {
    this.parts = parts;
  }

  build(): TownSnapshot {
    const { root, name, store, registry, rigs, problems } = this.parts;
    this.revision += 1;
    return {
      revision: this.revision,
      root,
      name,
      rigs: rigs.views(),
      sessions: registry.list().map((session) => this.session(session)),
      work: store.work.all().map((work) => this.work(work)),
      escalations: store.escalations.open().map((escalation) => this.escalation(escalation)),
      problems: problems(),
      backends: this.backendViews(),
      worktrees: this.parts.worktrees.views(),
      messagesRevision: store.messages.revision,
    };
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
        .map(({ payload: _large, ...unit }) => ({ ...unit, payload: {} })),
      queued: this.parts.outbox.queued(info.id),
      unreadMail: this.parts.store.messages.countUnread(info.id),
      unseen: this.unseen.has(info.id),
      ...(lost.length === 0 ? {} : { lostAsks: lost }),
      ...(open === undefined ? {} : { trouble: againstText(open) }),
      ...(quarantined === undefined ? {} : { quarantined }),
      ...this.keptAt(
        hasEnded(info) ? ({ path }) => info.workDir === path || info.workDir.startsWith(join(path, '/')) : undefined,
      ),
    };
  }

  work(work: StoredWork): WorkView {
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
    } = work;
    const commits = result?.commits ?? this.commits.get(id);
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
      ...(attempts === 0 ? {} : { attempts }),
      ...(notBefore === undefined ? {} : { notBefore }),
      // While somebody is at it, it is where the work is done.
      ...this.keptAt(
        branch === undefined || isAtWork(work) ? undefined : (kept) => kept.rig === rig && kept.branch === branch,
      ),
    };
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

  escalation({ cause: _cause, sessionId, workId, ...view }: StoredEscalation): EscalationView {
    return {
      ...view,
      ...(sessionId === undefined ? {} : { session: sessionId }),
      ...(workId === undefined ? {} : { work: workId }),
    };
  }

  /** Asks git how many commits the unit's branch has by now, where nothing has been read from its worktree yet. */
  async renewCommits(work: StoredWork): Promise<void> {
    if (
      work.result !== undefined ||
      work.branch === undefined ||
      work.base === undefined ||
      !this.parts.rigs.names().includes(work.rig)
    )
      return;
    const count = await countCommits(this.parts.rigs.get(work.rig).path, work.base, work.branch);
    if (count === undefined) this.commits.delete(work.id);
    else this.commits.set(work.id, count);
  }

  setUnseen(id: string, unseen: boolean): void {
    if (unseen) this.unseen.add(id);
    else this.unseen.delete(id);
  }

  setBackend(view: BackendView): void {
    this.backends.set(view.name, view);
  }

  backendViews(): BackendView[] {
    return [...this.backends.values()].map((view): BackendView => {
      const breaker = this.parts.breakers.ofBackend(view.name);
      if (!breaker) return view;
      return { ...view, health: 'failing', detail: breaker.reason, breaker };
    });
  }
}
