/** A set-up step cannot go on. The message says what is missing and what to do; no stack trace is needed. */
export class SetupError extends Error {
  override readonly name = 'SetupError';
}
