import type { Delivery, DriverHost, TurnFailure } from '../driver.ts';
import type { HandedOver } from './handed-over.ts';
import { Receipts } from './receipts.ts';

/**
 * A hook that tells how the turn ended comes before the state file says idle, but on a busy machine it is heard after it;
 * where none comes, the person has interrupted the turn, or the hook was lost. In ms.
 */
const hookBound = 1_000;

export interface TurnParts {
  runId: string;
  host: DriverHost;
  /** False for a session whose hooks do not reach us: then only the state file tells of turns. */
  hooked: boolean;
  /** The program is started with it. */
  firstPrompt: Delivery | undefined;
  handedOver: HandedOver | undefined;
  /** Why the newest turn failed, if it did, by the record of the conversation. */
  lastFailure: () => Promise<TurnFailure | undefined>;
}

/** What the model has been given, with the proof, and whether the turn that contains it goes on. */
export class Turn {
  readonly receipts = new Receipts();
  private readonly parts: TurnParts;
  private open = false;
  /** That the newest turn failed has been told. */
  private failed = false;
  private whenBusy: (() => void) | undefined;
  private idleTimer: NodeJS.Timeout | undefined;

  constructor(parts: TurnParts) {
    this.parts = parts;
    if (parts.firstPrompt) this.receipts.expectFirst(parts.firstPrompt);
  }

  /** Resolves when the text has been submitted. Without hooks, a turn that begins right after our Enter is the proof. */
  receiptOf(delivery: Delivery, text: string): Promise<void> {
    if (this.parts.hooked) return this.receipts.expect(delivery, text);
    return new Promise((resolve) => {
      this.whenBusy = resolve;
    });
  }

  /** A hook tells of a prompt: ours, or the person's. */
  submitted(prompt: string): void {
    const { runId, host, handedOver } = this.parts;
    if (this.idleTimer) this.end();
    this.open = true;
    this.failed = false;
    const entries = [...this.receipts.match(prompt), ...(handedOver?.match(prompt) ?? [])];
    for (const entry of entries) host.delivered(runId, entry);
  }

  /** The state file says that the session is busy. */
  busy(): void {
    if (!this.parts.hooked) this.open = true;
    this.whenBusy?.();
  }

  /** The state file says that the session is idle, and has been for a while. */
  idle(): void {
    if (!this.parts.hooked) this.end();
    else if (this.open) this.idleTimer ??= setTimeout(() => void this.endUnheard(), hookBound);
  }

  /** A failure counts also where nothing was heard of the turn before, as with one that was taken up in its middle. */
  end(failure?: TurnFailure): void {
    this.dispose();
    if (!this.open && (!failure || this.failed)) return;
    this.open = false;
    this.failed = failure !== undefined;
    this.parts.host.turnEnded(this.parts.runId, failure);
  }

  /** No hook has told how the turn ended: the record may. */
  private async endUnheard(): Promise<void> {
    const timer = this.idleTimer;
    const failure = await this.parts.lastFailure();
    // Meanwhile a hook may have told, or the next turn have begun.
    if (this.idleTimer === timer) this.end(failure);
  }

  /** Tells of no end any more that is not told by a hook. */
  dispose(): void {
    clearTimeout(this.idleTimer);
    this.idleTimer = undefined;
  }
}
