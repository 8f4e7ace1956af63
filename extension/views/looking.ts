import { glance } from '../terminals/hands.ts';

/** Which session the user looks at in the tree. That its row is still selected says nothing of where they look. Pure. */
export class Looking {
  private selected: { session: string; at: number } | undefined;

  /** Its row, or a row below it, was selected; undefined: none that belongs to a session. `now` in epoch milliseconds. */
  select(session: string | undefined, now: number): void {
    this.selected = session === undefined ? undefined : { session, at: now };
  }

  /** The session that was turned to last, however long ago. */
  get last(): string | undefined {
    return this.selected?.session;
  }

  /** The session that was turned to just now. */
  at(now: number): string | undefined {
    return this.selected && now - this.selected.at < glance ? this.selected.session : undefined;
  }
}
