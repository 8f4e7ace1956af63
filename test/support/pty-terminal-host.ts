import { stripVTControlCharacters } from 'node:util';
import { spawn } from 'node-pty';
import type { IPty } from 'node-pty';
import type { ManagedTerminal, TerminalExit, TerminalHost, TerminalSpec } from '../../shared/backends/terminal-host.ts';

/** How much of the output is kept, in characters. */
const kept = 64_000;

/** A terminal of a test: a real pty without a screen. */
export class PtyTerminal implements ManagedTerminal {
  readonly name: string;
  readonly pid: number;
  readonly exited: Promise<TerminalExit>;
  /** How often it was brought to the front. */
  shown = 0;
  private readonly pty: IPty;
  private output = '';
  private ended = false;
  private isTrashed = false;
  private typing: { until: Promise<void> } | undefined;

  constructor(spec: TerminalSpec, pty: IPty) {
    this.name = spec.name;
    this.pid = pty.pid;
    this.pty = pty;
    pty.onData((data) => {
      this.output = (this.output + data).slice(-kept);
    });
    this.exited = new Promise((resolve) => {
      pty.onExit(({ exitCode, signal }) => {
        this.ended = true;
        // As a shell reports it; node-pty gives code 0 for a process that was killed.
        const code = signal === undefined || signal === 0 ? exitCode : 128 + signal;
        resolve({ code, closedByUser: this.isTrashed });
      });
    });
  }

  write(text: string): void {
    if (!this.ended) this.pty.write(text);
  }

  show(): void {
    this.shown += 1;
  }

  close(): void {
    if (!this.ended) this.pty.kill('SIGHUP');
  }

  /** Test only: the user closes it, as by the editor's trash icon, and the program has no time to tidy up. */
  trash(): void {
    this.isTrashed = true;
    this.pty.kill('SIGKILL');
  }

  personIsTyping(): boolean {
    return this.typing !== undefined;
  }

  async whenNotTyping(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    await Promise.race([this.typing?.until, aborted]);
  }

  /** The last words on the screen, without colours and cursor movements. */
  lastOutput(): string {
    return stripVTControlCharacters(this.output);
  }

  /** Test only: the user types here until the returned function is called. */
  personTypes(): () => void {
    let stop = (): void => undefined;
    const until = new Promise<void>((resolve) => {
      stop = resolve;
    });
    this.typing = { until };
    return () => {
      this.typing = undefined;
      stop();
    };
  }
}

/** Terminals of a test. They outlive the driver, as the editor's outlive a reload. */
export class PtyTerminalHost implements TerminalHost {
  readonly terminals: PtyTerminal[] = [];

  open(spec: TerminalSpec): Promise<PtyTerminal> {
    const pty = spawn(spec.program, spec.args, {
      name: 'xterm-256color',
      cols: 120,
      rows: 40,
      cwd: spec.cwd,
      env: spec.env,
    });
    const terminal = new PtyTerminal(spec, pty);
    this.terminals.push(terminal);
    void terminal.exited.then(() => this.terminals.splice(this.terminals.indexOf(terminal), 1));
    return Promise.resolve(terminal);
  }

  find(pid: number, name: string): Promise<PtyTerminal | undefined> {
    return Promise.resolve(this.terminals.find((terminal) => terminal.pid === pid && terminal.name === name));
  }

  /** Ends what a failed test left behind. */
  async closeAll(): Promise<void> {
    const open = [...this.terminals];
    for (const terminal of open) terminal.close();
    await Promise.all(open.map((terminal) => terminal.exited));
  }
}
