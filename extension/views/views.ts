import * as vscode from 'vscode';
import type { TownSnapshot } from '../../shared/town/snapshot.ts';
import { Lifetime } from '../lifetime.ts';
import { glance } from '../terminals/hands.ts';
import type { CurrentTown } from '../town/current-town.ts';
import { Ages } from './ages.ts';
import { NodeTreeProvider } from './node-tree-provider.ts';
import { rigTree } from './rig-tree.ts';
import { classOf } from './session-icon.ts';
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
  private readonly lifetime = new Lifetime();
  private readonly town: CurrentTown;
  private readonly canRun: () => boolean;
  private readonly used: () => void;
  /** The session whose row was selected last, and when (epoch milliseconds). */
  private selected: { session: string; at: number } | undefined;
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
    this.lifetime.own(town.onDidChange(() => this.show()));
    const ages = this.lifetime.own(new Ages(() => this.show()));
    for (const { view } of this.views) {
      this.lifetime.own(view.onDidChangeVisibility(() => ages.run(this.views.some((each) => each.view.visible))));
    }
    this.lifetime.own(this.sessions.view.onDidChangeSelection(({ selection }) => this.look(selection[0])));
    this.lifetime.own(this.sessions.view.onDidChangeVisibility(() => void this.markSeen()));
    this.lifetime.own(vscode.window.onDidChangeWindowState(() => void this.markSeen()));
    this.lifetime.own(town.onDidChange(() => void this.markSeen()));
  }

  /** What a row stands for, in whichever view it is. */
  target(rowId: string): RowTarget | undefined {
    return this.views.map(({ provider }) => provider.node(rowId)?.target).find((target) => target !== undefined);
  }

  /** The session whose row, or a row below it, was selected just now. That a row is still selected says nothing of where the user looks. */
  get lookedAt(): string | undefined {
    const { selected } = this;
    return selected && this.sessions.view.visible && Date.now() - selected.at < glance ? selected.session : undefined;
  }

  show(): void {
    const snapshot = this.town.snapshot;
    const context = viewContext();
    for (const { provider, build, view } of this.views) {
      for (const row of provider.show(snapshot ? build(snapshot, context) : [])) {
        // Revealing would open a view that the person has hidden; there, the badge has to do.
        if (view.visible) void view.reveal(row, { select: false, focus: false, expand: true });
      }
    }
    const { view } = this.sessions;
    const waiting = snapshot?.sessions.filter((session) => classOf(session) === 'waiting').length ?? 0;
    const tooltip =
      waiting === 1 ? vscode.l10n.t('1 session waits for you') : vscode.l10n.t('{0} sessions wait for you', waiting);
    if (view.badge?.value !== (waiting || undefined))
      view.badge = waiting > 0 ? { value: waiting, tooltip } : undefined;
    const message = this.message(snapshot);
    if ((view.message ?? '') !== message) view.message = message;
  }

  dispose(): Promise<void> {
    return this.lifetime.dispose();
  }

  private message(snapshot: TownSnapshot | undefined): string {
    if (this.town.problem !== undefined) return this.town.problem;
    if (!snapshot || snapshot.rigs.length === 0 || snapshot.sessions.length > 0 || !this.canRun()) return '';
    return vscode.l10n.t('No sessions yet. Sling work to a rig, or start the mayor.');
  }

  private open(id: string, build: TownView['build']): TownView {
    const provider = this.lifetime.own(
      new NodeTreeProvider((node) => this.town.snapshot && tooltipOf(node.target, this.town.snapshot, viewContext())),
    );
    const view = this.lifetime.own(
      vscode.window.createTreeView(id, { treeDataProvider: provider, showCollapseAll: true }),
    );
    this.lifetime.own(view.onDidChangeSelection(({ selection }) => (selection.length > 0 ? this.used() : undefined)));
    return { view, provider, build };
  }

  private look(rowId: string | undefined): void {
    const target = rowId === undefined ? undefined : this.target(rowId);
    this.selected =
      target !== undefined && 'session' in target ? { session: target.session, at: Date.now() } : undefined;
    void this.markSeen();
  }

  /** Looking at a row is looking at its session: it has no news any more, and gets none while it is looked at. */
  private async markSeen(): Promise<void> {
    const { view } = this.sessions;
    const [rowId] = view.visible && vscode.window.state.focused ? view.selection : [];
    const target = rowId === undefined ? undefined : this.target(rowId);
    if (target?.kind !== 'session') return;
    const session = this.town.snapshot?.sessions.find((each) => each.id === target.session);
    if (!session?.unseen) return;
    // Harmless where it fails (the host has just gone): the row keeps saying that there is news.
    await this.town.connection?.api.request('session.seen', { session: session.id }).catch(() => undefined);
  }
}

export function viewContext(): ViewContext {
  return {
    now: Date.now(),
    t: vscode.l10n.t,
    clock: (at) => new Date(at).toLocaleTimeString(vscode.env.language, { hour: '2-digit', minute: '2-digit' }),
  };
}
