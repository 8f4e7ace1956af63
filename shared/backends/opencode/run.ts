import { messageOf } from '../../platform/errors.ts';
import type { ChildSession } from '../../domain/orchestrator.ts';
import type { Ask } from '../../domain/activity.ts';
import { entriesOf } from '../../domain/delivery.ts';
import type { DriverHost, RunSpec } from '../driver.ts';
import type { PromptDefaults } from './arguments.ts';
import { answerOf } from './client.ts';
import type { Observation } from './facts.ts';
import { Receipts } from './receipts.ts';
import { RetryBudget } from './retry-budget.ts';
import { Repetition } from '../repetition.ts';
import type { Sign } from '../repetition.ts';
import type { OpencodeServer } from './server.ts';
import { Turn } from './turn.ts';
import type { Reporter } from './turn.ts';
import type { TurnFailure } from '../../domain/run.ts';
import type { StatusReport } from '../../domain/status-report.ts';
import type { Delivery } from '../../domain/delivery.ts';

const abortMs = 10_000;

interface Child {
  parent: string;
  title: string;
  activity: ChildSession['activity'];
}

export interface RunOptions {
  /** Opencode's session id. */
  session: string;
  /** The work dir with links resolved, as Opencode names it. */
  directory: string;
  defaults: PromptDefaults;
  /** How long Opencode may go on trying at a provider that fails, within one turn. */
  patienceMs: () => number;
  /** How often in a row one turn may do the same; 0: any number. */
  maxRepeats: () => number;
}

/** One run: an Opencode session of ours with its sub-agents. Turns observations into the facts that the core wants. */
export class Run {
  readonly spec: RunSpec;
  readonly server: OpencodeServer;
  /** Opencode's session id. */
  readonly session: string;
  /** The work dir with links resolved, as Opencode names it. */
  readonly directory: string;
  readonly defaults: PromptDefaults;
  readonly turn = new Turn();
  /** Counts what was heard of the session's activity, so that an older snapshot does not undo it. */
  heard = 0;
  /** When the last delivery was begun, by `DriverHost.awake`. */
  turnSince = Number.NEGATIVE_INFINITY;
  /** What the session is doing, as far as the server said. */
  activity: 'idle' | 'busy' | 'unknown' = 'unknown';
  /** The newest message of a conversation that this run goes on with; '' where it has begun one, or that is not known. */
  resumedAfter = '';
  private readonly receipts = new Receipts();
  private readonly host: DriverHost;
  private readonly children = new Map<string, Child>();
  private readonly asks = new Map<string, { kind: Ask['kind']; by: Set<Reporter> }>();
  private lastError: string | undefined;
  /** Why the turn that is going on will have failed when it ends. */
  private failure: TurnFailure | undefined;
  /** It ends because we broke it off. */
  private gaveUp = false;
  private readonly patience: RetryBudget;
  private readonly maxRepeats: () => number;
  /** What the session and its sub-agents do again and again in the turn that goes on. */
  private readonly repetitions = new Map<string, Repetition>();
  private waiting: (() => void)[] = [];

  constructor(host: DriverHost, server: OpencodeServer, spec: RunSpec, options: RunOptions) {
    this.host = host;
    this.server = server;
    this.spec = spec;
    this.session = options.session;
    this.directory = options.directory;
    this.defaults = options.defaults;
    this.maxRepeats = options.maxRepeats;
    this.patience = new RetryBudget({
      lasts: options.patienceMs,
      now: () => host.now(),
      awake: () => host.awake(),
      giveUp: (failure) => this.giveUp(failure),
    });
  }

  get id(): string {
    return this.spec.runId;
  }

  /** The session itself or one of its sub-agents. */
  owns(session: string): boolean {
    return session === this.session || this.children.has(session);
  }

  /** All that it owns, itself first. */
  get sessions(): string[] {
    return [this.session, ...this.children.keys()];
  }

  askKind(askId: string): Ask['kind'] | undefined {
    return this.asks.get(askId)?.kind;
  }

  get openAsks(): string[] {
    return [...this.asks.keys()];
  }

