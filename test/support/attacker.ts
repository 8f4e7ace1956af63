import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

/** What the attacker can be told to do, and with what. */
export interface Attack {
  /** Binds the port on loopback, as an HTTP server. */
  takePort: number;
  /** Listens at this path. */
  takeSocket: string;
  /** The same, in a folder that it makes for that. */
  takeFolder: string;
  /** Connects to the socket. */
  reach: string;
  /** Reads the file, or lists the folder. */
  read: string;
  /** Makes a file of this path, or writes into the one that is there. */
  write: string;
}

export type Finding = { outcome: string } | { received: string };

const quiet = ['--disable-warning=ExperimentalWarning'];

/**
 * A process of another user. Where the tests do not run as root it cannot be one: then it has our user id, and stays in
 * reach of what another user could reach.
 */
export class Attacker {
  /** All that anybody has sent to it. */
  readonly received: string[] = [];
  readonly isOther = process.getuid?.() === 0;
  private readonly child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.child = child;
    child.on('message', (finding: Finding) => {
      if ('received' in finding) this.received.push(finding.received);
    });
  }

  /** `file`: what it wants to have written. */
  static async start(file: string): Promise<Attacker> {
    const program = path.join(import.meta.dirname, 'attacker-program.ts');
    const child = fork(program, [file], { execArgv: quiet, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const attacker = new Attacker(child);
    await once(child, 'message');
    if (!attacker.isOther)
      console.log('Not root: the attacker has our own user id, but neither our token nor a private folder.');
    return attacker;
  }

  /** Resolves with `listening`, `connected`, `read`, `written`, or the code of the error. */
  async do<A extends keyof Attack>(act: A, what: Attack[A]): Promise<string> {
    const outcome = new Promise<string>((resolve) => {
      const take = (finding: Finding): void => {
        if (!('outcome' in finding)) return;
        this.child.off('message', take);
        resolve(finding.outcome);
      };
      this.child.on('message', take);
    });
    this.child.send([act, what]);
    return outcome;
  }

  async stop(): Promise<void> {
    const gone = once(this.child, 'exit');
    this.child.kill();
    await gone;
  }
}
