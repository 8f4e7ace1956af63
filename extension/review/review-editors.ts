import * as vscode from 'vscode';
import type { ChangeView, MergeView } from '../../shared/channel/views.ts';
import { DisposableStore } from '../../shared/platform/disposable-store.ts';
import type { ContextKeys } from '../context-keys.ts';
import type { CurrentTown } from '../town/current-town.ts';
import { isDecidable } from '../views/merge-text.ts';
import { sideUri } from './review-documents.ts';
import { reviewIn } from './review-title.ts';

/** Name of the row, what was before, what is now; one of the two is absent for a file that is only on one side. */
export type ComparedFile = [vscode.Uri, vscode.Uri | undefined, vscode.Uri | undefined];

const fileInputs = [vscode.TabInputText, vscode.TabInputTextDiff, vscode.TabInputCustom, vscode.TabInputNotebook];

/** A file may be called anything. */
const isOfFile = ({ input }: vscode.Tab): boolean => fileInputs.some((kind) => input instanceof kind);

/** The editor reads all files of a change at once; nobody reads more in one sitting. */
const mostFiles = 300;

/** Changes in the editor's own view of many files, and which of them the user looks at. */
export class ReviewEditors {
  private readonly disposables = new DisposableStore();
  private readonly town: CurrentTown;
  private readonly keys: ContextKeys;

  constructor(town: CurrentTown, keys: ContextKeys) {
    this.town = town;
    this.keys = keys;
    const update = (): void => this.update();
    this.disposables.add(vscode.window.tabGroups.onDidChangeTabs(update));
    this.disposables.add(vscode.window.tabGroups.onDidChangeTabGroups(update));
    this.disposables.add(town.onDidChange(update));
  }

  /** The review in the active editor: its unit, and in which round it is shown. */
  get active(): { work: string; round: number } | undefined {
    const tab = vscode.window.tabGroups.activeTabGroup.activeTab;
    return tab === undefined || isOfFile(tab) ? undefined : reviewIn(tab.label);
  }

  /** Shows what lies between the two commits of the change. */
  async open(title: string, { work, from, to, files }: ChangeView): Promise<void> {
    await this.show(
      title,
      files.map(({ path, before = path, status }): ComparedFile => {
        const old = status === 'added' ? undefined : sideUri(work, from, 'old', before);
        const now = status === 'deleted' ? undefined : sideUri(work, to, 'new', path);
        return [now ?? sideUri(work, from, 'old', before), old, now];
      }),
    );
  }

  async show(title: string, files: readonly ComparedFile[]): Promise<void> {
    const { t } = vscode.l10n;
    if (files.length === 0) {
      void vscode.window.showInformationMessage(t('{0}: no file differs.', title));
      return;
    }
    await vscode.commands.executeCommand('vscode.changes', title, files.slice(0, mostFiles));
    if (files.length > mostFiles)
      void vscode.window.showWarningMessage(
        t('{0}: the first {1} of {2} files are shown. Open the worktree to see all.', title, mostFiles, files.length),
      );
  }

  dispose(): Promise<void> {
    return this.disposables.dispose();
  }

  private update(): void {
    const work = this.active?.work;
    const merge = work === undefined ? undefined : mergeOf(this.town, work);
    this.keys.set({ reviewing: merge !== undefined && isDecidable(merge) });
  }
}

/** Undefined where it has not been finished yet, or has long come to an end. */
export function mergeOf({ snapshot }: Pick<CurrentTown, 'snapshot'>, work: string): MergeView | undefined {
  return snapshot?.merges.find((merge) => merge.work === work);
}
