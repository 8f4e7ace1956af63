import * as vscode from 'vscode';
import { messageOf } from '../../shared/errors.ts';
import type { TownConnection } from '../../shared/town/join.ts';
import type { MessageView } from '../../shared/town/snapshot.ts';
import type { ContextKeys } from '../context-keys.ts';
import { Lifetime } from '../lifetime.ts';
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
 */
export class MessagesView {
  private readonly lifetime = new Lifetime();
  private readonly town: CurrentTown;
  private readonly keys: ContextKeys;
  private readonly log: vscode.LogOutputChannel;
  private readonly provider: NodeTreeProvider;
  private readonly view: vscode.TreeView<string>;
  private messages: readonly MessageView[] = [];
  private filter: ShownMessages = {};
  /** Of what the rows are; undefined: they are old. */
  private shown: { connection: TownConnection | undefined; revision: number } | undefined;
  private asking = 0;

  constructor(town: CurrentTown, keys: ContextKeys, log: vscode.LogOutputChannel) {
    this.town = town;
    this.keys = keys;
    this.log = log;
    this.provider = this.lifetime.own(
      new NodeTreeProvider(({ target }) => {
        const message = target.kind === 'message' ? this.find(target.message) : undefined;
        return message && messageTooltip(message, viewContext());
      }),
    );
    this.view = this.lifetime.own(vscode.window.createTreeView(viewIds.messages, { treeDataProvider: this.provider }));
    this.lifetime.own(town.onDidChange(() => void this.renew()));
    const ages = this.lifetime.own(new Ages(() => this.draw()));
    this.lifetime.own(
      this.view.onDidChangeVisibility(({ visible }) => {
        ages.run(visible);
        void this.renew();
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
    void this.renew();
  }

  dispose(): Promise<void> {
    return this.lifetime.dispose();
  }

  private find(id: string): MessageView | undefined {
    return this.messages.find((message) => message.id === id);
  }

  private async renew(): Promise<void> {
    const { connection, snapshot } = this.town;
    const revision = snapshot?.messagesRevision ?? 0;
    if (!this.view.visible || (this.shown?.connection === connection && this.shown?.revision === revision)) return;
    this.shown = { connection, revision };
    this.asking += 1;
    const asked = this.asking;
    try {
      const answer = await connection?.api.request('message.list', { ...this.filter, limit: shownAtMost });
      // An answer that was overtaken by a newer question is of no interest.
      if (asked !== this.asking) return;
      this.messages = answer?.messages ?? [];
      this.draw();
    } catch (error) {
      // The host has just gone; the snapshot of the next one brings the messages again.
      this.shown = undefined;
      this.log.debug(`messages: ${messageOf(error)}`);
    }
  }

  private draw(): void {
    this.provider.show(messageTree(this.messages, viewContext()));
  }
}
