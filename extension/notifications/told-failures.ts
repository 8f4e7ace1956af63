import type { WorkView } from '../../shared/channel/views.ts';

/** Slings that a command of this window runs: it says itself that one has failed, and why. */
export class ToldFailures {
  /** By unit. Epoch milliseconds. */
  private readonly slings = new Map<string, { from: number; until: number }>();

  begin(work: string, now: number): void {
    this.slings.set(work, { from: now, until: Infinity });
  }

  /** What becomes of the unit from now on is news. `failed`: what has become of it until now is told. */
  end(work: string, failed: boolean, now: number): void {
    const sling = this.slings.get(work);
    if (sling && failed) sling.until = now;
    else this.slings.delete(work);
  }

  /** Whether it came to its state in such a sling. */
  has({ id, changedAt }: Pick<WorkView, 'id' | 'changedAt'>): boolean {
    const sling = this.slings.get(id);
    return sling !== undefined && changedAt >= sling.from && changedAt <= sling.until;
  }
}
