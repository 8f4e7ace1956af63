// What the tests inside the extension host look at.

import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { eventually } from '../editor/eventually.ts';
import { ALWAYS, keysOf, OPEN_PROBE, viewOf } from './context-key-probe.ts';
import type { Manifest } from './context-key-probe.ts';

interface OurManifest extends Manifest {
  readonly main: string;
  readonly contributes: Manifest['contributes'] & {
    readonly commands: readonly { readonly command: string }[];
    readonly configuration: { readonly properties: Readonly<Record<string, { readonly default: unknown }>> };
  };
}

/** The extension under test, as the editor knows it. */
export function gasTown(): vscode.Extension<unknown> {
  const extension = vscode.extensions.getExtension('gastown.gastown');
  assert.ok(extension, 'the editor knows no extension gastown.gastown');
  return extension;
}

/** Its package.json, as the editor has read it. */
export function manifest(): OurManifest {
  return gasTown().packageJSON as OurManifest;
}

/** The folder that the window has open. */
export function openFolder(): string {
  const [folder] = vscode.workspace.workspaceFolders ?? [];
  assert.ok(folder, 'the window has no folder open');
  return folder.uri.fsPath;
}

/** Our commands that something is registered for; those that the editor makes for each view are left out. */
export async function registeredCommands(): Promise<string[]> {
  const views = Object.values(manifest().contributes.views)
    .flat()
    .map(({ id }) => `${id}.`);
  const all = await vscode.commands.getCommands(true);
  return all
    .filter((command) => command.startsWith('gastown.') && !views.some((view) => command.startsWith(view)))
    .sort();
}

export const contributedCommands = (): string[] =>
  manifest()
    .contributes.commands.map(({ command }) => command)
    .sort();

/** The context keys of ours that are true. */
export class ContextKeys {
  readonly #views: ReadonlyMap<string, vscode.TreeView<never>>;

  private constructor(views: ReadonlyMap<string, vscode.TreeView<never>>) {
    this.#views = views;
  }

  static async watch(): Promise<ContextKeys> {
    const show = (id: string): vscode.TreeView<never> =>
      vscode.window.createTreeView(id, { treeDataProvider: { getChildren: () => [], getTreeItem: (none) => none } });
    const always = show(ALWAYS);
    const keys = new ContextKeys(new Map(keysOf(manifest()).map((key) => [key, show(viewOf(key))])));
    await vscode.commands.executeCommand(OPEN_PROBE);
    await eventually(
      'the probe of context keys',
      async () => always.visible,
      (visible) => visible,
    );
    return keys;
  }

  /** Waits until exactly these are true. */
  async are(...expected: readonly string[]): Promise<void> {
    const wanted = [...expected].sort().join();
    await eventually(
      `the context keys ${wanted}`,
      async () => this.#true(),
      (keys) => keys.join() === wanted,
    );
  }

  #true(): string[] {
    return [...this.#views].filter(([, view]) => view.visible).map(([key]) => key);
  }
}
