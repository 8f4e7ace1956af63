import type { ProblemKind, TroubleSubject } from './trouble.ts';

/** Something wrong that a user should put right, with its place. */
export interface Problem {
  /** `settings` when absent: the file is not as it should be. */
  kind?: ProblemKind;
  /** What it is about, where it is about one of several. */
  subject?: TroubleSubject;
  file?: string;
  line?: number;
  message: string;
  /** An error when absent; a warning changes nothing. */
  severity?: 'warning';
}
