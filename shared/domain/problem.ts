/** Something wrong that a user should put right, with its place. */
export interface Problem {
  file?: string;
  line?: number;
  message: string;
  /** An error when absent; a warning changes nothing. */
  severity?: 'warning';
  /** What to do, where that is not to correct the file. */
  advice?: string;
}
