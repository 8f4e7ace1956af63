// Rows that come while the editor is being given others: our provider in an extension of its own, which chooses the moment.

import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EditorPage } from '../support/editor/editor-page.ts';
import { startTestEditor } from '../support/editor/test-editor.ts';
import type { TestEditor } from '../support/editor/test-editor.ts';

const MANIFEST = {
  name: 'probe',
  publisher: 'test',
  version: '0.0.1',
  engines: { vscode: '^1.101.0' },
  main: './main.js',
  activationEvents: ['onStartupFinished'],
  contributes: {
    commands: [{ command: 'probe.ready', title: 'Be Ready', category: 'Probe' }],
    viewsContainers: { activitybar: [{ id: 'probe', title: 'Probe Box', icon: '$(home)' }] },
    views: {
      probe: [
        { id: 'probe.top', name: 'Top' },
        { id: 'probe.below', name: 'Below' },
      ],
    },
  },
};

/** Each view has other rows from the moment on at which the answer with the ones before has been written, but not sent. */
const MAIN = `
import * as vscode from 'vscode';
import { NodeTreeProvider } from './extension/views/node-tree-provider.ts';

const row = (id, children = []) => ({
  id, label: id, description: '', icon: { icon: 'home' }, aria: id, contextValue: '', expanded: true,
  target: { kind: 'group' }, children,
});

class Probe extends NodeTreeProvider {
  getChildren(id) {
    const answer = super.getChildren(id);
    if (id === this.at) void this.change();
    return answer;
  }

  async change() {
    const { next } = this;
    this.at = 'nothing';
    for (let step = 0; step < 500; step += 1) await undefined;
    this.show(next);
  }
}

export function activate() {
  const open = (view, first, at, next) => {
    const provider = Object.assign(new Probe(() => undefined), { at, next });
    provider.show(first);
    vscode.window.createTreeView(view, { treeDataProvider: provider });
  };
  open('probe.top', [], undefined, [row('town')]);
  open('probe.below', [row('rig', [row('crew')])], 'rig', [row('rig', [row('crew'), row('polecat')])]);
  vscode.commands.registerCommand('probe.ready', () => vscode.window.showInformationMessage('The views are there'));
}
`;

describe('rows that come while the editor is given others', () => {
  let editor: TestEditor;
  let window: EditorPage;

  beforeAll(async () => {
    editor = await startTestEditor({
      prepare: async ({ root }) => {
        const folder = path.join(root, 'extensions/test.probe-0.0.1');
        await mkdir(folder, { recursive: true });
        await writeFile(path.join(folder, 'package.json'), JSON.stringify(MANIFEST));
        await build({
          stdin: { contents: MAIN, resolveDir: path.resolve(import.meta.dirname, '../..') },
          bundle: true,
          format: 'cjs',
          platform: 'node',
          external: ['vscode'],
          outfile: path.join(folder, 'main.js'),
        });
      },
    });
    window = await editor.open(editor.workspace);
    // The views ask the extension, not an editor that is still waiting for it.
    await window.palette.run('Probe: Be Ready');
    await window.notifications.waitFor(/views are there/);
    await window.views.open('Probe Box');
  });

  afterAll(async () => {
    expect(await editor?.stop()).toEqual([]);
  });

  const labels = async (view: string): Promise<string[]> =>
    (await window.views.tree(view).rows()).map(({ label }) => label);

  it('shows them at the top of a view', async () => {
    await expect.poll(() => labels('Top')).toEqual(['town']);
  });

  it('shows them below a row', async () => {
    await expect.poll(() => labels('Below')).toEqual(['rig', 'crew', 'polecat']);
  });
});
