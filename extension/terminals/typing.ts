import * as vscode from 'vscode';
import { Lifetime } from '../lifetime.ts';

/**
 * Whether the person is likely to be typing into a terminal. The editor does not say which terminal has the keyboard, so:
 * it is the active one, the window is in front and in use, and the person has not turned to a text editor since.
 */
export class Typing {
  private readonly lifetime = new Lifetime();
  private readonly changed = this.lifetime.own(new vscode.EventEmitter<void>());
  /** Something has happened that may have changed the answer. */
  readonly onDidChange = this.changed.event;
  private inEditor = false;

  constructor() {
    const moved = (inEditor: boolean) => {
      this.inEditor = inEditor;
      this.changed.fire();
    };
    this.lifetime.own(vscode.window.onDidChangeActiveTerminal(() => moved(false)));
    this.lifetime.own(vscode.window.onDidChangeWindowState(() => this.changed.fire()));
    this.lifetime.own(
      vscode.window.onDidChangeActiveTextEditor((editor) => {
        if (editor) moved(true);
      }),
    );
    this.lifetime.own(
      vscode.window.onDidChangeTextEditorSelection(({ kind }) => {
        // Without a kind it was a program that moved the cursor (a formatter, an agent), not the person.
        if (kind !== undefined && kind !== vscode.TextEditorSelectionChangeKind.Command) moved(true);
      }),
    );
  }

  into(terminal: vscode.Terminal): boolean {
    const { focused, active } = vscode.window.state;
    return terminal === vscode.window.activeTerminal && focused && active && !this.inEditor;
  }

  dispose(): Promise<void> {
    return this.lifetime.dispose();
  }
}
