export const exitCode = { ok: 0, failed: 1, usage: 2, noHost: 3 } as const;

/** Ends `gt` with one message for the user and an exit code. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly exitCode: number;

  constructor(message: string, code: number = exitCode.failed) {
    super(message);
    this.exitCode = code;
  }
}
