import * as vscode from 'vscode';
import { lastInput, terminalDevice } from '../../shared/platform/terminal-input.ts';
import { DisposableStore } from '../../shared/platform/disposable-store.ts';
import { isInView, leavesByEditor, typingUntil } from './hands.ts';
import type { Signs } from './hands.ts';

interface Use {
  /** Undefined where the system does not tell of keys. */
  device: string | undefined;
  writtenAt: number;
  activatedAt: number;
}

/**
 * Whether the user is typing into a terminal, or has it before their eyes. The editor says neither what has the keyboard
 * nor whether the panel is open; the system notes when keys reached a terminal.
 */
export class Typing {
  private readonly disposables = new DisposableStore();
  private readonly changed = this.disposables.add(new vscode.EventEmitter<void>());
  /** Something has happened that may have changed the answer. */
  readonly onDidChange = this.changed.event;
  private readonly uses = new WeakMap<vscode.Terminal, Use>();
  private elsewhereAt = 0;
  private editorAt = 0;

  constructor() {
    this.disposables.add(
      vscode.window.onDidChangeActiveTerminal((terminal) => {
        if (terminal) this.activated(terminal);
        this.changed.fire();
      }),
    );
    this.disposables.add(vscode.window.onDidChangeWindowState(() => this.changed.fire()));
    this.disposables.add(
      vscode.window.onDidChangeActiveTextEditor((editor) => {
        if (editor) this.cameUp();
      }),
    );
    this.disposables.add(
      vscode.window.onDidChangeTextEditorSelection(({ kind }) => {
        // Without a kind it was a program that moved the cursor (a formatter, an agent), not the user.
        if (kind !== undefined && kind !== vscode.TextEditorSelectionChangeKind.Command) this.elsewhere();
      }),
    );
  }

  /** Resolves when it is known whether the system tells of keys in this terminal. */
  async follow(terminal: vscode.Terminal, pid: number): Promise<void> {
    this.useOf(terminal).device = await terminalDevice(pid);
  }

  /** The user uses something that is not a terminal: what is sent by a command or view of ours proves that as well. */
  elsewhere(): void {
    this.elsewhereAt = Date.now();
    this.changed.fire();
  }

  /** It is brought up with the keyboard. */
  activated(terminal: vscode.Terminal): void {
    this.useOf(terminal).activatedAt = Date.now();
  }

  /** What comes in there now is ours. */
  wrote(terminal: vscode.Terminal): void {
    this.useOf(terminal).writtenAt = Date.now();
  }

  /** Until when, in epoch milliseconds; undefined: nobody is typing there. */
  until(terminal: vscode.Terminal): number | undefined {
    return typingUntil(this.signs(terminal));
  }

  isInView(terminal: vscode.Terminal): boolean {
    return isInView(this.signs(terminal));
  }

  dispose(): Promise<void> {
    return this.disposables.dispose();
  }

  private cameUp(): void {
    const { activeTerminal } = vscode.window;
    const leaves = activeTerminal === undefined || leavesByEditor(this.signs(activeTerminal));
    this.editorAt = Date.now();
    if (leaves) this.elsewhere();
    else this.changed.fire();
  }

  private signs(terminal: vscode.Terminal): Signs {
    const { focused, active } = vscode.window.state;
    const { device, writtenAt, activatedAt } = this.useOf(terminal);
    return {
      now: Date.now(),
      canType: terminal === vscode.window.activeTerminal && focused && active,
      elsewhereAt: this.elsewhereAt,
      editorAt: this.editorAt,
      input: device === undefined ? 'unknown' : lastInput(device),
      writtenAt,
      activatedAt,
    };
  }

  private useOf(terminal: vscode.Terminal): Use {
    const known = this.uses.get(terminal) ?? { device: undefined, writtenAt: 0, activatedAt: 0 };
    this.uses.set(terminal, known);
    return known;
  }
}
