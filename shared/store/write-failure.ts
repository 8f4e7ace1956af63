import { dirname } from 'node:path';
import { GasTownError, messageOf } from '../platform/errors.ts';

/** SQLite's primary result codes that say something about the file or the disk, not about what was asked (sqlite.org/rescode.html). */
const ofTheFile: Readonly<Record<number, 'busy' | 'full' | 'damaged' | 'other'>> = {
  5: 'busy', // SQLITE_BUSY: another connection holds the lock
  6: 'busy', // SQLITE_LOCKED
  7: 'other', // SQLITE_NOMEM
  8: 'other', // SQLITE_READONLY
  10: 'other', // SQLITE_IOERR
  11: 'damaged', // SQLITE_CORRUPT
  13: 'full', // SQLITE_FULL
  14: 'other', // SQLITE_CANTOPEN
  26: 'damaged', // SQLITE_NOTADB
};

const advice = {
  busy: () => 'Another program has it open: end that one, or wait.',
  full: (file: string) => `Make room on the disk that ${dirname(file)} is on.`,
  damaged: () => 'The file is damaged: reload the window, which checks the whole file, and restores it from its copy.',
  other: (file: string) => `Check the disk that ${dirname(file)} is on, and your rights there.`,
} as const;

/** What was to be done with it. */
export type Act = 'written' | 'read';

/** The database could not be written (or read). Nothing was changed. `reason` is SQLite's own word for it. */
export class WriteFailure extends GasTownError {
  readonly reason: string;
  readonly damaged: boolean;

  constructor(file: string, reason: string, kind: keyof typeof advice, act: Act, cause: unknown) {
    super(
      'read-only',
      `The town's database ${file} cannot be ${act}: ${reason}. Nothing was changed. ${advice[kind](file)}`,
      { cause },
    );
    this.reason = reason;
    this.damaged = kind === 'damaged';
  }

  /** What SQLite threw, as this where it is about the file; undefined where it is about what was asked. */
  static from(error: unknown, file: string, act: Act): WriteFailure | undefined {
    if (error instanceof WriteFailure) return error;
    const code = resultCodeOf(error);
    const kind = code === undefined ? undefined : ofTheFile[code];
    return kind && new WriteFailure(file, messageOf(error), kind, act, error);
  }
}

/** The lower byte is the primary code; the rest tells more of it. */
function resultCodeOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return undefined;
  return error.errcode & 0xff;
}
