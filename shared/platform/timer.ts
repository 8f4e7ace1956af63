import type { Disposable } from './emitter.ts';

/** The longest time that a timer of Node's can take, in milliseconds. */
const longest = 2 ** 31 - 1;

/** One timer to the next thing that is due; it does not keep the process alive. */
export class Timer implements Disposable {
  private readonly ring: () => void;
  private timer: NodeJS.Timeout | undefined;
  private disposed = false;

  constructor(ring: () => void) {
    this.ring = ring;
  }

  /** It is going to ring. */
  get isSet(): boolean {
    return this.timer !== undefined;
  }

  /** Rings after so many milliseconds, once, instead of whenever it was set to before; undefined: never. So after its disposal. */
  set(ms: number | undefined): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (ms === undefined || this.disposed) return;
    this.timer = setTimeout(
      () => {
        this.timer = undefined;
        this.ring();
      },
      Math.min(ms, longest),
    ).unref();
  }

  dispose(): void {
    this.disposed = true;
    this.set(undefined);
  }
}

/** A timer for each key, all of one owner. */
export class Timers implements Disposable {
  private readonly timers = new Map<string, Timer>();
  private disposed = false;

  isSet(key: string): boolean {
    return this.timers.has(key);
  }

  /** Rings after so many milliseconds, once, instead of what the key had before. Never after its disposal. */
  set(key: string, ms: number, ring: () => void): void {
    this.clear(key);
    if (this.disposed) return;
    const timer = new Timer(() => {
      this.timers.delete(key);
      ring();
    });
    this.timers.set(key, timer);
    timer.set(ms);
  }

  clear(key: string): void {
    this.timers.get(key)?.dispose();
    this.timers.delete(key);
  }

  dispose(): void {
    this.disposed = true;
    for (const key of [...this.timers.keys()]) this.clear(key);
  }
}
