import * as vscode from 'vscode';
import { RowNews } from './row-news.ts';
import { changedRows, rowsToOpen } from './tree-diff.ts';
import type { TreeNode } from './tree-node.ts';

/**
 * Rows for the editor. The element that the editor holds is the row's id, so that a row stays itself from one snapshot
 * to the next, and commands get something that can be looked up.
 */
export class NodeTreeProvider implements vscode.TreeDataProvider<string> {
  private readonly changed = new vscode.EventEmitter<string[] | undefined>();
  readonly onDidChangeTreeData = this.changed.event;
  private readonly opened = new vscode.EventEmitter<string[]>();
  /** With the ids of rows that the view must open, which the editor has been told of. */
  readonly onDidOpenRows = this.opened.event;
  private readonly news = new RowNews((rows) => this.tell(rows));
  private toOpen: string[] = [];
  private roots: TreeNode[] = [];
  private nodes = new Map<string, TreeNode>();
  private parents = new Map<string, string>();
  private readonly tooltip: (node: TreeNode) => string | undefined;
  private readonly known: (() => Promise<void>) | undefined;

  /** `known` resolves when it is known what there is to show; until then the editor is given no rows, not even none. */
  constructor(tooltip: (node: TreeNode) => string | undefined, known?: () => Promise<void>) {
    this.tooltip = tooltip;
    this.known = known;
  }

  /** Shows these rows from now on. */
  show(roots: TreeNode[]): void {
    const changes = changedRows(this.roots, roots);
    this.toOpen.push(...rowsToOpen(this.roots, roots));
    this.roots = roots;
    this.nodes = new Map();
    this.parents = new Map();
    this.index(roots, undefined);
    this.news.add(changes);
  }

  node(id: string): TreeNode | undefined {
    return this.nodes.get(id);
  }

  getChildren(id?: string): string[] | Promise<string[]> {
    if (id !== undefined) return this.give(this.nodes.get(id)?.children ?? []);
    return this.known === undefined ? this.give(this.roots) : this.known().then(() => this.give(this.roots));
  }

  getParent(id: string): string | undefined {
    return this.parents.get(id);
  }

  getTreeItem(id: string): vscode.TreeItem {
    const node = this.nodes.get(id);
    // The editor may still ask for a row that has just gone; the refresh that removes it is on its way.
    if (!node) return new vscode.TreeItem('');
    const item = new vscode.TreeItem(node.label, collapsibleState(node));
    item.id = node.id;
    item.description = node.description;
    item.iconPath = themeIcon(node.icon);
    item.contextValue = node.contextValue;
    item.accessibilityInformation = { label: node.aria };
    if (node.opens !== undefined) item.command = { command: `gastown.${node.opens}`, title: '', arguments: [node.id] };
    return item;
  }

  resolveTreeItem(item: vscode.TreeItem, id: string): vscode.TreeItem {
    const node = this.nodes.get(id);
    const text = node && this.tooltip(node);
    item.tooltip = text === undefined ? (node?.label ?? '') : new vscode.MarkdownString(text);
    return item;
  }

  dispose(): void {
    this.news.dispose();
    this.changed.dispose();
    this.opened.dispose();
  }

  private give(nodes: readonly TreeNode[]): string[] {
    this.news.answered();
    return nodes.map((node) => node.id);
  }

  private tell(rows: 'all' | string[]): void {
    this.changed.fire(rows === 'all' ? undefined : rows);
    const opened = this.toOpen.filter((id) => this.nodes.get(id)?.expanded);
    this.toOpen = [];
    if (opened.length > 0) this.opened.fire(opened);
  }

  private index(nodes: readonly TreeNode[], parent: string | undefined): void {
    for (const node of nodes) {
      this.nodes.set(node.id, node);
      if (parent !== undefined) this.parents.set(node.id, parent);
      this.index(node.children, node.id);
    }
  }
}

function collapsibleState(node: TreeNode): vscode.TreeItemCollapsibleState {
  if (node.children.length === 0) return vscode.TreeItemCollapsibleState.None;
  return node.expanded ? vscode.TreeItemCollapsibleState.Expanded : vscode.TreeItemCollapsibleState.Collapsed;
}

export function themeIcon({ icon, color }: { icon: string; color?: string }): vscode.ThemeIcon {
  return color === undefined ? new vscode.ThemeIcon(icon) : new vscode.ThemeIcon(icon, new vscode.ThemeColor(color));
}
