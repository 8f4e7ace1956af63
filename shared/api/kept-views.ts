import { isDeepStrictEqual } from 'node:util';

/**
 * Views by id. One that is made anew and says the same stays the same object, and so does the list while nothing in it has
 * changed: whoever compares snapshots compares by identity.
 */
export class KeptViews<T> {
  private readonly views = new Map<string, T>();
  private readonly compare: (a: T, b: T) => number;
  private listed: readonly T[] = [];
  /** What has come and gone since that list was made. */
  private come: T[] = [];
  private readonly gone = new Set<T>();

  constructor(compare: (a: T, b: T) => number) {
    this.compare = compare;
  }

  get(id: string): T | undefined {
    return this.views.get(id);
  }

  /** Undefined: there is none of this id. */
  set(id: string, view: T | undefined): void {
    const before = this.views.get(id);
    if (before === undefined ? view === undefined : isDeepStrictEqual(before, view)) return;
    if (before !== undefined) {
      this.views.delete(id);
      this.gone.add(before);
    }
    if (view === undefined) return;
    this.views.set(id, view);
    this.come.push(view);
  }

  /** All that are kept, in no order. */
  entries(): IterableIterator<[string, T]> {
    return this.views.entries();
  }

  /** In order. Only what is new is sorted: the rest is as it was. */
  list(): readonly T[] {
    if (this.gone.size === 0 && this.come.length === 0) return this.listed;
    const come = this.come.filter((view) => !this.gone.has(view)).sort(this.compare);
    const list: T[] = [];
    let next = 0;
    for (const view of this.listed) {
      if (this.gone.has(view)) continue;
      for (; next < come.length && this.compare(come[next]!, view) < 0; next += 1) list.push(come[next]!);
      list.push(view);
    }
    this.listed = [...list, ...come.slice(next)];
    this.gone.clear();
    this.come = [];
    return this.listed;
  }
}

/** The newer one, or the older one where both say the same. */
export const unlessSame = <T>(before: T | undefined, now: T): T => (isDeepStrictEqual(before, now) ? before! : now);
