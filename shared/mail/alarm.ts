/** The longest time that a timer of Node's can take, in milliseconds. */
const longest = 2 ** 31 - 1;

/** One timer to the next thing that is due; it does not keep the process alive. */
export class Alarm {
  private readonly ring: () => void;
  private timer: NodeJS.Timeout | undefined;

  constructor(ring: () => void) {
    this.ring = ring;
  }

  /** Rings after so many milliseconds, once, instead of whenever it was set to before; undefined: never. */
  set(ms: number | undefined): void {
    clearTimeout(this.timer);
    this.timer = ms === undefined ? undefined : setTimeout(this.ring, Math.min(ms, longest)).unref();
  }

  dispose(): void {
    clearTimeout(this.timer);
  }
}
