import type { Breakers } from '../backends/breakers.ts';
import type { BreakerEvent } from '../domain/circuit-breaker.ts';
import type { TurnFailure } from '../domain/run.ts';
import type { ResolvedAgent } from '../domain/agent.ts';
import type { TroublePolicy } from '../config/provider-failure-settings.ts';
import { DisposableStore } from '../platform/disposable-store.ts';
import type { Disposable } from '../platform/emitter.ts';
import { GasTownError, messageOf } from '../platform/errors.ts';
import type { SessionId, SessionInfo } from '../domain/orchestrator.ts';
import type { TurnEnd } from '../sessions/run-events.ts';
import { Timer } from '../platform/timer.ts';
import { hasDied, hasEnded } from '../domain/session-state.ts';
import type { StoredTrouble } from '../store/troubles.ts';
import { decideTrouble } from './turn-failure-policy.ts';
import type { TroubleAction } from './turn-failure-policy.ts';
import type { Town } from '../orchestration/town.ts';

export interface TroubleOptions {
  town: Pick<Town, 'store' | 'manager' | 'registry' | 'outbox' | 'work' | 'escalations' | 'log'> & {
    breakers: Breakers;
  };
  policy: () => TroublePolicy;
  /** The agents that may go on with the session's work instead of its own, the best first. */
  alternatives: (session: SessionInfo) => ResolvedAgent[];
  /** Lets the session go on with another agent. */
  failOver: (session: SessionInfo, agent: ResolvedAgent, reason: string) => Promise<unknown>;
}

/**
 * Deals with turns that the model's provider made fail: the session goes on with another agent of its role, or rests until
 * the provider may be asked again and is then told to go on, a bounded number of times; after that somebody else has to
 * look. What is intended is in the store before it is done, so that a restart of the host neither forgets a session that
 * rests nor tells it twice.
 */
export class TurnFailureHandler implements Disposable {
  private readonly options: TroubleOptions;
  /** Sessions that are being handed to another agent. */
  private readonly moving = new Set<SessionId>();
  private readonly disposables = new DisposableStore();
  private readonly timer = this.disposables.add(new Timer(() => this.onTimer()));
  private disposed = false;
  /** The clock was, and the pauses were not looked at since. */
  private wasSetBack = false;
  /** Sessions are adopted: until then nobody goes on. */
  private hasTakenUp = false;

  constructor(options: TroubleOptions) {
    this.options = options;
    const { manager, breakers, registry, store } = options.town;
    this.disposables.add(
      manager.events.onDidEndTurn((end) => {
        const { failure, session } = end;
        if (failure) store.backlog.keep(() => this.onFailure(end, failure));
        else this.onSuccess(session);
      }),
    );
    this.disposables.add(
      manager.events.onDidEnd(({ session }) => {
        if (!hasDied(session) && !this.moving.has(session.id)) this.forget(session.id);
      }),
    );
    this.disposables.add(
      registry.onDidChange(({ kind, session }) => {
        if (kind === 'unregistered' && !this.moving.has(session.id)) this.forget(session.id);
      }),
    );
    this.disposables.add(breakers.onDidChange(() => this.reconsider()));
    const { clock } = manager;
    this.disposables.add(clock.onDidJump((by) => void (this.wasSetBack ||= by < 0)));
    this.disposables.add(clock.onAfterJump(() => this.hasTakenUp && this.onTimer()));
  }

  /** After a restart of the host, before its sessions are taken up: those that rest go on resting. */
  showResting(): void {
    for (const trouble of this.options.town.store.troubles.parked()) this.show(trouble);
  }

  /** When they have been taken up: those that have rested go on. */
  takeUp(): void {
    this.hasTakenUp = true;
    if (!this.disposed) this.onTimer();
  }

  dispose(): void {
    this.disposed = true;
    void this.disposables.dispose();
  }

  private onSuccess(session: SessionInfo): void {
    const { breakers } = this.options.town;
    const { backend, agent, rig } = session;
    for (const subject of [{ backend }, { backend, agent }, { backend, program: agent }, { backend, rig }])
      breakers.take(subject, { kind: 'succeeded' });
    breakers.lastFailures.delete(session.backend);
    this.forget(session.id);
  }

  private onFailure({ session, runId }: TurnEnd, failure: TurnFailure): void {
    const { store, manager, breakers } = this.options.town;
    const { id, backend, agent } = session;
    breakers.lastFailures.set(backend, { sessionId: id, agent, at: manager.now(), failure });
    this.record(id, runId, 'session.turn-failed', { kind: failure.kind, reason: failure.reason });
    const before = store.troubles.get(id);
    const trouble: StoredTrouble = {
      sessionId: id,
      runId,
      kind: failure.kind,
      reason: failure.reason,
      goOn: false,
      redeliveries: before?.redeliveries ?? 0,
      changedAt: manager.now(),
    };
    store.troubles.save(trouble);
    this.carryOut(session, trouble, failure);
    const judged = breakerEvent(failure);
    if (judged) store.afterCommit(() => breakers.take({ backend, agent }, judged));
  }

