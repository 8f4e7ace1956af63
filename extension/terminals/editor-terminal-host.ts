import * as vscode from 'vscode';
import type { ManagedTerminal, TerminalHost, TerminalSpec } from '../../shared/backends/terminal-host.ts';
import { GasTownError, throwIfCancelled } from '../../shared/platform/errors.ts';
import { EditorTerminal } from './editor-terminal.ts';
import { roleIcon } from './role-icon.ts';
import type { Typing } from './typing.ts';

/**
 * In this time after activation the editor has brought its terminals back, in milliseconds (measured: up to 4 s, on a busy
 * machine more). Generous, because an agent whose terminal does not come back cannot be driven any more and is ended.
 */
const returnBound = 30_000;

/** Later on, its terminals are there, and only their process ids have to be asked for. */
const leastBound = 1_000;

/** Agent programs in the terminals of this window. They survive a reload of it. */
export class EditorTerminalHost implements TerminalHost {
  private readonly typing: Typing;
  private readonly until = Date.now() + returnBound;

  constructor(typing: Typing) {
    this.typing = typing;
  }

  async open(spec: TerminalSpec, signal?: AbortSignal): Promise<ManagedTerminal> {
    throwIfCancelled(signal, `Opening the terminal ${spec.name}`);
    const terminal = vscode.window.createTerminal({
      name: spec.name,
      shellPath: spec.program,
      shellArgs: spec.args,
      env: spec.env,
      strictEnv: true,
      cwd: spec.cwd,
      iconPath: roleIcon(spec.role),
      location: vscode.TerminalLocation.Panel,
    });
    const pid = await startedPid(terminal, signal);
    if (pid !== undefined) {
      await this.typing.follow(terminal, pid);
      return new EditorTerminal(terminal, spec.name, pid, this.typing);
    }
    const code = terminal.exitStatus?.code;
    terminal.dispose();
    throwIfCancelled(signal, `Opening the terminal ${spec.name}`);
    const how = code === undefined ? 'did not start' : `ended at once with code ${code}`;
    throw new GasTownError(
      'spawn-failed',
      `${spec.program} ${how} in the terminal ${spec.name}. Is it there, and may it be run?`,
    );
  }

  async find(pid: number, name: string): Promise<ManagedTerminal | undefined> {
    const found = await this.terminalOf(pid);
    if (!found) return undefined;
    await this.typing.follow(found, pid);
    // The editor may show another title by now; the name that the core knows it by stays.
    return new EditorTerminal(found, name, pid, this.typing);
  }

  /** The terminal whose process it is, as soon as the editor has it again. */
  private terminalOf(pid: number): Promise<vscode.Terminal | undefined> {
    return new Promise((resolve) => {
      const done = (terminal: vscode.Terminal | undefined) => {
        clearTimeout(bound);
        registration.dispose();
        resolve(terminal);
      };
      const look = async (terminal: vscode.Terminal) => {
        if ((await terminal.processId) === pid) done(terminal);
      };
      const bound = setTimeout(() => done(undefined), Math.max(leastBound, this.until - Date.now()));
      const registration = vscode.window.onDidOpenTerminal((terminal) => void look(terminal));
      for (const terminal of vscode.window.terminals) void look(terminal);
    });
  }
}

/**
 * The process id; undefined where the program could not be started, the terminal is closed, or the signal fires first.
 */
function startedPid(terminal: vscode.Terminal, signal: AbortSignal | undefined): Promise<number | undefined> {
  return new Promise((resolve) => {
    const done = (pid: number | undefined) => {
      registration.dispose();
      signal?.removeEventListener('abort', cancel);
      resolve(pid);
    };
    const cancel = () => done(undefined);
    const registration = vscode.window.onDidCloseTerminal((closed) => {
      if (closed === terminal) done(undefined);
    });
    signal?.addEventListener('abort', cancel);
    void terminal.processId.then(done);
  });
}