  /** Takes an observation of a session that this run owns, or that begins as a child of one. */
  take(seen: Observation, reporter: Reporter): void {
    if (seen.kind === 'created') return this.noteSession(seen.session, seen.parent, seen.title);
    if (seen.kind === 'deleted') return this.noteDeleted(seen.session);
    if (seen.kind === 'asked') return this.noteAsk(seen.session, seen.ask, seen.cause, reporter);
    if (seen.kind === 'answered')
      return this.close(
        { askId: seen.askId, by: 'terminal', ...(seen.reply === undefined ? {} : { reply: seen.reply }) },
        seen.cause,
        reporter,
      );
    // The stream tells all of it; the plugin says some of it again.
    if (reporter === 'program') this.watchRepetition(seen);
    if (seen.session !== this.session) {
      if (seen.kind === 'activity') this.noteChildActivity(seen.session, seen.fact.kind === 'idle' ? 'idle' : 'busy');
      return;
    }
    switch (seen.kind) {
      case 'activity':
        return this.noteActivity(seen, reporter);
      case 'error':
        return this.noteError(seen, reporter);
      case 'user-message':
        return this.stored(this.turn.userMessage(seen.messageId, reporter), seen.messageId);
      case 'announced':
        return this.stored(this.turn.announce(seen.messageId, seen.texts, reporter), seen.messageId);
      case 'text':
        return this.stored(this.turn.text(seen.messageId, seen.text, reporter), seen.messageId);
      case 'answer':
        this.receipts.prepared(seen.messageId, seen.parentId);
        return this.turn.answer(seen.parentId, seen.completed, reporter);
      case 'answering':
        return this.tell(this.receipts.begun(seen.messageId));
      case 'sign':
    }
  }

  /** An entry that an earlier host handed over is in the conversation as this message, and the turn goes on. */
  expectReceipt(entry: string, messageId: string): void {
    this.tell(this.receipts.stored([entry], messageId));
  }

  private stored(delivery: Delivery | undefined, messageId: string): void {
    if (delivery) this.tell(this.receipts.stored(entriesOf(delivery), messageId));
  }

  private tell(entries: readonly string[]): void {
    for (const entry of entries) this.host.delivered(this.id, entry);
  }

  tellProblem(problem: string): void {
    this.host.setProblem(this.id, problem);
  }

  progress(): void {
    this.host.progress(this.id);
  }

  /** Call before sending; `accepted` after. */
  begin(delivery: Delivery): number {
    this.turn.begin(delivery);
    this.repetitions.clear();
    this.forgetFailure();
    this.lastError = undefined;
    this.turnSince = this.host.awake();
    return this.heard;
  }

  /** The server took the prompt; it says so itself only after a moment. `heard` is what `begin` returned. */
  accepted(heard: number): void {
    if (this.heard !== heard) return;
    this.activity = 'busy';
    this.host.report(this.id, 'program', { kind: 'busy' }, 'prompt accepted');
  }

