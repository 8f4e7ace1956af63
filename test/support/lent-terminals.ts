import type { ChildProcess } from 'node:child_process';
import type { TerminalExit, TerminalSpec } from '../../shared/backends/terminal-host.ts';
import { messageOf } from '../../shared/platform/errors.ts';
import type { PtyTerminal, PtyTerminalHost } from './pty-terminal-host.ts';

/** What a host process asks of the process that owns its terminals. `terminal` is a process id. */
export type TerminalRequest =
  | { ask: 'open'; number: number; spec: TerminalSpec }
  | { ask: 'find'; number: number; terminal: number; name: string }
  | { ask: 'write'; terminal: number; text: string }
  | { ask: 'close'; terminal: number };

/** What it is told. `number` is that of the question. */
export type TerminalReport =
  | { tell: 'terminal'; number: number; terminal?: number; name?: string; error?: string }
  | { tell: 'exited'; terminal: number; exit: TerminalExit; lastOutput: string };

/**
 * Gives a host in another process the use of terminals that this process owns: they outlive a host that is killed, as
 * the editor's do, which belong to its pty host and not to the process that the extension runs in.
 */
export function lendTerminals(terminals: PtyTerminalHost, child: ChildProcess): void {
  const byPid = new Map<number, PtyTerminal>();
  const tell = (report: TerminalReport): void => {
    // A child that has just died needs no answer.
    if (child.connected) child.send(report, () => undefined);
  };
  const lend = (number: number, terminal: PtyTerminal | undefined): void => {
    if (!terminal) return tell({ tell: 'terminal', number });
    const { pid, name } = terminal;
    byPid.set(pid, terminal);
    tell({ tell: 'terminal', number, terminal: pid, name });
    void terminal.exited.then((exit) => {
      byPid.delete(pid);
      tell({ tell: 'exited', terminal: pid, exit, lastOutput: terminal.lastOutput() });
    });
  };
  const answer = (number: number, found: Promise<PtyTerminal | undefined>): void => {
    found.then(
      (terminal) => lend(number, terminal),
      (error: unknown) => tell({ tell: 'terminal', number, error: messageOf(error) }),
    );
  };
  child.on('message', (message: TerminalRequest | object | string) => {
    if (typeof message !== 'object' || !('ask' in message)) return;
    switch (message.ask) {
      case 'open':
        return answer(
          message.number,
          Promise.resolve().then(() => terminals.open(message.spec)),
        );
      case 'find':
        return answer(message.number, terminals.find(message.terminal, message.name));
      case 'write':
        return byPid.get(message.terminal)?.write(message.text);
      case 'close':
        return byPid.get(message.terminal)?.close();
    }
  });
}
