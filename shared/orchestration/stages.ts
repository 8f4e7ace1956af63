/** What is being done before a session starts, for people. */
export interface Stage {
  text: string;
  /** Since when. Epoch milliseconds. */
  since: number;
}

/** What is being done to the worktrees of sessions that have not started yet: one stage each, the newest. */
export class Stages {
  private readonly now: () => number;
  private readonly onChange: () => void;
  /** By session. */
  private readonly stages = new Map<string, Stage>();

  constructor(now: () => number, onChange: () => void) {
    this.now = now;
    this.onChange = onChange;
  }

  /** Undefined where nothing is being done. */
  of(session: string): Stage | undefined {
    return this.stages.get(session);
  }

  /** With their sessions, in the order in which they began. */
  list(): (Stage & { session: string })[] {
    return [...this.stages].map(([session, stage]) => ({ session, ...stage }));
  }

  enter(session: string, text: string): void {
    this.stages.set(session, { text, since: this.now() });
    this.onChange();
  }

  leave(session: string): void {
    if (this.stages.delete(session)) this.onChange();
  }
}
