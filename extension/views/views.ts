import * as vscode from 'vscode';
import type { TownSnapshot } from '../../shared/channel/views.ts';
import { DisposableStore } from '../../shared/platform/disposable-store.ts';
import type { CurrentTown } from '../town/current-town.ts';
import { Ages } from './ages.ts';
import { Looking } from './looking.ts';
import { NodeTreeProvider } from './node-tree-provider.ts';
import { rigTree } from './rig-tree.ts';
import { badgeOf } from './badge.ts';
import { sessionTree } from './session-tree.ts';
import { tooltipOf } from './tooltip.ts';
import type { RowTarget, TreeNode } from './tree-node.ts';
import type { ViewContext } from './view-context.ts';
import { workTree } from './work-tree.ts';

export const viewIds = {
  sessions: 'gastown.sessions',
  rigs: 'gastown.rigs',
  work: 'gastown.work',
  messages: 'gastown.messages',
} as const;

interface TownView {
  readonly view: vscode.TreeView<string>;
  readonly provider: NodeTreeProvider;
  readonly build: (snapshot: TownSnapshot, context: ViewContext) => TreeNode[];
}

/** The three trees of the activity-bar container, kept as the town is. */
export class Views {
  private readonly disposables = new DisposableStore();
  private readonly town: CurrentTown;
  private readonly canRun: () => boolean;
  private readonly used: () => void;
  private readonly looking = new Looking();
  private wasFocused = vscode.window.state.focused;
  private readonly sessions: TownView;
  private readonly views: TownView[];

  /**
   * `canRun`: whether there is an agent program at all; without one a town without sessions shows how to get one.
   * `used`: told when the user uses one of the trees.
   */
  constructor(town: CurrentTown, canRun: () => boolean, used: () => void) {
    this.town = town;
    this.canRun = canRun;
    this.used = used;
    this.sessions = this.open(viewIds.sessions, (snapshot, context) =>
      this.canRun() || snapshot.sessions.length > 0 ? sessionTree(snapshot, context) : [],
    );
    this.views = [this.sessions, this.open(viewIds.rigs, rigTree), this.open(viewIds.work, workTree)];
    this.disposables.add(town.onDidChange(() => this.show()));
    const ages = this.disposables.add(new Ages(() => this.show()));
    for (const { view } of this.views) {
      this.disposables.add(view.onDidChangeVisibility(() => ages.run(this.views.some((each) => each.view.visible))));
    }
    // Looking at a row is looking at its session: it has no news any more, and gets none while it is looked at.
    this.disposables.add(this.sessions.view.onDidChangeSelection(({ selection }) => this.select(selection[0])));
    this.disposables.add(this.sessions.view.onDidChangeVisibility(() => this.look(this.looking.last)));
    this.disposables.add(vscode.window.onDidChangeWindowState(({ focused }) => this.focus(focused)));
    this.disposables.add(town.onDidChange(() => this.look(this.lookedAt)));
  }

  /** What a row stands for, in whichever view it is. */
  target(rowId: string): RowTarget | undefined {
    return this.views.map(({ provider }) => provider.node(rowId)?.target).find((target) => target !== undefined);
  }

  /** The session whose row, or a row below it, was selected just now. */
  get lookedAt(): string | undefined {
    return this.sessions.view.visible ? this.looking.at(Date.now()) : undefined;
  }

  /** The user turns to this session, or does something with it: it has no news any more. */
  seen(session: string): void {
    if (!this.town.snapshot?.sessions.find(({ id }) => id === session)?.unseen) return;
    // Harmless where it fails (the host has just gone): the row keeps saying that there is news.
    void this.town.connection?.api.request('session.seen', { session }).catch(() => undefined);
  }

  show(): void {
    const snapshot = this.town.snapshot;
    const context = viewContext();
    for (const { provider, build } of this.views) provider.show(snapshot ? build(snapshot, context) : []);
    const { view } = this.sessions;
    const badge = snapshot && badgeOf(snapshot, context.t);
    if (view.badge?.tooltip !== badge?.tooltip) view.badge = badge;
    const message = this.message(snapshot);
    if ((view.message ?? '') !== message) view.message = message;
  }

  dispose(): Promise<void> {
    return this.disposables.dispose();
  }

  private message(snapshot: TownSnapshot | undefined): string {
    if (this.town.problem !== undefined) return this.town.problem;
    if (!snapshot || snapshot.rigs.length === 0 || snapshot.sessions.length > 0 || !this.canRun()) return '';
    return vscode.l10n.t('No sessions yet. Sling work to a rig, or start the mayor.');
  }

  private open(id: string, build: TownView['build']): TownView {
    const provider = this.disposables.add(
      new NodeTreeProvider((node) => this.town.snapshot && tooltipOf(node.target, this.town.snapshot, viewContext())),
    );
    const view = this.disposables.add(
      vscode.window.createTreeView(id, { treeDataProvider: provider, showCollapseAll: true }),
    );
    this.disposables.add(
      provider.onDidOpenRows((rows) => {
        // Revealing would open a view that the user has hidden; there, the badge has to do.
        if (view.visible) for (const row of rows) void view.reveal(row, { select: false, focus: false, expand: true });
      }),
    );
    this.disposables.add(
      view.onDidChangeSelection(({ selection }) => (selection.length > 0 ? this.used() : undefined)),
    );
    return { view, provider, build };
  }

  private select(rowId: string | undefined): void {
    const target = rowId === undefined ? undefined : this.target(rowId);
    // What was escalated stands above all sessions: that is not below one's row.
    const session =
      target !== undefined && 'session' in target && target.kind !== 'escalation' ? target.session : undefined;
    this.looking.select(session, Date.now());
    this.look(this.looking.last);
  }

  /** The user comes back to the window; that they use it is told by the same event, with every pause anew. */
  private focus(focused: boolean): void {
    const comes = focused && !this.wasFocused;
    this.wasFocused = focused;
    if (comes) this.look(this.looking.last);
  }

  private look(session: string | undefined): void {
    if (session !== undefined && this.sessions.view.visible && vscode.window.state.focused) this.seen(session);
  }
}

export function viewContext(): ViewContext {
  return {
    now: Date.now(),
    t: vscode.l10n.t,
    clock: (at) => new Date(at).toLocaleTimeString(vscode.env.language, { hour: '2-digit', minute: '2-digit' }),
  };
}
