import type { Breakers } from '../backends/breakers.ts';
import { rolePolicy } from '../config/role-settings.ts';
import { host } from '../domain/message.ts';
import type { MessageKind } from '../domain/message.ts';
import { sessionIdOf } from '../domain/names.ts';
import type { SessionId } from '../domain/orchestrator.ts';
import { hasEnded } from '../domain/session-state.ts';
import { spawnSession } from '../orchestration/spawn-session.ts';
import type { Town } from '../orchestration/town.ts';
import { DisposableStore } from '../platform/disposable-store.ts';
import type { Disposable } from '../platform/emitter.ts';
import { GasTownError, messageOf } from '../platform/errors.ts';
import type { StoredEscalation } from '../store/escalations.ts';
import type { StoredMessage } from '../store/messages.ts';
import { asleep } from './asleep.ts';
import { mayCall } from './call-guard.ts';
import { whomToCall } from './whom-to-call.ts';
import type { Cause } from './whom-to-call.ts';

/** What is put before somebody who works already (work, reminders) starts nobody. */
const wakes: readonly MessageKind[] = ['nudge', 'mail', 'broadcast'];

/**
 * Calls witness, refinery and deacon when something needs their judgement: by one message with the facts for each cause, where
 * that session runs, or by `roles.on_demand` is started for it. For a message of somebody else it is started, too. Nobody is
 * called oftener than `roles.calls_per_hour`.
 */
export class Callings implements Disposable {
  private readonly town: Town;
  private readonly breakers: Breakers;
  private readonly disposables = new DisposableStore();
  /** Sessions that are being started because they were called. */
  private readonly waking = new Set<string>();
  /** What nothing is started with, by the text of its key. */
  private readonly down: Set<string>;
  private readonly stopping = new AbortController();

  constructor(town: Town, breakers: Breakers) {
    this.town = town;
    this.breakers = breakers;
    this.down = new Set(this.open().map(([key]) => key));
    const { escalations, merges, outbox, work } = town;
    this.disposables.add(outbox.onDidAccept((message) => this.written(message)));
    this.disposables.add(escalations.onDidChange((escalation) => this.escalated(escalation)));
    this.disposables.add(
      merges.onDidChange(({ workId }) => {
        // As it is by now: what the queue itself sends back needs no judgement.
        const merge = merges.find(workId);
        const unit = work.find(workId);
        if (merge && unit) this.call({ kind: 'merge', merge, work: unit });
      }),
    );
    this.disposables.add(breakers.onDidChange(() => this.lookAtBreakers()));
  }

  /** Calls for what an earlier host did not come to call for, and starts whom it had called and not started. */
  catchUp(): void {
    const { escalations, merges, work, rigs, store } = this.town;
    for (const escalation of escalations.list()) this.escalated(escalation);
    for (const merge of merges.open()) {
      const unit = work.find(merge.workId);
      if (unit) this.call({ kind: 'merge', merge, work: unit });
    }
    for (const role of rolePolicy(this.town.settings.value.roles).onDemand) {
      for (const rig of role === 'deacon' ? [''] : rigs.names()) {
        const to = sessionIdOf(role, rig, '');
        // Mail that it has been told of waits until somebody else wakes it.
        const isNew = ({ kind, runId }: StoredMessage): boolean =>
          wakes.includes(kind) && (kind !== 'mail' || runId === undefined);
        if (store.messages.pending(to).some(isNew)) this.wake(to);
      }
    }
  }

  dispose(): void {
    this.stopping.abort();
    void this.disposables.dispose();
  }

  private escalated(escalation: StoredEscalation): void {
    if (escalation.closedAt !== undefined) return;
    const { workId } = escalation;
    this.call({ kind: 'escalation', escalation, work: workId === undefined ? undefined : this.town.work.find(workId) });
  }

  private open(): [string, Cause][] {
    const at = this.town.manager.now();
    // The provider's limit has an end, and there is nothing to put right.
    const open = this.breakers.open().filter(({ breaker }) => !breaker.limited);
    return open.map(({ of, breaker: { reason } }) => [JSON.stringify(of), { kind: 'breaker', of, reason, at }]);
  }

  /** Half-open, and open again after a trial, is the same occurrence. */
  private lookAtBreakers(): void {
    const open = new Map(this.open());
    for (const key of [...this.down]) if (!open.has(key)) this.down.delete(key);
    for (const [key, cause] of open) {
      if (this.down.has(key)) continue;
      this.down.add(key);
      this.call(cause);
    }
  }

  private call(cause: Cause): void {
    const call = whomToCall(cause);
    if (call === undefined) return;
    const { store, registry, settings, outbox } = this.town;
    const session = registry.find(call.to);
    const lives = session !== undefined && !hasEnded(session);
    if (!lives && !rolePolicy(settings.value.roles).onDemand.includes(call.role)) return;
    store.backlog.keep(() => {
      if (store.messages.get(call.id) || !mayCall(this.town, call.to, call.id)) return;
      outbox.accept({ id: call.id, from: host, to: call.to, kind: 'nudge', body: call.body, lasts: true });
    });
  }

  /** Somebody has written to a role that is started when it is called. */
  private written({ id, kind, from, to }: StoredMessage): void {
    if (!wakes.includes(kind) || this.waking.has(to) || !asleep(this.town, to)) return;
    // What it is called by is counted already.
    const isCall = from === host && id.startsWith('call_');
    this.town.store.backlog.keep(() => {
      if (isCall || mayCall(this.town, to, `${id}, of ${from}`)) this.town.store.afterCommit(() => this.wake(to));
    });
  }

  private wake(to: SessionId): void {
    const { log } = this.town;
    const order = asleep(this.town, to);
    if (order === undefined || this.waking.has(to)) return;
    this.waking.add(to);
    spawnSession(this.town, order, host, this.stopping.signal)
      .catch((error: unknown) => {
        // Somebody else has just started it.
        if (GasTownError.is(error, 'name-taken') || GasTownError.is(error, 'cancelled')) return;
        log.warn(`[orchestration] ${to} was called and could not be started: ${messageOf(error)}`);
      })
      .finally(() => this.waking.delete(to));
  }
}
