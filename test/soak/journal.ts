import { appendFileSync } from 'node:fs';

/** What the soak did, line by line in a file, and what went wrong besides lost and doubled things. */
export class Journal {
  readonly file: string;
  readonly problems: string[] = [];

  constructor(file: string) {
    this.file = file;
  }

  note(line: string): void {
    appendFileSync(this.file, `${new Date().toISOString()} ${line}\n`);
  }

  /** Something that never may happen; the soak fails. */
  problem(line: string): void {
    this.problems.push(line);
    this.note(`PROBLEM ${line}`);
  }
}
