import type { AttentionView } from '../../shared/channel/views.ts';

/**
 * The waits that this window has shown whole. Only these are allowed or denied by one click on a row: rows are cut at any
 * width, and the pointer may be on one that has just moved under it.
 */
export class ShownWaits {
  private readonly keys = new Set<string>();

  add(wait: AttentionView): void {
    this.keys.add(keyOf(wait));
  }

  has(wait: AttentionView): boolean {
    return this.keys.has(keyOf(wait));
  }

  /** It was answered: nobody will ask for it again. */
  delete(wait: AttentionView): void {
    this.keys.delete(keyOf(wait));
  }
}

/** A wait that says something else than before has not been shown. */
const keyOf = ({ runId, ask, title, detail }: AttentionView): string => [runId, ask, title, detail].join('\n');
