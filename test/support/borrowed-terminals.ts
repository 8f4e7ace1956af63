import type { ManagedTerminal, TerminalExit, TerminalHost, TerminalSpec } from '../../shared/backends/terminal-host.ts';
import type { TerminalReport, TerminalRequest } from './lent-terminals.ts';

class BorrowedTerminal implements ManagedTerminal {
  readonly name: string;
  readonly pid: number;
  readonly exited: Promise<TerminalExit>;
  private readonly ask: (request: TerminalRequest) => void;
  private output = '';
  private end: (exit: TerminalExit) => void = () => undefined;

  constructor(pid: number, name: string, ask: (request: TerminalRequest) => void) {
    this.pid = pid;
    this.name = name;
    this.ask = ask;
    this.exited = new Promise((resolve) => {
      this.end = resolve;
    });
  }

  write(text: string): void {
    this.ask({ ask: 'write', terminal: this.pid, text });
  }

  show(): void {}

  close(): void {
    this.ask({ ask: 'close', terminal: this.pid });
  }

  personIsTyping(): boolean {
    return false;
  }

  whenNotTyping(): Promise<void> {
    return Promise.resolve();
  }

  lastOutput(): string {
    return this.output;
  }

  hasExited(exit: TerminalExit, lastOutput: string): void {
    this.output = lastOutput;
    this.end(exit);
  }
}

/** In a host's process: terminals that belong to the process that started it (lent-terminals.ts). */
export class BorrowedTerminalHost implements TerminalHost {
  private readonly waiting = new Map<
    number,
    { resolve: (terminal: BorrowedTerminal | undefined) => void; reject: (error: Error) => void }
  >();
  private readonly terminals = new Map<number, BorrowedTerminal>();
  private asked = 0;

  constructor() {
    process.on('message', (message: TerminalReport | object | string) => {
      if (typeof message === 'object' && 'tell' in message) this.hear(message);
    });
  }

  async open(spec: TerminalSpec): Promise<ManagedTerminal> {
    const terminal = await this.question((number) => ({ ask: 'open', number, spec }));
    if (!terminal) throw new Error(`The terminal ${spec.name} was not opened.`);
    return terminal;
  }

  find(pid: number, name: string): Promise<ManagedTerminal | undefined> {
    return this.question((number) => ({ ask: 'find', number, terminal: pid, name }));
  }

  private question(of: (number: number) => TerminalRequest): Promise<BorrowedTerminal | undefined> {
    const number = (this.asked += 1);
    return new Promise((resolve, reject) => {
      this.waiting.set(number, { resolve, reject });
      this.ask(of(number));
    });
  }

  private ask(request: TerminalRequest): void {
    process.send?.(request);
  }

  private hear(report: TerminalReport): void {
    if (report.tell === 'exited') {
      this.terminals.get(report.terminal)?.hasExited(report.exit, report.lastOutput);
      this.terminals.delete(report.terminal);
      return;
    }
    const { number, terminal: pid, name, error } = report;
    const waiter = this.waiting.get(number);
    this.waiting.delete(number);
    if (error !== undefined) return waiter?.reject(new Error(error));
    if (pid === undefined || name === undefined) return waiter?.resolve(undefined);
    const terminal = new BorrowedTerminal(pid, name, (request) => this.ask(request));
    this.terminals.set(pid, terminal);
    waiter?.resolve(terminal);
  }
}
