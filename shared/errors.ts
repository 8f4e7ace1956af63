/** Why an operation was refused or failed. Programs branch on the code; people read the message. */
export type ErrorCode =
  | 'bad-config'
  | 'bad-input'
  | 'unknown-rig'
  | 'unknown-agent'
  | 'unknown-role'
  | 'unknown-session'
  | 'unknown-work'
  | 'unknown-backend'
  | 'unknown-escalation'
  | 'name-taken'
  | 'not-a-repository'
  | 'isolation-failed'
  | 'spawn-failed'
  | 'agent-missing'
  | 'agent-too-old'
  | 'backend-unavailable'
  | 'work-conflict'
  | 'refused'
  | 'denied'
  | 'no-host'
  | 'no-town'
  | 'untrusted'
  | 'read-only'
  | 'cancelled'
  | 'internal';

/** An expected failure. The message says what happened, to what, and what to do next. */
export class GasTownError extends Error {
  override readonly name = 'GasTownError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }

  static is(error: unknown, code?: ErrorCode): error is GasTownError {
    return error instanceof GasTownError && (code === undefined || error.code === code);
  }
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Throws `cancelled` when the signal has fired. */
export function throwIfCancelled(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted) throw new GasTownError('cancelled', `${what} was cancelled.`);
}
