import * as vscode from 'vscode';
import { Lifetime } from '../lifetime.ts';

/** So long after its last use, a text editor is not believed to have the keyboard any more, in milliseconds. */
const editorUse = 5_000;

/**
 * Whether the person is likely to be typing into a terminal. The editor does not say what has the keyboard, so: the
 * terminal is the active one, the window is in front and in use, and no text editor was used just before. Nothing is
 * told when the keyboard goes from an editor back to the terminal, hence the time.
 */
export class Typing {
  private readonly lifetime = new Lifetime();
  private readonly changed = this.lifetime.own(new vscode.EventEmitter<void>());
  /** Something has happened that may have changed the answer. */
  readonly onDidChange = this.changed.event;
  private editorUsedAt = Number.NEGATIVE_INFINITY;

  constructor() {
    const used = (at: number) => {
      this.editorUsedAt = at;
      this.changed.fire();
    };
    this.lifetime.own(vscode.window.onDidChangeActiveTerminal(() => used(Number.NEGATIVE_INFINITY)));
    this.lifetime.own(vscode.window.onDidChangeWindowState(() => this.changed.fire()));
    this.lifetime.own(
      vscode.window.onDidChangeActiveTextEditor((editor) => {
        if (editor) used(performance.now());
      }),
    );
    this.lifetime.own(
      vscode.window.onDidChangeTextEditorSelection(({ kind }) => {
        // Without a kind it was a program that moved the cursor (a formatter, an agent), not the person.
        if (kind !== undefined && kind !== vscode.TextEditorSelectionChangeKind.Command) used(performance.now());
      }),
    );
  }

  into(terminal: vscode.Terminal): boolean {
    const { focused, active } = vscode.window.state;
    return (
      terminal === vscode.window.activeTerminal &&
      focused &&
      active &&
      performance.now() - this.editorUsedAt > editorUse
    );
  }

  dispose(): Promise<void> {
    return this.lifetime.dispose();
  }
}
