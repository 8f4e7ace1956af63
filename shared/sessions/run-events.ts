import type { TurnFailure } from '../domain/run.ts';
import { messageOf } from '../platform/errors.ts';
import type { SessionInfo } from '../domain/orchestrator.ts';
import { Emitter } from '../platform/emitter.ts';
import type { Event } from '../platform/emitter.ts';
import type { Logger } from '../platform/logger.ts';
import type { StatusReport } from '../domain/status-report.ts';
import type { Status } from './status.ts';

export interface RunEvent {
  session: SessionInfo;
  runId: string;
}

export interface TurnEnd extends RunEvent {
  /** Set where the model did not answer: what was in the turn has not been acted on. */
  failure?: TurnFailure;
}

/** `cause` says for people how it ended. */
export type AskEnd = RunEvent & Omit<Extract<StatusReport, { kind: 'answered' }>, 'kind'> & { cause: string };

/** What happens to runs, for whoever follows them. */
export interface RunEvents {
  readonly onDidDeliver: Event<RunEvent & { deliveryId: string }>;
  readonly onDidEndTurn: Event<TurnEnd>;
  /** The session's run is over, and it was not ended for a restart. Told again when one that failed is given up. */
  readonly onDidEnd: Event<RunEvent & { status: Status }>;
  /** `session` goes on with another run than `runId`; `wasOver`: that had ended before, and its end has been told. */
  readonly onDidReplace: Event<RunEvent & { wasOver: boolean }>;
  /** An ask was answered, or is no longer asked. Told before it shows; may be repeated. */
  readonly onDidAnswer: Event<AskEnd>;
}

/** The telling side of `RunEvents`. */
export class RunEmitters {
  readonly delivered: Emitter<RunEvent & { deliveryId: string }>;
  readonly turnEnded: Emitter<TurnEnd>;
  readonly ended: Emitter<RunEvent & { status: Status }>;
  readonly replaced: Emitter<RunEvent & { wasOver: boolean }>;
  readonly answered: Emitter<AskEnd>;

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
      onDidDeliver: this.delivered.event,
      onDidEndTurn: this.turnEnded.event,
      onDidEnd: this.ended.event,
      onDidReplace: this.replaced.event,
      onDidAnswer: this.answered.event,
    };
  }
}
