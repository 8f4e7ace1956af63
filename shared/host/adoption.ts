import type { TurnFailureHandler } from '../reconcile/turn-failures.ts';
import type { SessionManager } from '../sessions/manager.ts';
import type { Spool } from './spool.ts';

/** The adoption of what an earlier host left running: with what its sessions have reported since, and what was to follow from failed turns. */
export class Adoption {
  /** Resolves when it is known of every session of an earlier host whether it still runs. */
  readonly done: Promise<void>;
  private readonly parts: { manager: SessionManager; spool: Spool; troubles: TurnFailureHandler };
  private finish: (adopted: Promise<void>) => void = () => undefined;

  constructor(parts: Adoption['parts']) {
    this.parts = parts;
    this.done = new Promise((resolve) => {
      this.finish = resolve;
    });
  }

  /** Resolves when all of them are registered, and what they have reported is taken. */
  async begin(): Promise<void> {
    const { manager, spool, troubles } = this.parts;
    // A unit that was reported is done, whatever is found to have become of its session since.
    let taken = (): void => undefined;
    const adopting = manager.adoptAll(new Promise((resolve) => (taken = resolve)));
    troubles.showResting();
    await spool.take();
    taken();
    this.finish(adopting.then(() => troubles.takeUp()));
  }
}