  private carryOut(session: SessionInfo, trouble: StoredTrouble, failure: TurnFailure): void {
    const { store, manager } = this.options.town;
    const { id } = session;
    const alternatives = this.options.alternatives(session);
    const [alternative] = alternatives;
    const facts = {
      failure,
      now: manager.now(),
      redeliveries: trouble.redeliveries,
      owes: this.owes(session, trouble.runId),
      ...(alternative === undefined ? {} : { alternative: alternative.name }),
    };
    const action = decideTrouble(facts, this.options.policy());
    switch (action.kind) {
      case 'nothing':
        store.troubles.remove(id);
        return;
      case 'park':
        return this.park({ ...trouble, until: action.until, goOn: action.goOn, changedAt: manager.now() });
      case 'escalate':
        return this.escalate(session, trouble, action);
      case 'fail-over':
        this.startMove(session, trouble, alternatives, action.reason);
    }
  }

  private park(trouble: StoredTrouble): void {
    this.options.town.store.troubles.save(trouble);
    this.record(trouble.sessionId, trouble.runId, 'session.parked', { until: trouble.until, reason: trouble.reason });
    this.show(trouble);
    this.arm();
  }

  /** The session is shown as resting, with the reason; nothing is put before it meanwhile. */
  private show({ runId, until, kind, reason }: StoredTrouble): void {
    if (until === undefined) return;
    const failing = kind === 'rate-limit' ? {} : { failing: true as const };
    this.options.town.manager.report(
      runId,
      'host',
      { kind: 'parked', until, reason, ...failing },
      `turn failed: ${reason}`,
    );
  }

  private escalate(session: SessionInfo, trouble: StoredTrouble, { reason }: TroubleAction): void {
    const { work, escalations, manager, store } = this.options.town;
    store.transaction(() => {
      for (const owned of work.ownedBy(session.id)) {
        if (owned.state === 'stalled') continue;
        const running =
          owned.state === 'assigned' ? work.move(owned, 'running', { by: 'host', runId: trouble.runId }) : owned;
        work.move(running, 'stalled', { by: 'host', runId: trouble.runId, note: reason });
      }
      const unit = work.ownedBy(session.id)[0];
      escalations.raise({
        severity: 'high',
        message: `${session.id} (${session.agent}) does not get on: ${reason}`,
        by: 'host',
        sessionId: session.id,
        ...(unit === undefined ? {} : { workId: unit.id }),
        // The key that the rule for stalled units has: one name for one thing.
        key:
          unit === undefined
            ? { kind: `model-${trouble.kind}`, subject: session.id, run: trouble.runId }
            : { kind: 'stalled', subject: unit.id, since: unit.changedAt },
      });
    });
    manager.report(trouble.runId, 'host', { kind: 'resumed' }, reason);
  }

  private startMove(...move: Parameters<TurnFailureHandler['move']>): void {
    this.options.town.store.afterCommit(() => {
      this.move(...move).catch((error: unknown) =>
        this.options.town.log.error(`[orchestration] ${move[0].id}: ${messageOf(error)}`),
      );
    });
  }

  /** Lets the session go on with the first of the agents that starts. A host that dies in it leaves it to go on as it was. */
  private async move(
    session: SessionInfo,
    trouble: StoredTrouble,
    agents: readonly ResolvedAgent[],
    reason: string,
  ): Promise<void> {
    const { store, manager, log } = this.options.town;
    const { id } = session;
    this.moving.add(id);
    try {
      const now = manager.now();
      const counted: StoredTrouble = {
        ...trouble,
        until: now,
        goOn: true,
        redeliveries: trouble.redeliveries + 1,
        changedAt: now,
      };
      // A write that fails must not stop the move: nothing else would make the session go on.
      store.backlog.keep(() => store.troubles.save(counted));
      // Idle soon, but not for long: nothing is put before the old run any more.
      this.show(counted);
      for (const agent of agents) {
        if (this.disposed) return;
        try {
          await this.options.failOver(session, agent, reason);
          log.info(`[orchestration] ${id} goes on with ${agent.name}: ${reason}`);
          return;
        } catch (error) {
          if (GasTownError.is(error, 'cancelled')) return;
          log.warn(`[orchestration] ${id} could not go on with ${agent.name}: ${messageOf(error)}`);
        }
      }
      // The session has failed, and keeps its work: what follows is for whoever restarts dead sessions.
    } finally {
      this.moving.delete(id);
      // Looks at what is recorded of the move by then.
      store.backlog.keep(() => {
        if (!this.disposed) this.onTimer();
      });
    }
  }

