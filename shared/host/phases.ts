import type { Disposable } from '../platform/emitter.ts';
import { GasTownError, messageOf } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';

/** What a phase may return: what is to be disposed when it is taken back, where there is anything. */
export type PhaseResult = Disposable | void;

/**
 * The phases of a start, in order. Each is begun when the one before it is over, and returns what it has to dispose; the end is
 * the same list backwards, one after the other, whether it comes because a phase failed or because all is over.
 */
export class Phases {
  private readonly log: Logger;
  private begun: { name: string; result: Disposable }[] = [];
  private disposing: Promise<void> = Promise.resolve();
  private ending = false;

  constructor(log: Logger) {
    this.log = log;
  }

  /** The end has begun: nothing is done by itself any more, and no call is answered. */
  get isEnding(): boolean {
    return this.ending;
  }

  /**
   * Runs the phase, and returns what it returns. What a phase makes after the end has begun is disposed at once; none is
   * begun any more then: rejects with `no-host`.
   */
  async begin<T extends PhaseResult>(name: string, start: () => T | Promise<T>): Promise<T> {
    if (this.ending) throw new GasTownError('no-host', `This host has ended, so "${name}" is not begun any more.`);
    const result = await start();
    if (result) this.begun.push({ name, result });
    if (this.ending) await this.dispose();
    return result;
  }

  /** Takes back all phases but `kept`, the newest first. What goes wrong is logged, and the rest is taken back all the same. */
  dispose(kept?: string): Promise<void> {
    this.ending = true;
    return (this.disposing = this.disposing.then(() => this.takeBack(kept)));
  }

  private async takeBack(kept: string | undefined): Promise<void> {
    const stays = this.begun.filter(({ name }) => name === kept);
    const goes = this.begun.filter(({ name }) => name !== kept).reverse();
    this.begun = stays;
    for (const { name, result } of goes) {
      try {
        await result.dispose();
      } catch (error) {
        this.log.error(`ending the phase "${name}": ${messageOf(error)}`);
      }
    }
  }
}
