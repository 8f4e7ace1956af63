import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { TownHostOptions } from '../../shared/host/host-options.ts';
import { lendTerminals } from './lent-terminals.ts';
import { patience } from './patience.ts';
import type { PtyTerminalHost } from './pty-terminal-host.ts';

/** What can be handed to another process of a host's options. */
export type HostSetup = Pick<TownHostOptions, 'root' | 'files' | 'node' | 'environment'> & {
  /** The host uses terminals of the process that starts it; its own when absent. */
  borrowsTerminals?: boolean;
  /** File that the host's log is appended to; nowhere when absent. */
  logFile?: string;
};

const program = path.join(import.meta.dirname, 'host-program.ts');
const startMs = 60_000;
const quiet = ['--disable-warning=ExperimentalWarning', '--disable-warning=MODULE_TYPELESS_PACKAGE_JSON'];

/**
 * A host in a process of its own (host-program.ts): it can be killed at any moment. Its terminals go with it, unless
 * they are lent to it by this process.
 */
export class HostProcess {
  readonly pid: number;
  /** Resolves when the process has ended, however. */
  readonly gone: Promise<unknown>;
  private readonly child: ChildProcess;

  private constructor(child: ChildProcess, gone: Promise<unknown>) {
    this.child = child;
    this.pid = child.pid!;
    this.gone = gone;
  }

  /** Resolves when the process hosts the town, or is a client of its host. */
  static async start(
    setup: HostSetup,
    role: 'host' | 'member' = 'host',
    terminals?: PtyTerminalHost,
  ): Promise<HostProcess> {
    const { PATH = '', TMPDIR } = process.env;
    const env = { PATH, HOME: setup.environment['HOME'] ?? '', ...(TMPDIR === undefined ? {} : { TMPDIR }) };
    const child = fork(program, [role], { env, execArgv: quiet, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const gone = once(child, 'exit');
    if (terminals) lendTerminals(terminals, child);
    child.send({ ...setup, borrowsTerminals: terminals !== undefined });
    const ready = heard(child, 'ready', patience(startMs));
    const first = await Promise.race([ready, gone.then(() => undefined)]);
    // Whoever lost the race must not be an unhandled rejection later.
    ready.catch(() => undefined);
    if (first === undefined) throw new Error('The host process ended before it was ready.');
    return new HostProcess(child, gone);
  }

  /** As a crash of the editor: nothing is tidied up. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.gone;
  }

  /** As closing the window: the host lets go. */
  async close(): Promise<void> {
    this.child.send('close');
    await this.gone;
  }
}

/** Resolves when the process says this; what it asks of its terminals in between is not meant. */
function heard(child: ChildProcess, word: string, limitMs: number): Promise<true> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`The host process did not say "${word}" within ${limitMs / 1000} s.`)),
      limitMs,
    );
    child.once('exit', () => clearTimeout(timer));
    child.on('message', (message) => {
      if (message !== word) return;
      clearTimeout(timer);
      resolve(true);
    });
  });
}