  /** Its pause is over. */
  private goOn(trouble: StoredTrouble): void {
    const { store, manager, registry, outbox, breakers } = this.options.town;
    const { sessionId, runId, reason } = trouble;
    const session = registry.find(sessionId);
    const counted: StoredTrouble = { ...trouble, changedAt: manager.now() };
    delete counted.until;
    if (!session || session.runId !== runId || hasEnded(session)) return store.troubles.save(counted);
    const still = breakers.against(session);
    if (still?.limited && still.until !== undefined)
      return this.park({ ...trouble, until: still.until, reason: still.reason });
    const tellIt = trouble.goOn && this.owes(session, runId);
    store.transaction(() => {
      store.troubles.save({ ...counted, redeliveries: trouble.redeliveries + (tellIt ? 1 : 0) });
      this.record(sessionId, runId, 'session.resumed', { reason, told: tellIt });
      if (tellIt) outbox.accept({ from: 'host', to: sessionId, kind: 'nudge', body: goOnText(reason) });
    });
    store.afterCommit(() => manager.report(runId, 'host', { kind: 'resumed' }, 'the pause is over'));
  }

  /** Another agent may have become free, or one that a session waits for. */
  private reconsider(): void {
    if (this.disposed) return;
    const { store, registry, manager } = this.options.town;
    for (const trouble of store.troubles.parked()) {
      const session = registry.find(trouble.sessionId);
      if (!session || session.runId !== trouble.runId || !trouble.goOn || this.moving.has(session.id)) continue;
      const alternatives = this.options.alternatives(session);
      const remaining = (trouble.until ?? 0) - manager.now();
      if (alternatives.length === 0 || remaining <= this.options.policy().graceMs) continue;
      this.startMove(session, trouble, alternatives, trouble.reason);
    }
    this.arm();
  }

  /** Whether somebody waits for it. */
  private owes(session: SessionInfo, runId: string): boolean {
    const { work, store } = this.options.town;
    return work.ownedBy(session.id).length > 0 || store.messages.isTurnOpen(runId);
  }

  private record(sessionId: SessionId, runId: string, type: string, detail: Record<string, unknown>): void {
    const { store, manager } = this.options.town;
    store.addEvent({ at: manager.now(), sessionId, runId, type, detail });
  }

  private forget(id: SessionId): void {
    const { store, manager, registry } = this.options.town;
    if (this.disposed) return;
    store.backlog.keep(() => {
      if (!store.troubles.remove(id)) return;
      const session = registry.find(id);
      if (session)
        store.afterCommit(() => manager.report(session.runId, 'host', { kind: 'resumed' }, 'a turn went well'));
    });
  }

  private arm(): void {
    const [next] = this.disposed
      ? []
      : this.options.town.store.troubles.parked().filter(({ sessionId }) => !this.moving.has(sessionId));
    this.timer.set(next?.until === undefined ? undefined : Math.max(0, next.until - this.options.town.manager.now()));
  }

  private onTimer(): void {
    const { store, manager } = this.options.town;
    const now = manager.now();
    // A limit ends when the provider says; a pause of ours would last for longer by as much as the clock was set back.
    const isLonger = ({ kind, until = now }: StoredTrouble): boolean =>
      this.wasSetBack && kind !== 'rate-limit' && until - now > this.options.policy().longestPauseMs;
    for (const trouble of store.troubles.parked()) {
      if ((isLonger(trouble) || (trouble.until ?? now) <= now) && !this.moving.has(trouble.sessionId))
        store.backlog.keep(() => this.goOn(trouble));
    }
    this.wasSetBack = false;
    store.backlog.keep(() => this.arm());
  }
}

/** What the failure says about the agent, for those who would start with it next. */
function breakerEvent({ kind, reason, until }: TurnFailure): BreakerEvent | undefined {
  switch (kind) {
    case 'rate-limit':
      return until === undefined ? { kind: 'failed', reason, final: true } : { kind: 'limited', until, reason };
    case 'account':
      return { kind: 'failed', reason, final: true };
    case 'provider':
      return { kind: 'failed', reason };
    case 'refused':
    case 'circles':
      return undefined;
  }
}

const goOnText = (reason: string): string =>
  `Your last turn failed because of the model's provider (${reason}). It may be asked again now: go on where you were.`;
