import type { Translate } from '../translate.ts';

/** What turning a snapshot into rows needs besides the snapshot. */
export interface ViewContext {
  /** Epoch milliseconds. */
  now: number;
  t: Translate;
  /** The time of day of an instant, as people of this place write it. */
  clock(at: number): string;
}
