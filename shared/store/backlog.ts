import { DisposableStore } from '../platform/disposable-store.ts';
import { messageOf } from '../platform/errors.ts';
import type { Disposable } from '../platform/emitter.ts';
import { Emitter } from '../platform/emitter.ts';
import { Timer } from '../platform/timer.ts';
import type { Database } from './database.ts';
import { WriteFailure } from './write-failure.ts';

/** While the database cannot be written. */
export interface StoreTrouble {
  /** SQLite's word for the first failure, with what to do. */
  message: string;
  /** How much waits to be recorded. */
  waiting: number;
}

/** Pauses between two attempts while nothing else is written, in ms: the first, and the longest. */
const pauseMs = { first: 10, longest: 30_000 };

/**
 * What has happened, and has to be recorded. A request that cannot be stored is refused; a fact (a receipt, the end of a
 * turn or a run) cannot be: where the database cannot be written it waits here, in memory, and with it all that happens
 * after it, in order. It is recorded before anything else is written, and tried by itself in growing pauses.
 */
export class Backlog {
  private readonly db: Database;
  private readonly disposables = new DisposableStore();
  private readonly timer = this.disposables.add(new Timer(() => this.tryAgain()));
  private readonly waiting: (() => void)[] = [];
  private readonly emitter: Emitter<void>;
  private readonly report: (message: string) => void;
  private running = false;
  private first: WriteFailure | undefined;
  private found: WriteFailure | undefined;
  private pause = pauseMs.first;
  /** The trouble has begun or is over, or damage was found. */
  readonly onDidChange: (listener: () => void) => Disposable;

  constructor(db: Database, report: (message: string) => void) {
    this.db = db;
    this.report = report;
    this.emitter = new Emitter((error) => report(`a listener failed: ${messageOf(error)}`));
    this.onDidChange = this.emitter.event;
    this.disposables.add(
      db.watchWrites({
        beforeWrite: () => this.settle(),
        onWritten: () => this.written(),
        onWriteFailed: (failure) => this.failed(failure),
      }),
    );
  }

  /** What is wrong with the database; undefined where it can be written. */
  get trouble(): StoreTrouble | undefined {
    return this.first && { message: this.first.message, waiting: this.waiting.length };
  }

  /** That the file was found damaged, in reading or writing: it stays so, whatever can be written to it. */
  get damage(): string | undefined {
    return this.found?.message;
  }

  /** Whether everything that has happened is recorded. */
  get isEmpty(): boolean {
    return this.waiting.length === 0 && !this.running;
  }

  /**
   * Runs `work` as one transaction, now or as soon as that can be, after all that was kept before it; within another
   * transaction: after its end, if that succeeds. It is run again where it failed half-way, so it only writes: what is known
   * in memory changes at once, outside of it, and what follows once it is on disk belongs into `afterCommit`. What it throws
   * besides is reported.
   */
  keep(work: () => void): void {
    this.db.afterCommit(() => {
      this.waiting.push(work);
      if (!this.first) this.drain();
    });
  }

  /** One last attempt; what is left then is lost, and found by the next host as after a crash. */
  dispose(): void {
    if (this.waiting.length > 0) this.drain();
    if (this.waiting.length > 0)
      this.report(
        `${this.waiting.length} facts could not be recorded: ${this.first?.message ?? 'the store is closed'}`,
      );
    this.waiting.length = 0;
    void this.disposables.dispose();
  }

  /** What is written next is based on what has happened before. */
  private settle(): void {
    if (this.running || this.waiting.length === 0) return;
    this.drain();
    if (this.waiting.length > 0 && this.first) throw this.first;
  }

  private drain(): void {
    if (this.running) return;
    this.running = true;
    try {
      for (let next = this.waiting[0]; next; next = this.waiting[0]) {
        try {
          this.db.transaction(next);
        } catch (error) {
          if (error instanceof WriteFailure) return;
          this.report(
            `what has happened could not be recorded: ${error instanceof Error ? (error.stack ?? error.message) : messageOf(error)}`,
          );
        }
        this.waiting.shift();
      }
    } finally {
      this.running = false;
    }
  }

  private failed(failure: WriteFailure): void {
    if (failure.damaged && !this.found) {
      this.found = failure;
      this.report(failure.message);
      this.emitter.fire();
    }
    if (this.first) return;
    this.first = failure;
    this.db.setPatience(false);
    if (failure !== this.found) this.report(failure.message);
    this.pause = pauseMs.first;
    this.timer.set(this.pause);
    this.emitter.fire();
  }

  private written(): void {
    if (!this.first || this.running) return;
    this.drain();
    if (this.waiting.length > 0) return;
    this.first = undefined;
    this.db.setPatience(true);
    this.timer.set(undefined);
    this.report('the database can be written again');
    this.emitter.fire();
  }

  private tryAgain(): void {
    this.pause = Math.min(this.pause * 2, pauseMs.longest);
    // Its success calls `written`.
    this.db.probe();
    if (this.first) this.timer.set(this.pause);
  }
}
