import { DisposableStore } from '../../platform/disposable-store.ts';
import { Timer } from '../../platform/timer.ts';

/** When a turn without a hook is looked at; a hook is heard long before, also on a machine under load. In ms. */
const lookAfter = { working: 15_000, ended: 3_000 };
/** The hook that tells of a prompt may be heard so long before the state file says that the session is at work. In ms. */
const ahead = 2_000;

const problem =
  'Its hooks are not heard any more: permissions can be answered in its terminal only, and what reaches the model is ' +
  'not confirmed. Restart the session. If it happens again: is "disableAllHooks" set in your Claude settings?';

export interface UnheardParts {
  now: () => number;
  /** Whether the model has said something since then (epoch ms), by the record of the conversation. */
  hasSpokenSince: (since: number) => Promise<boolean>;
  /** What is wrong; undefined when it is right again. */
  tell: (problem: string | undefined) => void;
}

/**
 * Whether a session's hooks reach us. No turn of the model goes by without one: where it has spoken, and none was heard
 * since the session began to work, they are lost. What has no hooks (a command of the user's, a compaction) has no word
 * of the model either.
 */
export class Unheard {
  private readonly parts: UnheardParts;
  private busySince: number | undefined;
  /** Nothing was heard since the session began to work. */
  private silent = false;
  private heardAt = 0;
  private readonly disposables = new DisposableStore();
  private readonly timer = this.disposables.add(new Timer(() => void this.look(this.lookSince)));
  private lookSince = 0;
  private told = false;

  constructor(parts: UnheardParts) {
    this.parts = parts;
  }

  /** The state file says that the session is at work. */
  busy(): void {
    if (this.busySince !== undefined) return;
    this.busySince = this.parts.now();
    this.silent = this.busySince - this.heardAt > ahead;
    if (this.silent) this.lookIn(lookAfter.working, this.busySince);
  }

  /** It says that the session is idle, and has been for a while. */
  idle(): void {
    if (this.busySince !== undefined && this.silent) this.lookIn(lookAfter.ended, this.busySince);
    this.busySince = undefined;
  }

  /** The hook of a start: it says that hooks reach us, and nothing of the turn that follows. */
  started(): void {
    this.over();
  }

  heard(): void {
    this.heardAt = this.parts.now();
    this.silent = false;
    this.over();
  }

  dispose(): void {
    void this.disposables.dispose();
  }

  private over(): void {
    this.timer.set(undefined);
    if (this.told) this.parts.tell(undefined);
    this.told = false;
  }

  private lookIn(ms: number, since: number): void {
    this.lookSince = since;
    this.timer.set(ms);
  }

  private async look(since: number): Promise<void> {
    if (!(await this.parts.hasSpokenSince(since)) || this.heardAt >= since || this.told) return;
    this.told = true;
    this.parts.tell(problem);
  }
}
