import * as vscode from 'vscode';
import { messageOf } from '../../shared/platform/errors.ts';
import type { Logger } from '../../shared/platform/logger.ts';
import type { TownConnection } from '../../shared/host/membership.ts';
import type { ShowRequest } from '../../shared/channel/protocol.ts';
import type { TownSnapshot } from '../../shared/channel/views.ts';
import { DisposableStore } from '../../shared/platform/disposable-store.ts';
import { logText } from '../log-text.ts';
import type { FoundTown } from './find-town-of.ts';

export interface TownAccess {
  /** The town that one of the folders is in. */
  find(folders: readonly string[]): Promise<FoundTown | undefined>;
  join(root: string): Promise<TownConnection>;
  readonly log: Logger;
}

/**
 * The town of this window. Looks for one when the window opens, when folders come and go, when trust is granted and
 * when a settings file appears; joins it, and tells everybody of its snapshots.
 */
export class CurrentTown {
  private readonly disposables = new DisposableStore();
  private readonly changed = this.disposables.add(new vscode.EventEmitter<TownSnapshot | undefined>());
  /** A new snapshot, at most one per 100 ms (the host sees to that); undefined when there is no town any more. */
  readonly onDidChange = this.changed.event;
  private readonly shown = this.disposables.add(new vscode.EventEmitter<ShowRequest>());
  /** Somebody wants to see something in this window. */
  readonly onDidAskToShow = this.shown.event;
  private readonly access: TownAccess;
  private current: TownConnection | undefined;
  /** What follows the connection. */
  private following = new DisposableStore();
  private refreshing: Promise<void> = Promise.resolve();
  private watchers = new DisposableStore();
  private disposed = false;
  private failure: string | undefined;
  private hasSearched = false;
  /** Root of a town that was removed while this window was in it: left alone until the user opens it again. */
  private leftAlone: string | undefined;
  private isRemoved = false;
  private rootAbove: string | undefined;

  constructor(access: TownAccess) {
    this.access = access;
    this.disposables.add(vscode.workspace.onDidChangeWorkspaceFolders(() => void this.refresh()));
    this.disposables.add(vscode.workspace.onDidGrantWorkspaceTrust(() => void this.refresh()));
  }

  get connection(): TownConnection | undefined {
    return this.current;
  }

  get snapshot(): TownSnapshot | undefined {
    return this.current?.snapshot;
  }

  /** Why the town that was found could not be joined. */
  get problem(): string | undefined {
    return this.failure;
  }

  /** Whether the town that was found has been removed, and is left alone. */
  get removed(): boolean {
    return this.isRemoved;
  }

  /** Root of a town that lies above the folders, and is not opened before the user agrees. */
  get above(): string | undefined {
    return this.rootAbove;
  }

  get searched(): boolean {
    return this.hasSearched;
  }

  /**
   * Finds the town anew, and joins it where it is another one than before. Never rejects: what goes wrong is told to
   * the user. `again` leaves the present town first, so that it starts with new settings.
   */
  refresh(again = false): Promise<void> {
    this.refreshing = this.refreshing.then(() => this.findAndJoin(again));
    return this.refreshing;
  }

  /** As `refresh`, but a town that was removed is opened again, too. */
  open(): Promise<void> {
    this.leftAlone = undefined;
    return this.refresh();
  }

  async dispose(): Promise<void> {
    this.disposed = true;
    await this.watchers.dispose();
    await this.disposables.dispose();
    await this.refreshing;
    await this.leave();
  }

  private async findAndJoin(again: boolean): Promise<void> {
    const folders = (vscode.workspace.workspaceFolders ?? []).filter((folder) => folder.uri.scheme === 'file');
    try {
      const found = vscode.workspace.isTrusted
        ? await this.access.find(folders.map((each) => each.uri.fsPath))
        : undefined;
      this.rootAbove = found?.mayOpen === false ? found.root : undefined;
      const root = found?.mayOpen ? found.root : undefined;
      this.isRemoved = root !== undefined && root === this.leftAlone;
      await this.change(this.isRemoved ? undefined : root, again);
    } catch (error) {
      this.tell(error, vscode.l10n.t('Gas Town could not look for a town: {0}', messageOf(error)));
    }
    if (!this.disposed) this.watchFor(folders);
  }

  private async change(root: string | undefined, again: boolean): Promise<void> {
    if (this.disposed) return;
    const before = this.current?.snapshot.root;
    if (before === root && !again && this.failure === undefined) return this.draw();
    await this.leave();
    this.failure = undefined;
    if (root !== undefined) {
      try {
        this.current = await this.access.join(root);
        this.following.add(this.current.onDidChange(() => this.draw()));
        this.following.add(this.current.onDidAskToShow((what) => this.shown.fire(what)));
        this.following.add(
          this.current.onDidRemove(() => {
            this.access.log.info(`The town ${root} was removed.`);
            this.leftAlone = root;
            void this.refresh();
          }),
        );
        this.access.log.info(`Joined the town ${root} as ${this.current.role}.`);
      } catch (error) {
        this.failure = vscode.l10n.t('The town {0} could not be opened: {1}', root, messageOf(error));
        this.tell(error, this.failure);
      }
    }
    this.draw();
  }

  private async leave(): Promise<void> {
    const connection = this.current;
    this.current = undefined;
    const { following } = this;
    this.following = new DisposableStore();
    await following.dispose();
    await connection?.dispose();
  }

  private draw(): void {
    this.hasSearched = true;
    if (!this.disposed) this.changed.fire(this.current?.snapshot);
  }

  /** While there is no town, a settings file that appears in an open folder may make it one. */
  private watchFor(folders: readonly vscode.WorkspaceFolder[]): void {
    void this.watchers.dispose();
    this.watchers = new DisposableStore();
    if (this.current || !vscode.workspace.isTrusted) return;
    for (const folder of folders) {
      const pattern = new vscode.RelativePattern(folder, 'settings/config.json');
      const watcher = this.watchers.add(vscode.workspace.createFileSystemWatcher(pattern));
      this.watchers.add(watcher.onDidCreate(() => void this.refresh()));
      this.watchers.add(watcher.onDidChange(() => void this.refresh()));
    }
  }

  private tell(error: unknown, message: string): void {
    this.access.log.error(logText(error, message));
    const again = vscode.l10n.t('Try Again');
    const showLog = vscode.l10n.t('Show Log');
    void vscode.window.showErrorMessage(message, again, showLog).then((chosen) => {
      if (chosen === again) void this.refresh(true);
      if (chosen === showLog) void vscode.commands.executeCommand('gastown.showLog');
    });
  }
}
