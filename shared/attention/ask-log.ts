import type { AskAnswer } from '../domain/run.ts';
import { GasTownError } from '../platform/errors.ts';
import type { SessionInfo } from '../domain/orchestrator.ts';
import { DisposableStore } from '../platform/disposable-store.ts';
import { Emitter } from '../platform/emitter.ts';
import type { Event } from '../platform/emitter.ts';
import type { Logger } from '../platform/logger.ts';
import { Timers } from '../platform/timer.ts';
import type { Ask } from '../domain/activity.ts';
import type { AskReply } from '../domain/status-report.ts';
import type { SessionManager } from '../sessions/manager.ts';
import type { AskEnd } from '../sessions/run-events.ts';
import type { Registry } from '../sessions/registry.ts';
import { hasEnded } from '../domain/session-state.ts';
import type { Store, StoredEvent } from '../store/store.ts';
import type { AttentionView } from '../channel/views.ts';
import { waitsOf } from './waits.ts';
import { dialogId, waitChanges } from './wait-changes.ts';
import type { OpenWait } from './wait-changes.ts';
import { cutText } from '../platform/cut-text.ts';

/** Who answers, and by which rule, where it is one. */
export type Answerer = { by: 'person' } | { by: 'policy'; rule: string };

/** A session may say that it waits a moment before it says for what; so long the reason is waited for (ms). */
const reasonBound = 2_000;

/** More of a plan or a file is kept in no event; the ask itself has it all. */
const longestDetail = 4_000;

interface Watched {
  runId: string;
  open: OpenWait[];
  /** Titles of those that were open when the run ended. */
  lost: string[];
  /** Asks that this host has announced. */
  announced: Set<string>;
  /** What was reported of an end, by ask. */
  ends: Map<string, Pick<AskEnd, 'by' | 'reply' | 'cause'>>;
  answers: Map<string, { answer: AskAnswer } & Answerer>;
}

export interface WaitEnded {
  runId: string;
  wait: OpenWait;
  by: string;
}

/**
 * Every wait for the user as events of its session, `ask.asked` and `ask.answered` with who answered, and the one path by
 * which asks are answered. What was open when a host went is the same wait for the next one.
 */
export class AskLog {
  private readonly store: Store;
  private readonly registry: Registry;
  private readonly manager: SessionManager;
  private readonly sessions = new Map<string, Watched>();
  private readonly disposables = new DisposableStore();
  /** Of sessions that wait, and whose reason is waited for. */
  private readonly reasons = this.disposables.add(new Timers());
  private readonly askedEmitter: Emitter<{ session: SessionInfo; ask: Ask }>;
  private readonly endedEmitter: Emitter<WaitEnded>;
  private readonly changedEmitter: Emitter<void>;
  /** Once for each ask that this host sees. */
  readonly onDidAsk: Event<{ session: SessionInfo; ask: Ask }>;
  readonly onDidEnd: Event<WaitEnded>;
  /** The waits may have changed. */
  readonly onDidChange: Event<void>;

  constructor(options: { store: Store; registry: Registry; manager: SessionManager; log: Logger }) {
    this.store = options.store;
    this.registry = options.registry;
    this.manager = options.manager;
    const failed = (error: unknown): void => options.log.error(`a listener failed: ${String(error)}`);
    this.askedEmitter = new Emitter(failed);
    this.endedEmitter = new Emitter(failed);
    this.changedEmitter = new Emitter(failed);
    this.onDidAsk = this.askedEmitter.event;
    this.onDidEnd = this.endedEmitter.event;
    this.onDidChange = this.changedEmitter.event;
    this.disposables.add(
      this.manager.events.onDidAnswer(({ session, runId, askId, ...end }) =>
        this.watched(session, runId).ends.set(askId, end),
      ),
    );
    this.disposables.add(
      this.registry.onDidChange(({ kind, session }) => {
        if (kind === 'unregistered') this.forget(session);
        else this.look(session);
      }),
    );
  }

  /** The recorded waits of sessions that wait now, with when they were first seen. */
  open(): { session: SessionInfo; wait: OpenWait }[] {
    return this.registry.list().flatMap((session) => {
      if (waitsOf(session).length === 0) return [];
      const watched = this.sessions.get(session.id);
      return watched?.runId === session.runId ? watched.open.map((wait) => ({ session, wait })) : [];
    });
  }

  /** What the session's run asked when it ended, oldest first. */
  lost({ id, runId }: SessionInfo): string[] {
    const watched = this.sessions.get(id);
    return watched?.runId === runId ? [...watched.lost] : [];
  }

  /** Rejects with `refused` when it has been answered, or is just being answered. */
  async answer(id: string, askId: string, answer: AskAnswer, answerer: Answerer): Promise<void> {
    const session = this.registry.get(id);
    const { answers } = this.watched(session, session.runId);
    if (answers.has(askId)) throw new GasTownError('refused', `${id} has just been given an answer to this.`);
    answers.set(askId, { answer, ...answerer });
    try {
      await this.manager.drivers.answer(id, askId, answer);
    } catch (error) {
      answers.delete(askId);
      throw error;
    }
  }

  dispose(): void {
    void this.disposables.dispose();
  }

