import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { TownHostOptions } from '../../shared/town/host.ts';

/** What can be handed to another process of a host's options. */
export type HostSetup = Pick<TownHostOptions, 'root' | 'files' | 'node' | 'environment'>;

const program = path.join(import.meta.dirname, 'host-program.ts');
const startMs = 60_000;
const quiet = ['--disable-warning=ExperimentalWarning', '--disable-warning=MODULE_TYPELESS_PACKAGE_JSON'];

/** A host in a process of its own (host-program.ts), with its own terminals: it can be killed at any moment. */
export class HostProcess {
  readonly pid: number;
  private readonly child: ChildProcess;
  private readonly gone: Promise<unknown>;

  private constructor(child: ChildProcess, gone: Promise<unknown>) {
    this.child = child;
    this.pid = child.pid!;
    this.gone = gone;
  }

  /** Resolves when the process hosts the town, or is a client of its host. */
  static async start(setup: HostSetup, role: 'host' | 'member' = 'host'): Promise<HostProcess> {
    const env = { PATH: process.env['PATH'] ?? '', HOME: setup.environment['HOME'] ?? '' };
    const child = fork(program, [role], { env, execArgv: quiet, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const gone = once(child, 'exit');
    child.send(setup);
    const ready = once(child, 'message', { signal: AbortSignal.timeout(startMs) });
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
