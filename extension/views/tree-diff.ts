import type { TreeNode } from './tree-node.ts';

/**
 * Which rows the editor has to draw again: `all` where the top rows themselves came, went or moved, else the ids of
 * rows that changed or whose children did. Below such a row nothing is named again: the editor draws it with all that
 * it holds.
 */
export function changedRows(before: readonly TreeNode[], after: readonly TreeNode[]): 'all' | string[] {
  if (!sameOrder(before, after)) return 'all';
  return after.flatMap((node, index) => changedBelow(before[index]!, node));
}

function changedBelow(before: TreeNode, after: TreeNode): string[] {
  if (!sameRow(before, after) || !sameOrder(before.children, after.children)) return [after.id];
  return after.children.flatMap((child, index) => changedBelow(before.children[index]!, child));
}

/**
 * Rows that were shut, or had nothing to open, and are to be open now. The editor keeps a row as it has once drawn it:
 * these have to be opened for it.
 */
export function rowsToOpen(before: readonly TreeNode[], after: readonly TreeNode[]): string[] {
  const old = new Map(before.map((node) => [node.id, node]));
  return after.flatMap((node) => {
    const was = old.get(node.id);
    const opens = was !== undefined && !isOpen(was) && isOpen(node);
    return [...(opens ? [node.id] : []), ...rowsToOpen(was?.children ?? [], node.children)];
  });
}

const isOpen = (node: TreeNode): boolean => node.expanded && node.children.length > 0;

function sameOrder(before: readonly TreeNode[], after: readonly TreeNode[]): boolean {
  return before.length === after.length && before.every((node, index) => node.id === after[index]!.id);
}

function sameRow(a: TreeNode, b: TreeNode): boolean {
  return (
    a.label === b.label &&
    a.description === b.description &&
    a.icon.icon === b.icon.icon &&
    a.icon.color === b.icon.color &&
    a.aria === b.aria &&
    a.contextValue === b.contextValue &&
    a.expanded === b.expanded
  );
}
