import * as vscode from 'vscode';
import type { TownConnection } from '../../shared/host/membership.ts';
import type { WorkView } from '../../shared/channel/views.ts';
import { DisposableStore } from '../../shared/platform/disposable-store.ts';
import { messageOf } from '../../shared/platform/errors.ts';
import { workDocument } from '../../shared/work/work-document.ts';
import { written } from './written.ts';

export const workScheme = 'gt-work';
const memoryKey = 'workDrafts';

/** A document whose text was kept, but not added or changed in the town yet. */
interface Draft {
  text: string;
  /** Epoch milliseconds. */
  at: number;
  /** The editor has saved it by itself, so it has what the user wrote. */
  written?: true;
}

/** Told when a document was saved, and what came of it. */
export interface SavedWork {
  uri: vscode.Uri;
  /** Whether they were added; else it is one that was changed. */
  added: boolean;
  work: readonly WorkView[];
}

/**
 * Units of work as Markdown documents of the editor: to save a new one adds its units, to save that of a unit changes it. Only
 * the user's own saving does so; what the editor saves by itself is kept as a draft.
 */
export class WorkDocuments implements vscode.FileSystemProvider {
  private readonly disposables = new DisposableStore();
  private readonly changed = this.disposables.add(new vscode.EventEmitter<vscode.FileChangeEvent[]>());
  readonly onDidChangeFile = this.changed.event;
  private readonly saved = this.disposables.add(new vscode.EventEmitter<SavedWork>());
  readonly onDidSave = this.saved.event;
  private readonly drafts: Map<string, Draft>;
  private readonly memory: vscode.Memento;
  /** Those that the user is just saving. */
  private readonly byHand = new Set<string>();
  /** Those that are just saved by a command of ours, which goes on by itself. */
  private readonly byCommand = new Set<string>();
  /** What came of the saving that is under way. */
  private readonly results = new Map<string, SavedWork>();
  private readonly connection: () => TownConnection | undefined;
  private count = 0;

  constructor(connection: () => TownConnection | undefined, memory: vscode.Memento) {
    this.connection = connection;
    this.memory = memory;
    this.drafts = new Map(Object.entries(memory.get<Record<string, Draft>>(memoryKey, {})));
    this.disposables.add(vscode.workspace.registerFileSystemProvider(workScheme, this, { isCaseSensitive: true }));
    this.disposables.add(
      vscode.workspace.onWillSaveTextDocument(({ document: { uri }, reason }) => {
        if (uri.scheme !== workScheme) return;
        const isTheirs = reason === vscode.TextDocumentSaveReason.Manual && !this.byCommand.has(uri.path);
        if (isTheirs) this.byHand.add(uri.path);
        else this.byHand.delete(uri.path);
      }),
    );
    this.disposables.add(
      vscode.window.tabGroups.onDidChangeTabs(({ closed }) => {
        for (const { input } of closed) if (input instanceof vscode.TabInputText) void this.keep(input.uri);
      }),
    );
    this.disposables.add(vscode.workspace.onDidSaveTextDocument(({ uri }) => this.tell(uri)));
  }

  dispose(): Promise<void> {
    return this.disposables.dispose();
  }

  /** Opens a document for new units. */
  async openNew(text: string): Promise<void> {
    this.count += 1;
    const uri = vscode.Uri.from({ scheme: workScheme, path: `/new/${Date.now()}-${this.count}/New Work Unit.md` });
    this.setDraft(uri, { text, at: Date.now() });
    const document = await vscode.workspace.openTextDocument(uri);
    const line = text.split('\n').findIndex((each) => each.startsWith('title: '));
    const end = document.lineAt(Math.max(0, line)).range.end;
    await vscode.window.showTextDocument(document, { preview: false, selection: new vscode.Range(end, end) });
  }

  /** Opens the document of a unit; `more` is put behind its text, for the user to save. */
  async openUnit(id: string, more?: string): Promise<void> {
    const document = await vscode.workspace.openTextDocument(uriOfUnit(id));
    await vscode.window.showTextDocument(document, { preview: false });
    if (more === undefined) return;
    const edit = new vscode.WorkspaceEdit();
    edit.insert(document.uri, document.lineAt(document.lineCount - 1).range.end, `\n${more}\n`);
    await vscode.workspace.applyEdit(edit);
  }

  /** Adds the units of a document, or changes its unit, also where the editor has saved the text by itself. Rejects with what is wrong. */
  async save(document: vscode.TextDocument): Promise<void> {
    const { path } = document.uri;
    this.byCommand.add(path);
    try {
      if (!(await written(document))) return;
    } finally {
      this.byCommand.delete(path);
    }
    await this.apply(document.uri, document.getText());
    this.tell(document.uri);
  }

