import type { Disposable } from './emitter.ts';

/** What has one owner: added on the line that makes it, and disposed together, the newest first. */
export class DisposableStore implements Disposable {
  private items: Disposable[] = [];
  private ended = false;

  /** Returns the item, so that it can be added where it is made. After the end, it is disposed at once. */
  add<T extends Disposable>(item: T): T {
    if (this.ended) item.dispose();
    else this.items.push(item);
    return item;
  }

  /** Resolves when everything that is disposed asynchronously has been. One failure does not keep the others. */
  async dispose(): Promise<void> {
    this.ended = true;
    const items = this.items.reverse();
    this.items = [];
    // Each call is started before any is awaited: the editor gives a window that closes little time.
    const results = await Promise.allSettled(items.map(async (item) => item.dispose()));
    const failure = results.find((result) => result.status === 'rejected');
    if (failure) throw failure.reason;
  }
}
