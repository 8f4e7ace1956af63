import * as vscode from 'vscode';
import { messageOf } from '../../shared/platform/errors.ts';
import type { TownConnection } from '../../shared/host/membership.ts';
import type { MessageView } from '../../shared/channel/views.ts';
import type { ContextKeys } from '../context-keys.ts';
import { DisposableStore } from '../../shared/platform/disposable-store.ts';
import type { CurrentTown } from '../town/current-town.ts';
import { Ages } from './ages.ts';
import { messageTooltip, messageTree, shownText } from './message-tree.ts';
import type { ShownMessages } from './message-tree.ts';
import { NodeTreeProvider } from './node-tree-provider.ts';
import type { RowTarget } from './tree-node.ts';
import { viewContext, viewIds } from './views.ts';

/** The view shows so many, the newest. */
const shownAtMost = 200;

/**
 * The Messages view: asked for anew only while somebody sees it, and when the snapshot says that messages have changed.
 * The editor gets its rows when the first answer is there: nothing asked for is not "no messages".
 */
export class MessagesView {
  private readonly disposables = new DisposableStore();
  private readonly town: CurrentTown;
  private readonly keys: ContextKeys;
  private readonly log: vscode.LogOutputChannel;
  private readonly provider: NodeTreeProvider;
  private readonly view: vscode.TreeView<string>;
  private messages: readonly MessageView[] = [];
  /** Whether they have been asked for, and answered. */
  private isKnown = false;
  private filter: ShownMessages = {};
  /** Of what the rows are; undefined: they are old. */
  private shown: { connection: TownConnection | undefined; revision: number } | undefined;
  /** The newest question; settled once it is answered, or could not be. */
  private answer: Promise<void> = Promise.resolve();

  constructor(town: CurrentTown, keys: ContextKeys, log: vscode.LogOutputChannel) {
    this.town = town;
    this.keys = keys;
    this.log = log;
    this.provider = this.disposables.add(
      new NodeTreeProvider(
        ({ target }) => {
          const message = target.kind === 'message' ? this.find(target.message) : undefined;
          return message && messageTooltip(message, viewContext());
        },
        () => this.whenAnswered(),
      ),
    );
    this.view = this.disposables.add(
      vscode.window.createTreeView(viewIds.messages, { treeDataProvider: this.provider }),
    );
    this.disposables.add(town.onDidChange(() => this.renewIfSeen()));
    const ages = this.disposables.add(new Ages(() => this.draw()));
    this.disposables.add(
      this.view.onDidChangeVisibility(({ visible }) => {
        ages.run(visible);
        this.renewIfSeen();
      }),
    );
  }

  get filtered(): ShownMessages {
    return this.filter;
  }

  target(rowId: string): RowTarget | undefined {
    return this.provider.node(rowId)?.target;
  }

  show(filter: ShownMessages): void {
    this.filter = filter;
    this.shown = undefined;
    this.view.description = shownText(filter, vscode.l10n.t);
    this.keys.set({ messagesFiltered: Object.keys(filter).length > 0 });
    this.renewIfSeen();
  }

  dispose(): Promise<void> {
    return this.disposables.dispose();
  }

  private find(id: string): MessageView | undefined {
    return this.messages.find((message) => message.id === id);
  }

  private renewIfSeen(): void {
    if (this.view.visible) void this.renew();
  }

  /** Resolves when no question is open; an answer that came meanwhile may have been overtaken by the next question. */
  private async whenAnswered(): Promise<void> {
    for (let answer = this.renew(); ; answer = this.answer) {
      await answer;
      if (answer === this.answer) return;
    }
  }

  /** Asks, unless that is what was asked last. Resolves when it is answered, or could not be. */
  private renew(): Promise<void> {
    const { connection, snapshot } = this.town;
    const revision = snapshot?.messagesRevision ?? 0;
    if (this.shown?.connection !== connection || this.shown?.revision !== revision) {
      this.shown = { connection, revision };
      this.answer = this.ask(connection, this.shown);
    }
    return this.answer;
  }

  private async ask(connection: TownConnection | undefined, asked: object): Promise<void> {
    if (connection !== undefined && !this.isKnown) this.view.message = vscode.l10n.t('Loading…');
    try {
      const answer = await connection?.api.request('message.list', { ...this.filter, limit: shownAtMost });
      // An answer that was overtaken by a newer question is of no interest.
      if (asked !== this.shown) return;
      this.messages = answer?.messages ?? [];
      this.isKnown = answer !== undefined;
      this.keys.set({ messagesKnown: this.isKnown });
      this.view.message = '';
      this.draw();
    } catch (error) {
      this.log.debug(`messages: ${messageOf(error)}`);
      if (asked !== this.shown) return;
      // They are asked for again with the next snapshot: where the host has just gone, with that of the next one.
      this.shown = undefined;
      this.view.message = vscode.l10n.t('The messages could not be read: {0}', messageOf(error));
    }
  }

  private draw(): void {
    this.provider.show(messageTree(this.messages, viewContext()));
  }
}
