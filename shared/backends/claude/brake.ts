import { rm } from 'node:fs/promises';
import { messageOf } from '../../platform/errors.ts';
import { writeAtomically } from '../../platform/files.ts';
import type { Logger } from '../../platform/logger.ts';

/**
 * Breaks a turn off from outside. Claude Code waits before each tool call for a hook that prints this file, if it is there,
 * and so learns that it is not to go on: the call is not run, and whoever wanted to make it, the session or a sub-agent,
 * has ended. Esc in the terminal ends no sub-agent, and is a key for whatever is on the screen by then.
 *
 * The hook takes the file away with it: one that a host has left behind ends nothing but the turn that it was meant for.
 */
export class Brake {
  private readonly file: string;
  private readonly log: Logger;
  private isSet = false;
  /** One after the other: what was said last counts. */
  private last: Promise<void> = Promise.resolve();

  constructor(file: string, log: Logger) {
    this.file = file;
    this.log = log;
  }

  /** The next tool call is not made. `reason` is for the user who looks at the terminal. */
  set(reason: string): void {
    this.isSet = true;
    const answer = { continue: false, stopReason: `Gas Town: this turn is broken off: ${reason}` };
    this.do(() => writeAtomically(this.file, JSON.stringify(answer)));
  }

  /** Tool calls are made. */
  release(): void {
    if (!this.isSet) return;
    this.isSet = false;
    this.remove();
  }

  /** Also where an earlier host has set it. */
  remove(): void {
    this.do(() => rm(this.file, { force: true }));
  }

  private do(change: () => Promise<void>): void {
    this.last = this.last.then(change).catch((error: unknown) => {
      this.log.error(`claude: whether tool calls are made cannot be changed: ${messageOf(error)}`);
    });
  }
}

/** A shell starts in a few milliseconds, and each call waits for it; where there is none, the editor's Node does the same. */
const inShell = 'if [ -e "$0" ]; then cat "$0"; rm -f "$0"; fi';
const inNode =
  'const fs=require("fs"),file=process.argv[1];if(fs.existsSync(file)){process.stdout.write(fs.readFileSync(file));fs.rmSync(file)}';

/** Pure. The program that prints and removes the file. */
export function brakeHook(
  file: string,
  node: string,
  platform: NodeJS.Platform,
): { command: string; args: readonly string[] } {
  if (platform === 'win32') return { command: node, args: ['-e', inNode, file] };
  return { command: '/bin/sh', args: ['-c', inShell, file] };
}
