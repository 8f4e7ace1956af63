/** Anything that has to be let go of. VS Code's disposables and our own fit. */
export interface Disposable {
  dispose(): unknown;
}

/** What belongs to one lifetime: disposed together, the newest first. */
export class Lifetime implements Disposable {
  private items: Disposable[] = [];
  private ended = false;

  /** Returns the item, so that it can be registered where it is made. After the end, it is disposed at once. */
  own<T extends Disposable>(item: T): T {
    if (this.ended) item.dispose();
    else this.items.push(item);
    return item;
  }

  /** Resolves when everything that lets go asynchronously has done so. One failure does not keep the others. */
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
