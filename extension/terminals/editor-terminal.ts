import * as vscode from 'vscode';
import type { ManagedTerminal, TerminalExit } from '../../shared/backends/terminal-host.ts';
import type { Typing } from './typing.ts';

/** A terminal of this window with an agent program in it. */
export class EditorTerminal implements ManagedTerminal {
  readonly name: string;
  readonly pid: number;
  readonly exited: Promise<TerminalExit>;
  readonly terminal: vscode.Terminal;
  private readonly typing: Typing;

  constructor(terminal: vscode.Terminal, name: string, pid: number, typing: Typing) {
    this.terminal = terminal;
    this.name = name;
    this.pid = pid;
    this.typing = typing;
    this.exited = exitOf(terminal);
  }

  write(text: string): void {
    this.typing.wrote(this.terminal);
    this.terminal.sendText(text, false);
  }

  show(preserveFocus = false): void {
    if (!preserveFocus) this.typing.activated(this.terminal);
    this.terminal.show(preserveFocus);
  }

  close(): void {
    this.terminal.dispose();
  }

  personIsTyping(): boolean {
    return this.typing.until(this.terminal) !== undefined;
  }

  whenNotTyping(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      let pause: NodeJS.Timeout | undefined;
      const look = () => {
        clearTimeout(pause);
        const until = signal.aborted ? undefined : this.typing.until(this.terminal);
        if (until === undefined) return done();
        // When the hands go off the keys, nothing is told.
        if (until < Number.POSITIVE_INFINITY) pause = setTimeout(look, until - Date.now());
      };
      const done = () => {
        signal.removeEventListener('abort', look);
        registration.dispose();
        resolve();
      };
      const registration = this.typing.onDidChange(look);
      signal.addEventListener('abort', look);
      look();
    });
  }
}

/**
 * Resolves when the terminal is closed. The editor tells by whom. Where its window goes (a reload) it takes the terminal away
 * as well, and keeps the program for the next one, or ends it: the next host sees which, and nothing has ended here.
 */
function exitOf(terminal: vscode.Terminal): Promise<TerminalExit> {
  if (terminal.exitStatus) return Promise.resolve(exitIn(terminal.exitStatus));
  return new Promise((resolve) => {
    const registration = vscode.window.onDidCloseTerminal((closed) => {
      if (closed !== terminal || closed.exitStatus?.reason === vscode.TerminalExitReason.Shutdown) return;
      registration.dispose();
      resolve(exitIn(closed.exitStatus));
    });
  });
}

function exitIn(status: vscode.TerminalExitStatus | undefined): TerminalExit {
  return { code: status?.code, closedByUser: status?.reason === vscode.TerminalExitReason.User };
}
