import * as vscode from 'vscode';
import type { AttachTarget } from '../../shared/domain/run.ts';
import { roleIcon } from './role-icon.ts';
import type { Typing } from './typing.ts';

/**
 * Terminals in which a user watches a session that has no terminal of its own. One per session; closing it ends only
 * the watching.
 */
export class AttachTerminals {
  private readonly bySession = new Map<string, vscode.Terminal>();
  private readonly registration: vscode.Disposable;
  private readonly typing: Typing;

  constructor(typing: Typing) {
    this.typing = typing;
    this.registration = vscode.window.onDidCloseTerminal((closed) => {
      for (const [session, terminal] of this.bySession) if (terminal === closed) this.bySession.delete(session);
    });
  }

  /** Opens the session's terminal, or brings the one that is open to the front, with the keyboard unless `preserveFocus`. */
  show(session: string, target: Extract<AttachTarget, { kind: 'program' }>, preserveFocus: boolean): void {
    const terminal = this.bySession.get(session) ?? this.open(target);
    this.bySession.set(session, terminal);
    if (!preserveFocus) this.typing.activated(terminal);
    terminal.show(preserveFocus);
  }

  /** Whether this terminal shows that session. */
  shows(terminal: vscode.Terminal, session: string): boolean {
    return this.bySession.get(session) === terminal;
  }

  dispose(): void {
    this.registration.dispose();
    this.closeAll();
  }

  closeAll(): void {
    for (const terminal of this.bySession.values()) terminal.dispose();
  }

  private open(target: Extract<AttachTarget, { kind: 'program' }>): vscode.Terminal {
    const terminal = create(target);
    void terminal.processId.then((pid) => (pid === undefined ? undefined : this.typing.follow(terminal, pid)));
    return terminal;
  }
}

function create({ name, program, args, env, cwd }: Extract<AttachTarget, { kind: 'program' }>): vscode.Terminal {
  return vscode.window.createTerminal({
    name,
    shellPath: program,
    shellArgs: args,
    env,
    strictEnv: true,
    cwd,
    iconPath: roleIcon(''),
    isTransient: true,
  });
}