  private look(session: SessionInfo): void {
    const watched = this.watched(session, session.runId);
    const { opened, closed } = waitChanges(watched.open, session, new Set(watched.ends.keys()));
    for (const wait of closed) this.close(session.id, watched, wait, hasEnded(session) ? session.cause : undefined);
    for (const wait of opened) {
      if (wait.ask === undefined) this.waitForReason(session.id, watched);
      else this.record(session, watched, wait, wait.ask);
    }
    if (waitsOf(session).every(({ ask }) => ask !== undefined)) this.reasons.clear(session.id);
    for (const ask of session.asks) {
      if (watched.announced.has(ask.id)) continue;
      watched.announced.add(ask.id);
      this.askedEmitter.fire({ session, ask });
    }
    if (watched.open.length > 0 || closed.length > 0) this.changedEmitter.fire();
  }

  /** Records a wait without an ask when it has lasted. */
  private waitForReason(id: string, watched: Watched): void {
    if (this.reasons.isSet(id)) return;
    this.reasons.set(id, reasonBound, () => {
      const session = this.registry.find(id);
      if (session?.runId !== watched.runId) return;
      const [wait] = waitChanges(watched.open, session, new Set(watched.ends.keys())).opened;
      if (wait === undefined || wait.ask !== undefined) return;
      this.record(session, watched, wait, dialogId);
      this.changedEmitter.fire();
    });
  }

  private record(
    session: SessionInfo,
    watched: Watched,
    { kind, title, detail, since }: AttentionView,
    id: string,
  ): void {
    watched.open.push({ id, title, since });
    this.keep({
      at: since,
      sessionId: session.id,
      runId: session.runId,
      type: 'ask.asked',
      detail: { ask: id, kind, title, detail: cutText(detail, longestDetail + 1) },
    });
  }

  /** `end`: why the run is over, where that is why. */
  private close(sessionId: string, watched: Watched, wait: OpenWait, end: string | undefined): void {
    const { id, title } = wait;
    const answered = watched.answers.get(id);
    const reported = watched.ends.get(id);
    const by =
      answered?.by ??
      (end === undefined && (reported === undefined || reported.by === 'terminal') ? 'terminal' : 'nobody');
    watched.open = watched.open.filter((each) => each !== wait);
    watched.answers.delete(id);
    watched.ends.delete(id);
    const lost = end !== undefined && by === 'nobody';
    if (lost && title !== '') watched.lost.push(title);
    this.keep({
      at: this.manager.now(),
      sessionId,
      runId: watched.runId,
      type: 'ask.answered',
      detail: {
        ask: id,
        title,
        by,
        answer: answered
          ? inWords(answered.answer)
          : by === 'terminal'
            ? repliedInWords(reported?.reply)
            : (reported?.cause ?? end ?? ''),
        ...(answered?.by === 'policy' ? { rule: answered.rule } : {}),
        ...(lost ? { lost } : {}),
      },
    });
    this.endedEmitter.fire({ runId: watched.runId, wait, by });
  }

  private keep(event: StoredEvent): void {
    this.store.backlog.keep(() => this.store.addEvent(event));
  }

  private watched(session: SessionInfo, runId: string): Watched {
    const known = this.sessions.get(session.id);
    if (known?.runId === runId) return known;
    this.reasons.clear(session.id);
    for (const wait of known?.open ?? []) this.close(session.id, known!, wait, 'its run was replaced');
    const events = this.store.asksOf(runId);
    const fresh: Watched = {
      runId,
      open: openIn(events),
      lost: lostIn(events),
      announced: new Set(),
      ends: new Map(),
      answers: new Map(),
    };
    this.sessions.set(session.id, fresh);
    return fresh;
  }

  private forget(session: SessionInfo): void {
    this.reasons.clear(session.id);
    this.sessions.delete(session.id);
    this.changedEmitter.fire();
  }
}

/** Pure. The waits of a run that ended with it. */
function lostIn(events: readonly StoredEvent[]): string[] {
  return events.flatMap(({ type, detail: { lost, title } }) =>
    type === 'ask.answered' && lost === true && typeof title === 'string' && title !== '' ? [title] : [],
  );
}

/** Pure. The waits of a run that were recorded, and whose end was not. */
function openIn(events: readonly StoredEvent[]): OpenWait[] {
  const open = new Map<string, OpenWait>();
  for (const { type, at, detail } of events) {
    const { ask, title } = detail;
    if (typeof ask !== 'string') continue;
    if (type === 'ask.asked') open.set(ask, { id: ask, title: typeof title === 'string' ? title : '', since: at });
    if (type === 'ask.answered') open.delete(ask);
  }
  return [...open.values()];
}

/** Some programs tell what was replied, others only that they go on. */
function repliedInWords(reply: AskReply | undefined): string {
  if (reply === undefined) return 'answered';
  return reply === 'always' ? 'allowed, always' : reply;
}

function inWords(answer: AskAnswer): string {
  switch (answer.kind) {
    case 'allow':
      return answer.remember ? 'allowed, always' : 'allowed';
    case 'deny':
      return answer.message === undefined ? 'denied' : `denied: ${answer.message}`;
    case 'answers':
      return answer.answers.map((chosen) => chosen.join(', ')).join('; ');
  }
}
