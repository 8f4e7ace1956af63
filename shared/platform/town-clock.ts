import { Emitter } from './emitter.ts';
import type { Disposable, Event } from './emitter.ts';
import { Timer } from './timer.ts';

/** While nothing else asks, the clock is looked at so often, in ms: a longer sleep is noticed, whatever the system's clocks do. */
const beatMs = 60_000;
/** What the wall clock is set right by, or an event loop is held up for, without anybody's having slept. In ms. */
const slackMs = 10_000;

/** Where a town's clock takes the time from. */
export interface ClockSources {
  /** Epoch milliseconds: may go back, and forward by hours. */
  wall: () => number;
  /** Milliseconds that the machine has been awake; where absent, the wall clock never jumps. */
  awake?: () => number;
}

/**
 * The clock of a town. Times that are shown, stored, or compared with what programs say are the wall's; how long something
 * takes is measured in `awake`. Where the two part, the wall clock was set or the machine has slept: that is told, and what
 * counts from a stored time counts from there (`countedFrom`).
 */
export class TownClock implements Disposable {
  private readonly sources: ClockSources;
  private readonly jumped: Emitter<number>;
  /**
   * By how many ms the wall clock went on without us; negative where it was set back. Fired while somebody asks for the time,
   * in the middle of whatever that is: a listener notes it, and acts after it.
   */
  readonly onDidJump: Event<number>;
  /** A moment after it: whatever waits for a time by the wall clock looks at it again. */
  readonly onAfterJump: Event<void>;
  private readonly settled: Emitter<void>;
  private readonly after = new Timer(() => this.settled.fire());
  private readonly timer = new Timer(() => this.start());
  private last: { wall: number; awake: number } | undefined;
  /** Since when the wall clock goes on evenly, as far as this process has seen. */
  private evenSince: number | undefined;
  private hasJumped = false;

  constructor(sources: ClockSources, onListenerError: (error: unknown) => void) {
    this.sources = sources;
    this.jumped = new Emitter(onListenerError);
    this.onDidJump = this.jumped.event;
    this.settled = new Emitter(onListenerError);
    this.onAfterJump = this.settled.event;
  }

  /** From now on it is looked at also while nobody asks. */
  start(): void {
    this.now();
    this.timer.set(beatMs);
  }

  /** Epoch milliseconds. */
  now(): number {
    const wall = this.sources.wall();
    this.notice({ wall, awake: this.sources.awake?.() ?? wall });
    return wall;
  }

  /** Milliseconds that never go back, and stand still while the machine sleeps. Only differences mean something. */
  awake(): number {
    return this.sources.awake?.() ?? this.sources.wall();
  }

  /**
   * From when on to count what has been going on since `at` (epoch ms): not from before the last jump, as nobody could do
   * anything meanwhile, and not from a future that the wall clock was set back from.
   */
  countedFrom(at: number): number {
    const now = this.now();
    const even = this.evenSince ?? now;
    if (at > now) return even;
    return this.hasJumped ? Math.max(at, even) : at;
  }

  dispose(): void {
    this.timer.dispose();
    this.after.dispose();
  }

  private notice(is: { wall: number; awake: number }): void {
    const was = this.last ?? is;
    this.last = is;
    this.evenSince ??= is.wall;
    const by = is.wall - was.wall - (is.awake - was.awake);
    if (Math.abs(by) <= slackMs) return;
    this.hasJumped = true;
    this.evenSince = is.wall;
    this.after.set(0);
    this.jumped.fire(by);
  }
}

/**
 * How long this process has been awake, in ms. The system's own such clock stands still in sleep on some systems only; so
 * what is more than a beat of the town's clock since the last look has been slept.
 */
export function awakeTime(system: () => number = () => performance.now()): () => number {
  let last = system();
  let total = 0;
  return () => {
    const at = system();
    total += Math.min(at - last, beatMs + slackMs);
    last = at;
    return total;
  };
}
