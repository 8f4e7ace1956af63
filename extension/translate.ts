/**
 * `vscode.l10n.t` as the files see it that must not know the editor: `{0}`, `{1}` … in the message stand for the
 * arguments.
 */
export type Translate = (message: string, ...args: (string | number)[]) => string;
