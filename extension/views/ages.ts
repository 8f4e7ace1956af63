/** Ages are written in whole minutes. */
const ageInterval = 30_000;

/** Lets the ages on the rows grow while somebody can see them. */
export class Ages {
  private timer: NodeJS.Timeout | undefined;
  private readonly tick: () => void;

  constructor(tick: () => void) {
    this.tick = tick;
  }

  run(visible: boolean): void {
    if (visible === (this.timer !== undefined)) return;
    clearInterval(this.timer);
    this.timer = visible ? setInterval(this.tick, ageInterval) : undefined;
    if (visible) this.tick();
  }

  dispose(): void {
    clearInterval(this.timer);
  }
}
