import * as vscode from 'vscode';
import type { RefusedTown } from '../../shared/config/find-town.ts';
import { DisposableStore } from '../../shared/platform/disposable-store.ts';
import { findTownOf, isIn } from './find-town-of.ts';
import type { FoundTown } from './find-town-of.ts';

/** Roots of towns that were opened as a folder of a trusted workspace, or that the user has agreed to open from below. */
const knownKey = 'gastown.knownTowns';

/**
 * Finds the town of a trusted workspace. Settings of a town name programs, and the trust is for the opened folders: of a
 * town above them only what the user has opened before counts, or agrees to now.
 */
export class TownFinder {
  private readonly disposables = new DisposableStore();
  private readonly agreed = this.disposables.add(new vscode.EventEmitter<void>());
  /** The user has agreed to a town that was found before. */
  readonly onDidAgree = this.agreed.event;
  private readonly memory: vscode.Memento;
  private readonly log: vscode.LogOutputChannel;
  /** Each is told of once in a window. */
  private readonly told = new Set<string>();

  constructor(memory: vscode.Memento, log: vscode.LogOutputChannel) {
    this.memory = memory;
    this.log = log;
  }

  async find(folders: readonly string[]): Promise<FoundTown | undefined> {
    const known = this.known();
    const found = await findTownOf(folders, {
      isKnown: (root) => known.includes(root),
      refused: (town) => this.tellRefused(town, folders),
    });
    if (found?.mayOpen === false) void this.ask(found.root);
    else if (found && !known.includes(found.root)) await this.remember(found.root);
    return found;
  }

  /** The user has made it, or opened it: there is nothing to ask about it from now on. */
  async remember(root: string): Promise<void> {
    await this.memory.update(knownKey, [...new Set([...this.known(), root])]);
  }

  /** The user wants it opened, wherever it lies. */
  async agree(root: string): Promise<void> {
    await this.remember(root);
    this.agreed.fire();
  }

  dispose(): Promise<void> {
    return this.disposables.dispose();
  }

  private known(): readonly string[] {
    return this.memory.get<string[]>(knownKey, []);
  }

  private async ask(root: string): Promise<void> {
    if (this.told.has(root)) return;
    this.told.add(root);
    this.log.info(`The town ${root} is above the opened folders, and is not opened before the user agrees.`);
    const use = vscode.l10n.t('Open This Town');
    const message = vscode.l10n.t(
      'This folder lies in the Gas Town {0}, which is not part of the workspace that you trust. Its settings name programs that are run here.',
      root,
    );
    if ((await vscode.window.showInformationMessage(message, use)) !== use) return;
    await this.agree(root);
  }

  /** What lies above the opened folders is nobody's mistake here; the log has it. */
  private tellRefused({ root, reason }: RefusedTown, folders: readonly string[]): void {
    if (this.told.has(root)) return;
    this.told.add(root);
    this.log.warn(`${root} is not opened as a town: ${reason}.`);
    if (isIn(root, folders)) {
      void vscode.window.showWarningMessage(vscode.l10n.t('{0} is not opened as a town: {1}.', root, reason));
    }
  }
}
