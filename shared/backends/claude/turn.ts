import { DisposableStore } from '../../platform/disposable-store.ts';
import { Timer } from '../../platform/timer.ts';
import type { DriverHost } from '../driver.ts';
import type { UnconfirmedDeliveries } from './unconfirmed-deliveries.ts';
import { Receipts } from './receipts.ts';
import type { RecordEntry } from './record-entry.ts';
import type { TurnFailure } from '../../domain/run.ts';

/**
 * A hook that tells how the turn ended comes before the state file says idle, but on a busy machine it is heard after it;
 * where none comes, the user has interrupted the turn, or the hook was lost. In ms.
 */
const hookBound = 1_000;

export interface TurnParts {
  runId: string;
  host: DriverHost;
  /** False for a session whose hooks do not reach us: then only the state file and the record tell of turns. */
  hooked: boolean;
  handedOver: UnconfirmedDeliveries | undefined;
  /** Resolves when what the program's record of the conversation has by now has been told to `recorded`. */
  look: () => Promise<void>;
  /** Why the newest turn failed, if it did, by that record. */
  lastFailure: () => Promise<TurnFailure | undefined>;
  /** Told at the end of a turn, and before one that nothing went before. */
  over: () => void;
}

/** What the model has been given, with the proof, and whether the turn that contains it goes on. */
export class Turn {
  readonly receipts = new Receipts();
  private readonly parts: TurnParts;
  /** The turn that goes on, by the name that hooks give it. */
  private running: { promptId: string | undefined } | undefined;
  /** The one that ended last. */
  private ended: string | undefined;
  /** Why the turn is being broken off by us: however it ends, it has failed. */
  private brokenFor: TurnFailure | undefined;
  /** That the newest turn failed has been told. */
  private failed = false;
  private readonly disposables = new DisposableStore();
  private readonly idleTimer = this.disposables.add(new Timer(() => void this.endUnheard()));
  /** The session has been idle since, and no hook has told how the turn ended. */
  private unheard: object | undefined;

  constructor(parts: TurnParts) {
    this.parts = parts;
  }

  /** It is not known of everything that was handed over what became of it. */
  get owesReceipt(): boolean {
    return !this.receipts.isEmpty || (this.parts.handedOver?.isOpen ?? false);
  }

  /** A hook tells of a prompt, ours or the user's, that is about to be submitted. False: it is to be refused. */
  submitted(prompt: string, promptId: string | undefined): boolean {
    const waits = promptId !== undefined && promptId === this.running?.promptId;
    if (!this.receipts.submitted(prompt, promptId, !waits)) return false;
    if (waits) return true;
    if (this.unheard) this.end();
    // A sub-agent's result comes as a prompt, too, in the middle of the turn.
    if (!this.running) this.forgetBroken();
    this.running = { promptId };
    this.failed = false;
    return true;
  }

  /** Why the running turn is being broken off. */
  get broken(): TurnFailure | undefined {
    return this.brokenFor;
  }

  /** Whether the turn that a hook names is known not to go on any more. */
  isOver(promptId: string | undefined): boolean {
    if (promptId === undefined) return false;
    return this.running?.promptId === undefined ? promptId === this.ended : promptId !== this.running.promptId;
  }

  /** The turn ends before long, whether a hook tells or not, and has failed for this reason. */
  breakOff(failure: TurnFailure): void {
    this.brokenFor ??= failure;
  }

  /** Call before the session is reported as idle, so that a turn that was broken off has failed by then. */
  rest(): void {
    if (this.brokenFor) this.end();
  }

  /** A hook tells of something that the turn does. */
  alive(promptId: string | undefined): void {
    this.tell(this.receipts.alive(promptId));
  }

  /** The record has something new. */
  recorded(entry: RecordEntry): void {
    const handedOver = entry.kind === 'given' ? (this.parts.handedOver?.match(entry.text) ?? []) : [];
    const { isOurs, has } = this.receipts.recorded(entry, handedOver);
    this.tell(has);
    if (!isOurs) return;
    const { promptId } = entry;
    if (promptId === undefined || promptId !== this.ended) this.running ??= { promptId };
    else {
      // Its end was heard before its beginning was read.
      this.tell(this.receipts.asked());
      if (!this.failed) this.parts.host.turnEnded(this.parts.runId);
    }
  }

  /** The state file says that the session is busy. */
  busy(): void {
    if (!this.parts.hooked) this.running ??= { promptId: undefined };
  }

  /** The state file says that the session is idle, and has been for a while. */
  idle(): void {
    if (!this.running && this.receipts.isEmpty) return;
    if (this.unheard) return;
    this.unheard = {};
    this.idleTimer.set(this.parts.hooked ? hookBound : 0);
  }

  /**
   * A failure counts also where nothing was heard of the turn before, as with one that was taken up in its middle.
   * `promptId`: the turn's name, where a hook tells; the late end of an earlier turn is not that of this one.
   */
  end(failure?: TurnFailure, promptId?: string): void {
    if (promptId !== undefined && this.running?.promptId !== undefined && promptId !== this.running.promptId) return;
    this.waitNoMore();
    this.ended = promptId ?? this.running?.promptId ?? this.ended;
    const why = this.brokenFor ?? failure;
    this.forgetBroken();
    if (!this.running && (!why || this.failed)) return;
    this.running = undefined;
    this.failed = why !== undefined;
    this.tell(this.receipts.asked());
    this.parts.host.turnEnded(this.parts.runId, why);
  }

  private forgetBroken(): void {
    this.brokenFor = undefined;
    this.parts.over();
  }

  /** No hook has told how the turn ended: the record may. */
  private async endUnheard(): Promise<void> {
    const { unheard } = this;
    await this.parts.look();
    const failure = await this.parts.lastFailure();
    // Meanwhile a hook may have told, or the next turn have begun.
    if (this.unheard !== unheard) return;
    this.receipts.turnOver();
    this.end(failure);
  }

  /** Tells of no end any more that is not told by a hook. */
  dispose(): void {
    this.waitNoMore();
    void this.disposables.dispose();
  }

  private waitNoMore(): void {
    this.idleTimer.set(undefined);
    this.unheard = undefined;
  }

  private tell(entries: readonly string[]): void {
    for (const entry of entries) this.parts.host.delivered(this.parts.runId, entry);
  }
}
