import type { Disposable } from '../../shared/platform/emitter.ts';
import { Timer } from '../../shared/platform/timer.ts';

/** How long news waits after an answer to the editor, in ms. The extension host sends the answer within a millisecond. */
const settleMs = 50;

/**
 * What has changed of the rows, until the editor can be told. The extension host sends what it writes within a turn in one
 * piece, and the window acts on news at once, on an answer only then. News behind an answer in the same piece is therefore
 * lost: the window forgets its old rows, takes the answer for the new ones, and does not ask again (VS Code 1.139; shown by
 * `test/editor/row-news.test.ts`). So news waits until the answer before it is sent.
 */
export class RowNews implements Disposable {
  private readonly tell: (rows: 'all' | string[]) => void;
  private rows: 'all' | Set<string> = new Set();
  private isHeld = false;
  private readonly timer = new Timer(() => this.release());

  constructor(tell: (rows: 'all' | string[]) => void) {
    this.tell = tell;
  }

  /** These rows, or the top rows themselves, are others now. */
  add(rows: 'all' | readonly string[]): void {
    if (rows === 'all' || this.rows === 'all') this.rows = 'all';
    else for (const row of rows) this.rows.add(row);
    if (!this.isHeld) this.release();
  }

  /** The editor is being given rows, in this turn. */
  answered(): void {
    this.isHeld = true;
    this.timer.set(undefined);
    // The sending is set when the answer is written: by the end of this turn, however long that takes.
    setImmediate(() => this.timer.set(settleMs));
  }

  dispose(): void {
    this.timer.dispose();
  }

  private release(): void {
    this.isHeld = false;
    const { rows } = this;
    this.rows = new Set();
    if (rows === 'all') this.tell(rows);
    else if (rows.size > 0) this.tell([...rows]);
  }
}