  /** Resolves at the session's next idle (at once if it is idle), or when the time is over. */
  async idle(timeoutMs: number): Promise<void> {
    if (this.activity === 'idle') return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.waiting.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** Watches over its turn no more; the session may go on. */
  letGo(): void {
    this.patience.dispose();
  }

  /** Closes what is open here but, by the server's list, no longer open there. */
  closeAsksExcept(open: ReadonlySet<string>): void {
    for (const askId of this.openAsks)
      if (!open.has(askId)) this.close({ askId, by: 'terminal' }, 'answered elsewhere', 'program');
  }

  private noteActivity({ fact, cause, retry }: Observation & { kind: 'activity' }, reporter: Reporter): void {
    this.heard += 1;
    if (reporter === 'program') this.activity = fact.kind === 'idle' ? 'idle' : 'busy';
    if (fact.kind !== 'idle') {
      this.turn.busy(reporter);
      this.lastError = undefined;
      // It goes on after an error, as after an overflow of its context.
      if (!this.gaveUp) this.failure = undefined;
      this.host.report(this.id, reporter, fact, cause);
      if (reporter === 'program' && retry) this.patience.retries(retry);
      else if (reporter === 'program') this.patience.tries();
      return;
    }
    this.patience.over();
    // The end of a turn leaves its asks in Opencode's list for ever; nobody waits for them any more. Only those that the same
    // reporter brought: another's idle may be older than the ask.
    for (const [askId, ask] of this.asks)
      if (ask.by.has(reporter)) this.close({ askId, by: 'nobody' }, 'the turn ended', reporter);
    const { failure } = this;
    const ended = this.turn.idle(reporter);
    // The program's idle is the end of a turn, too, that was begun under an earlier host.
    if (ended || (reporter === 'program' && !this.turn.open)) this.tell(this.receipts.turnOver());
    if (failure && (ended || reporter === 'program')) this.host.turnEnded(this.id, failure);
    this.host.report(
      this.id,
      reporter,
      fact,
      this.lastError === undefined ? cause : `${cause} after error: ${this.lastError}`,
    );
    if (failure) this.forgetFailure();
    else if (ended) this.host.turnEnded(this.id);
    if (reporter === 'program') for (const wake of this.waiting.splice(0)) wake();
  }

  /** A turn that goes in circles is broken off, as nobody else would notice: it is busy, and says a lot. */
  private watchRepetition(seen: Observation): void {
    if (seen.kind === 'activity' && seen.fact.kind === 'idle') this.repetitions.delete(seen.session);
    const sign = signOf(seen);
    if (!sign) return;
    const known = this.repetitions.get(seen.session) ?? new Repetition();
    this.repetitions.set(seen.session, known);
    const circle = known.take(sign, this.maxRepeats());
    if (circle !== undefined) this.giveUp({ kind: 'circles', reason: circle });
  }

  private noteError({ message, failure }: Observation & { kind: 'error' }, reporter: Reporter): void {
    this.turn.error(reporter);
    // After we gave up, the error is only our own abort.
    if (!this.gaveUp) this.lastError = message;
    if (reporter === 'program' && this.activity === 'busy') this.failure ??= failure;
    this.host.log.warn(`opencode: ${this.spec.sessionId}: ${message}`);
    // Some errors come after the last idle: the row shows them all the same.
    if (this.activity === 'idle') this.host.report(this.id, reporter, { kind: 'idle' }, `session.error: ${message}`);
  }

  /** The provider has not answered for as long as we wait, or the turn goes in circles: it is broken off, and what follows is for the core. */
  private giveUp(failure: TurnFailure): void {
    if (this.gaveUp) return;
    this.gaveUp = true;
    this.failure = failure;
    this.lastError = failure.reason;
    this.host.log.warn(`opencode: ${this.spec.sessionId}: the turn is broken off: ${failure.reason}`);
    const abort = this.server.client.session.abort(
      { sessionID: this.session },
      { signal: AbortSignal.timeout(abortMs) },
    );
    answerOf('break off the turn', abort).catch((error: unknown) => {
      this.forgetFailure();
      this.host.log.error(`opencode: ${this.spec.sessionId}: ${messageOf(error)}`);
    });
  }

  private forgetFailure(): void {
    this.failure = undefined;
    this.gaveUp = false;
  }

  private noteSession(session: string, parent: string | undefined, title: string): void {
    if (parent === undefined) return;
    const before = this.children.get(session);
    if (before?.title === title) return;
    this.children.set(session, { parent, title, activity: before?.activity ?? 'unknown' });
    this.publishChildren();
  }

  private noteDeleted(session: string): void {
    if (this.children.delete(session)) this.publishChildren();
    if (session !== this.session) return;
    this.host.report(
      this.id,
      'program',
      { kind: 'ended', error: 'its Opencode session was deleted' },
      'session.deleted',
    );
  }

  private noteChildActivity(session: string, activity: ChildSession['activity']): void {
    const child = this.children.get(session);
    if (!child || child.activity === activity) return;
    child.activity = activity;
    this.publishChildren();
  }

  private publishChildren(): void {
    this.host.setChildren(
      this.id,
      [...this.children].map(([id, { title, activity }]) => ({ id, title, activity })),
    );
  }

  private noteAsk(session: string, ask: Ask, cause: string, reporter: Reporter): void {
    const known = this.asks.get(ask.id) ?? { kind: ask.kind, by: new Set() };
    this.asks.set(ask.id, known);
    known.by.add(reporter);
    const child = this.children.get(session);
    const shown = child ? { ...ask, title: `${child.title} › ${ask.title}` } : ask;
    this.host.report(this.id, reporter, { kind: 'asked', ask: shown }, cause);
  }

  private close(
    end: Omit<Extract<StatusReport, { kind: 'answered' }>, 'kind'>,
    cause: string,
    reporter: Reporter,
  ): void {
    this.asks.delete(end.askId);
    this.host.report(this.id, reporter, { kind: 'answered', ...end }, cause);
  }
}

/** Pure. What it says of whether the turn gets on. */
function signOf(seen: Observation): Sign | undefined {
  if (seen.kind === 'error') return { kind: 'error', message: seen.message };
  return seen.kind === 'sign' ? seen.sign : undefined;
}
