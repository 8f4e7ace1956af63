/** Why an operation was refused or failed. Programs branch on the code; people read the message. */
export type ErrorCode =
  | 'bad-config'
  | 'bad-input'
  | 'unknown-rig'
  | 'unknown-agent'
  | 'unknown-role'
  | 'unknown-session'
  | 'unknown-work'
  | 'unknown-batch'
  | 'unknown-backend'
  | 'unknown-escalation'
  | 'name-taken'
  | 'not-a-repository'
  | 'inside-repository'
  | 'isolation-failed'
  | 'spawn-failed'
  | 'agent-missing'
  | 'agent-too-old'
  | 'backend-unavailable'
  | 'work-conflict'
  | 'waits'
  | 'refused'
  | 'consent-needed'
  | 'denied'
  | 'no-host'
  | 'no-town'
  | 'untrusted'
  | 'read-only'
  | 'cancelled'
  | 'internal';

/**
 * What a failed start says nothing good about, where it is not the program: the folder it was to work in, its first prompt, or
 * a question of the program's that is the user's to answer.
 */
export type FailureSubject = 'place' | 'prompt' | 'question';

/** An expected failure. The message says what happened, to what, and what to do next. */
export class GasTownError extends Error {
  override readonly name = 'GasTownError';
  readonly code: ErrorCode;
  readonly about: FailureSubject | undefined;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; about?: FailureSubject | undefined } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.about = options.about;
  }

  static is(error: unknown, code?: ErrorCode): error is GasTownError {
    return error instanceof GasTownError && (code === undefined || error.code === code);
  }
}

/** Whether it was thrown for this reason: by the core, or as the same error that came over the channel. */
export function hasCode(error: unknown, code: ErrorCode): error is Error {
  return error instanceof Error && 'code' in error && error.code === code;
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Throws `cancelled` when the signal has fired. */
export function throwIfCancelled(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted) throw new GasTownError('cancelled', `${what} was cancelled.`);
}
