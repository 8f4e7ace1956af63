import type { TurnFailure } from '../backends/driver.ts';
import { messageOf } from '../errors.ts';
import type { SessionInfo } from '../orchestrator.ts';
import { Emitter } from '../process/emitter.ts';
import type { Logger } from '../process/logger.ts';
import type { Status } from './status.ts';

export interface RunEvent {
  session: SessionInfo;
  runId: string;
}

export interface TurnEnd extends RunEvent {
  /** Set where the model did not answer: what was in the turn has not been acted on. */
  failure?: TurnFailure;
}

/** What happens to runs, for whoever follows them. */
export interface RunEvents {
  readonly onDelivered: Emitter<RunEvent & { deliveryId: string }>['event'];
  readonly onTurnEnded: Emitter<TurnEnd>['event'];
  /** The session's run is over, and it was not ended for a restart. Told again when one that failed is given up. */
  readonly onEnded: Emitter<RunEvent & { status: Status }>['event'];
  /** `session` goes on with another run than `runId`; `wasOver`: that had ended before, and its end has been told. */
  readonly onReplaced: Emitter<RunEvent & { wasOver: boolean }>['event'];
  /** An ask was answered, or is no longer asked; `cause` says how. Told before it shows; may be repeated. */
  readonly onAnswered: Emitter<RunEvent & { askId: string; cause: string }>['event'];
}

/** The telling side of `RunEvents`. */
export class RunEmitters {
  readonly delivered: Emitter<RunEvent & { deliveryId: string }>;
  readonly turnEnded: Emitter<TurnEnd>;
  readonly ended: Emitter<RunEvent & { status: Status }>;
  readonly replaced: Emitter<RunEvent & { wasOver: boolean }>;
  readonly answered: Emitter<RunEvent & { askId: string; cause: string }>;

  constructor(log: Logger) {
    const failed = (error: unknown): void => log.error(`a listener failed: ${messageOf(error)}`);
    this.delivered = new Emitter(failed);
    this.turnEnded = new Emitter(failed);
    this.ended = new Emitter(failed);
    this.replaced = new Emitter(failed);
    this.answered = new Emitter(failed);
  }

  get events(): RunEvents {
    return {
      onDelivered: this.delivered.event,
      onTurnEnded: this.turnEnded.event,
      onEnded: this.ended.event,
      onReplaced: this.replaced.event,
      onAnswered: this.answered.event,
    };
  }
}
