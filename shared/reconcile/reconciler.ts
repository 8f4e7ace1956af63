import { DisposableStore } from '../platform/disposable-store.ts';
import { Emitter } from '../platform/emitter.ts';
import type { Disposable, Event } from '../platform/emitter.ts';
import { messageOf } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';
import { Timer } from '../platform/timer.ts';
import type { Facts } from './facts.ts';
import type { Subjects } from './gather.ts';
import { reconcile } from './rules.ts';
import type { Action, Later } from './rules.ts';

export interface ReconcilerOptions {
  /** `inHand`: sessions and units about which something is being done; `about`: those to judge, or all. */
  gather: (inHand: ReadonlySet<string>, about?: Subjects) => Facts;
  /** What has changed since the last call. */
  takeChanged: () => { sessions: Set<string>; units: Set<string> };
  /** Resolves when it is done. What rejects is tried again later. */
  carryOut: (action: Action) => Promise<void>;
  now: () => number;
  log: Logger;
}

/** An action that could not be carried out is not repeated before this, in milliseconds. */
const pauseMs = 30_000;

/**
 * Asks the rules after every change about what has changed, and at the next time that means something by itself. One timer;
 * no polling, and no look at what nobody has touched.
 */
export class Reconciler implements Disposable {
  /** Also whatever tells it of changes is disposed with it. */
  readonly disposables = new DisposableStore();
  private readonly looked: Emitter<ReadonlySet<string>>;
  /** What could be done at once is done; with the sessions and units about which something is still being done, or will be. */
  readonly onDidLook: Event<ReadonlySet<string>>;
  private readonly options: ReconcilerOptions;
  private readonly inHand = new Set<string>();
  /** Sessions and units whose action failed, until when nothing is done about them. */
  private readonly paused = new Map<string, number>();
  /** Sessions and units that the next look is about, whatever else has changed. */
  private readonly again = new Set<string>();
  /** When the rules say something else of these, by kind and id. */
  private readonly later = new Map<string, Later>();
  private isWhole = true;
  private scheduled: NodeJS.Immediate | undefined;
  private readonly timer = this.disposables.add(new Timer(() => this.schedule()));
  private running = false;

  constructor(options: ReconcilerOptions) {
    this.options = options;
    this.looked = new Emitter((error) => options.log.error(`a listener failed: ${messageOf(error)}`));
    this.onDidLook = this.looked.event;
  }

  start(): void {
    this.running = true;
    this.scheduleAll();
  }

  /** Something has changed. */
  schedule(): void {
    if (!this.running) return;
    this.scheduled ??= setImmediate(() => {
      this.scheduled = undefined;
      this.look();
    });
  }

  /** What all of them are judged by has changed. */
  scheduleAll(): void {
    this.isWhole = true;
    this.schedule();
  }

  /** What could not be done before may be possible now. */
  resume(): void {
    this.paused.clear();
    this.scheduleAll();
  }

  dispose(): void {
    this.running = false;
    if (this.scheduled) clearImmediate(this.scheduled);
    void this.disposables.dispose();
  }

  private look(): void {
    const { gather, now } = this.options;
    const at = now();
    for (const [subject, until] of this.paused) {
      if (until > at) continue;
      this.paused.delete(subject);
      this.again.add(subject);
    }
    const inHand = new Set([...this.inHand, ...this.paused.keys()]);
    const about = this.subjects(at);
    const facts = gather(inHand, this.isWhole ? undefined : about);
    this.isWhole = false;
    // Others are at them: whatever is looked at next, they are, too.
    for (const { id, inHand: isInHand } of facts.sessions) if (isInHand && !inHand.has(id)) this.again.add(id);
    const { actions, later } = reconcile(facts);
    this.note(facts, later);
    for (const action of actions) void this.act(action);
    this.wake(at);
    this.looked.fire(new Set([...this.inHand, ...this.paused.keys()]));
  }

  /** What has changed, what was put off, and what means something else by now. */
  private subjects(at: number): { sessions: Set<string>; units: Set<string> } {
    const about = this.options.takeChanged();
    for (const subject of this.again) {
      about.sessions.add(subject);
      about.units.add(subject);
    }
    this.again.clear();
    for (const [key, due] of this.later) {
      if (due.at > at) continue;
      this.later.delete(key);
      if ('session' in due) about.sessions.add(due.session);
      else about.units.add(due.work);
    }
    return about;
  }

  /** What was said earlier about those that were judged now is void. */
  private note(facts: Facts, later: readonly Later[]): void {
    for (const { id } of facts.sessions) this.later.delete(keyOf({ at: 0, session: id }));
    for (const { id } of facts.units) this.later.delete(keyOf({ at: 0, work: id }));
    for (const each of later) this.later.set(keyOf(each), each);
  }

  private async act(action: Action): Promise<void> {
    const { carryOut, log, now } = this.options;
    const subject = 'session' in action ? action.session : action.work;
    this.inHand.add(subject);
    try {
      await carryOut(action);
    } catch (error) {
      if (!this.running) return;
      this.paused.set(subject, now() + pauseMs);
      log.warn(`[orchestration] ${action.rule}: ${action.act.kind} of ${subject} did not work: ${messageOf(error)}`);
    } finally {
      this.inHand.delete(subject);
      this.again.add(subject);
      this.schedule();
    }
  }

  private wake(at: number): void {
    let due = Infinity;
    for (const each of this.later.values()) due = Math.min(due, each.at);
    for (const until of this.paused.values()) due = Math.min(due, until);
    this.timer.set(due === Infinity ? undefined : Math.max(due - at, 0));
  }
}

const keyOf = (later: Later): string => ('session' in later ? `session ${later.session}` : `unit ${later.work}`);