  async readFile(uri: vscode.Uri): Promise<Uint8Array> {
    return Buffer.from((await this.contentOf(uri)).text, 'utf8');
  }

  async stat(uri: vscode.Uri): Promise<vscode.FileStat> {
    const { text, at } = await this.contentOf(uri);
    return { type: vscode.FileType.File, ctime: 0, mtime: at, size: Buffer.byteLength(text, 'utf8') };
  }

  async writeFile(uri: vscode.Uri, content: Uint8Array): Promise<void> {
    const text = Buffer.from(content).toString('utf8');
    this.setDraft(uri, { text, at: Date.now(), written: true });
    if (!this.byHand.delete(uri.path)) return;
    try {
      await this.apply(uri, text);
    } catch (error) {
      // The editor would take back what it says about a failure when it saves by itself a moment later.
      void vscode.window.showErrorMessage(messageOf(error));
    }
  }

  watch(): vscode.Disposable {
    return new vscode.Disposable(() => undefined);
  }

  readDirectory(): [string, vscode.FileType][] {
    return [];
  }

  createDirectory(uri: vscode.Uri): void {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  delete(uri: vscode.Uri): void {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  rename(uri: vscode.Uri): void {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  /** Kept over a reload of the window, too: the editor takes for saved what it has saved by itself. */
  private setDraft({ path }: vscode.Uri, draft: Draft | undefined): void {
    if (draft) this.drafts.set(path, draft);
    else this.drafts.delete(path);
    void this.memory.update(memoryKey, Object.fromEntries(this.drafts));
  }

  /** The editor asks nothing when it closes what it has saved by itself. */
  private async keep(uri: vscode.Uri): Promise<void> {
    if (uri.scheme !== workScheme || tabsOf(uri).length > 0) return;
    if (!this.drafts.get(uri.path)?.written) return this.setDraft(uri, undefined);
    const { t } = vscode.l10n;
    const again = t('Open Again');
    const message = t('{0} was closed without being saved to the town.', unitOf(uri) ?? t('The new work unit'));
    if ((await vscode.window.showWarningMessage(message, again)) !== again) this.setDraft(uri, undefined);
    else await vscode.window.showTextDocument(uri, { preview: false });
  }

  private async apply(uri: vscode.Uri, text: string): Promise<void> {
    const { api } = this.town();
    const id = unitOf(uri);
    const name = id ?? 'New Work Unit';
    const work =
      id === undefined
        ? (await api.request('work.import', { documents: [{ name, text }] })).work
        : [await api.request('work.edit', { id, document: { name, text } })];
    this.setDraft(uri, undefined);
    this.results.set(uri.path, { uri, added: id === undefined, work });
  }

  /** The editor is done with saving it. */
  private tell(uri: vscode.Uri): void {
    const result = uri.scheme === workScheme ? this.results.get(uri.path) : undefined;
    if (!result) return;
    this.results.delete(uri.path);
    if (!result.added) this.changed.fire([{ type: vscode.FileChangeType.Changed, uri }]);
    this.saved.fire(result);
  }

  /** As the editor knows a file: it asks before it saves over what somebody else has changed since. */
  private async contentOf(uri: vscode.Uri): Promise<Draft> {
    const draft = this.drafts.get(uri.path);
    const id = unitOf(uri);
    // What was added, or was restored by the editor after a reload, has no text of its own.
    if (draft !== undefined || id === undefined) return draft ?? { text: '', at: 0 };
    const { api } = this.town();
    try {
      const unit = await api.request('work.show', { id });
      const { title, description, type, priority, rig, after = [], batch = '', payload } = unit;
      const known = { id, title, type, priority, rig, after, batch, description };
      const text = workDocument(Object.keys(payload).length === 0 ? known : { ...known, payload });
      return { text, at: unit.history.findLast(({ state }) => state === 'edited')?.at ?? unit.createdAt };
    } catch (error) {
      throw vscode.FileSystemError.FileNotFound(messageOf(error));
    }
  }

  private town(): TownConnection {
    const connection = this.connection();
    if (connection) return connection;
    throw vscode.FileSystemError.Unavailable(vscode.l10n.t('This window is in no town.'));
  }
}

/** Where a document is shown. */
export const tabsOf = (uri: vscode.Uri): vscode.Tab[] =>
  vscode.window.tabGroups.all
    .flatMap(({ tabs }) => tabs)
    .filter(({ input }) => input instanceof vscode.TabInputText && input.uri.toString() === uri.toString());

const uriOfUnit = (id: string): vscode.Uri => vscode.Uri.from({ scheme: workScheme, path: `/unit/${id}.md` });

const unitOf = ({ path }: vscode.Uri): string | undefined => /^\/unit\/(.+)\.md$/.exec(path)?.[1];
