import * as vscode from 'vscode';
import { messageOf } from '../../shared/platform/errors.ts';

const scheme = 'gastown';
const requestLanguage = 'gastown-request';

/** A document that can be seen is read again after a change at most once in this time, in milliseconds. */
const refreshPause = 1_000;

/** Which document it is. */
export interface DocumentName {
  /** What the tab says. */
  title: string;
  /** Tells it from others that are called the same. */
  id?: string;
  /** Tells the editor what language it is; `txt` where absent. */
  extension?: 'txt' | 'md';
}

export interface ShowOptions {
  /** Read to be answered: it begins below the list of answers, and no line goes on out of sight (see `package.json`). */
  isRequest?: boolean;
  /** The keyboard stays where it is. */
  preserveFocus?: boolean;
  /** Reads the text anew when the town has changed while the document can be seen. */
  refresh?: () => Promise<string>;
}

/** Read-only texts in editors: reports, timelines and the details of what a session asks. */
export class TextDocuments implements vscode.TextDocumentContentProvider {
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changed.event;
  private readonly texts = new Map<string, { text: string; refresh?: () => Promise<string> }>();
  private readonly registrations: vscode.Disposable;
  private readonly log: Pick<vscode.LogOutputChannel, 'debug'>;
  private timer: NodeJS.Timeout | undefined;

  constructor(log: Pick<vscode.LogOutputChannel, 'debug'>) {
    this.log = log;
    this.registrations = vscode.Disposable.from(
      this.changed,
      vscode.workspace.registerTextDocumentContentProvider(scheme, this),
      vscode.workspace.onDidCloseTextDocument(({ uri }) => {
        if (uri.scheme === scheme) this.texts.delete(uri.toString());
      }),
    );
  }

  /** Shows the text under a name; the same name again replaces it. */
  async show(
    name: DocumentName,
    text: string,
    { isRequest = false, preserveFocus = false, refresh }: ShowOptions = {},
  ): Promise<void> {
    const uri = uriOf(name);
    const document = await this.open(uri, { text, ...(refresh ? { refresh } : {}) }, isRequest);
    await vscode.window.showTextDocument(document, { preview: true, preserveFocus });
  }

  /** Closes the text under this name, where it is open. */
  async close(name: DocumentName): Promise<void> {
    const uri = uriOf(name).toString();
    const tabs = vscode.window.tabGroups.all.flatMap((group) => group.tabs);
    const shown = tabs.filter(({ input }) => input instanceof vscode.TabInputText && input.uri.toString() === uri);
    if (shown.length > 0) await vscode.window.tabGroups.close(shown, true);
  }

  /** Shows two texts side by side, with what has changed from one to the other, to be answered. */
  async showChange(title: string, before: string, after: string): Promise<void> {
    const side = async (name: string, text: string): Promise<vscode.Uri> =>
      (await this.open(uriOf({ title: `${title} (${name})` }), { text }, true)).uri;
    await vscode.commands.executeCommand('vscode.diff', await side('before', before), await side('now', after), title, {
      preview: true,
    });
  }

  private async open(
    uri: vscode.Uri,
    entry: { text: string; refresh?: () => Promise<string> },
    isRequest: boolean,
  ): Promise<vscode.TextDocument> {
    this.texts.set(uri.toString(), entry);
    this.changed.fire(uri);
    const document = await vscode.workspace.openTextDocument(uri);
    if (!isRequest || document.languageId === requestLanguage) return document;
    const request = await vscode.languages.setTextDocumentLanguage(document, requestLanguage);
    // With another language it counts as closed and opened.
    this.texts.set(uri.toString(), entry);
    return request;
  }

  /** The town has changed: what can be seen is read again. */
  refresh(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      for (const { document } of vscode.window.visibleTextEditors) {
        if (document.uri.scheme === scheme) void this.read(document.uri);
      }
    }, refreshPause);
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.texts.get(uri.toString())?.text ?? '';
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.registrations.dispose();
  }

  private async read(uri: vscode.Uri): Promise<void> {
    const known = this.texts.get(uri.toString());
    if (!known?.refresh) return;
    try {
      const text = await known.refresh();
      if (text === known.text || this.texts.get(uri.toString()) !== known) return;
      known.text = text;
      this.changed.fire(uri);
    } catch (error) {
      // The host has just gone, for example: the text stays as it was.
      this.log.debug(`${uri.path} could not be read again: ${messageOf(error)}`);
    }
  }
}

function uriOf({ title, id = '', extension = 'txt' }: DocumentName): vscode.Uri {
  return vscode.Uri.from({ scheme, path: `/${title.replaceAll('/', '-')}.${extension}`, query: id });
}
