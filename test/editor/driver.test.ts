import { cp, mkdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EditorPage } from '../support/editor/editor-page.ts';
import { processesOf } from '../support/editor/processes.ts';
import { startTestEditor } from '../support/editor/test-editor.ts';
import type { TestEditor } from '../support/editor/test-editor.ts';

const MANIFEST = {
  name: 'probe',
  publisher: 'test',
  displayName: 'Probe',
  version: '0.0.1',
  engines: { vscode: '^1.101.0' },
  main: './main.js',
  activationEvents: ['onStartupFinished'],
  contributes: {
    commands: [
      { command: 'probe.hello', title: 'Say Hello', category: 'Probe' },
      { command: 'probe.ask', title: 'Ask', category: 'Probe' },
      { command: 'probe.button', title: 'Press Row', icon: '$(play)' },
      { command: 'probe.menu', title: 'Choose Row' },
    ],
    viewsContainers: { activitybar: [{ id: 'probe', title: 'Probe Box', icon: '$(home)' }] },
    views: {
      probe: [
        { id: 'probe.tree', name: 'Things' },
        { id: 'probe.empty', name: 'Empty' },
      ],
    },
    viewsWelcome: [{ view: 'probe.empty', contents: 'Nothing here yet.\n[Make One](command:probe.hello)' }],
    menus: {
      'view/item/context': [
        { command: 'probe.button', when: 'view == probe.tree', group: 'inline' },
        { command: 'probe.menu', when: 'view == probe.tree' },
      ],
    },
  },
};

const MAIN = `
const vscode = require('vscode');
const children = { town: ['mayor', 'deacon'] };
exports.activate = (context) => {
  const view = vscode.window.createTreeView('probe.tree', { treeDataProvider: {
    getChildren: (name) => name === undefined ? ['town', 'rig'] : children[name] ?? [],
    getTreeItem: (name) => {
      const item = new vscode.TreeItem(name, children[name] ? vscode.TreeItemCollapsibleState.Collapsed : 0);
      item.description = 'the ' + name;
      item.tooltip = 'About ' + name;
      item.iconPath = new vscode.ThemeIcon('home', new vscode.ThemeColor('charts.green'));
      item.accessibilityInformation = { label: name + ', all is well' };
      return item;
    },
  } });
  view.badge = { value: 3, tooltip: '3 things wait' };
  const bar = vscode.window.createStatusBarItem('probe.bar', vscode.StatusBarAlignment.Left);
  bar.text = '$(home) 3 things';
  bar.tooltip = 'Things that wait';
  bar.show();
  const command = (id, run) => context.subscriptions.push(vscode.commands.registerCommand(id, run));
  command('probe.hello', async () => {
    const answer = await vscode.window.showInformationMessage('Hello from the probe', 'Fine', 'Bad');
    if (answer) vscode.window.showWarningMessage('You feel ' + answer);
  });
  command('probe.ask', async () => {
    const thing = await vscode.window.showQuickPick(['hat', 'coat'], { title: 'Which thing' });
    const name = await vscode.window.showInputBox({ title: 'Name the thing',
      validateInput: (text) => text.length > 5 ? 'At most five letters' : undefined });
    const sure = await vscode.window.showWarningMessage('Take the ' + thing + '?', { modal: true, detail: name }, 'Take It');
    vscode.window.showInformationMessage(thing + ' ' + name + ' ' + sure);
  });
  command('probe.button', (name) => vscode.window.showInformationMessage('Pressed ' + name));
  command('probe.menu', (name) => vscode.window.showErrorMessage('Chose ' + name));
};
`;

describe('editor driver', () => {
  let editor: TestEditor;
  let window: EditorPage;

  beforeAll(async () => {
    const probe = '.probe';
    editor = await startTestEditor({
      prepare: async ({ root, workspace }) => {
        await mkdir(path.join(root, probe));
        await writeFile(path.join(root, probe, 'package.json'), JSON.stringify(MANIFEST));
        await writeFile(path.join(root, probe, 'main.js'), MAIN);
        // An extension's folder without a package: what `--install-extension` would have made of a .vsix.
        await cp(path.join(root, probe), path.join(root, 'extensions/test.probe-0.0.1'), { recursive: true });
        await writeFile(path.join(workspace, 'bad.json'), '{"a": 1,,}');
      },
    });
    window = await editor.open(editor.workspace);
  });

  afterAll(async () => {
    await editor?.stop();
  });

  it('reads tree rows, the badge, the welcome text and the status bar', async () => {
    await window.views.open('Probe Box');
    const tree = window.views.tree('Things');
    await tree.row('town').expand();
    const rows = await tree.rowsWhen(
      'the children',
      (all) => all.length === 4 && all[0]?.expanded === true && all[0].iconColor !== '',
    );
    expect(rows.map(({ label, depth, expanded }) => ({ label, depth, expanded }))).toEqual([
      { label: 'town', depth: 1, expanded: true },
      { label: 'mayor', depth: 2, expanded: undefined },
      { label: 'deacon', depth: 2, expanded: undefined },
      { label: 'rig', depth: 1, expanded: undefined },
    ]);
    expect(rows[0]).toMatchObject({
      description: 'the town',
      ariaLabel: 'town, all is well',
      tooltip: 'About town',
      icon: 'home',
    });
    expect(rows[0]?.iconColor).not.toBe('');
    await expect.poll(() => window.views.badge('Probe Box')).toBe('3');
    await expect.poll(() => window.views.badge('Explorer')).toBeUndefined();
    await expect.poll(() => window.views.activityLabel('Probe Box')).toBe('Probe Box - 3 things wait');
    await expect.poll(() => window.views.welcomeText('Empty')).toContain('Nothing here yet.');
    await expect.poll(() => window.views.welcomeText('Things')).toBe('');
    const item = { id: 'test.probe.probe.bar', text: '3 things', ariaLabel: 'home  3 things, Things that wait' };
    await expect.poll(() => window.statusBar.waitFor(/3 things/)).toEqual(item);
  });

  it('runs a command from the palette and answers its notification', async () => {
    await window.palette.run('Probe: Say Hello');
    await expect.poll(() => window.notifications.toasts()).toContain('Hello from the probe');
    expect(await window.notifications.waitFor(/Hello/)).toEqual({
      message: 'Hello from the probe',
      severity: 'info',
      buttons: ['Fine', 'Bad'],
    });
    await window.notifications.click(/Hello/, 'Bad');
    expect(await window.notifications.waitFor(/You feel/)).toMatchObject({
      message: 'You feel Bad',
      severity: 'warning',
    });
    await window.notifications.clear();
    await expect.poll(() => window.notifications.list()).toEqual([]);
    await window.notifications.hide();
    expect(await window.palette.offers('Probe: Say Hello')).toBe(true);
    expect(await window.palette.offers('Probe: Say Nothing')).toBe(false);
  });

  it('answers quick picks, input boxes and modal dialogs', async () => {
    await window.palette.run('Probe: Ask');
    await expect.poll(() => window.quickInput.options('Which thing')).toEqual(['hat', 'coat']);
    await window.quickInput.pick('coat', 'Which thing');
    await window.quickInput.fill('much too long', 'Name the thing');
    await expect.poll(() => window.quickInput.message()).toBe('At most five letters');
    await window.quickInput.type('Joe', 'Name the thing');
    await expect.poll(() => window.dialogs.text()).toMatch(/Take the coat\?\s+Joe/);
    expect((await window.dialogs.buttons()).sort()).toEqual(['Cancel', 'Take It']);
    await window.dialogs.press('Take It');
    expect(await window.notifications.waitFor(/Joe/)).toMatchObject({ message: 'coat Joe Take It' });
    await window.notifications.clear();
    await window.notifications.hide();
  });

  it('uses row buttons, context menus and welcome buttons', async () => {
    await window.views.open('Probe Box');
    const row = window.views.tree('Things').row('rig');
    await expect.poll(() => row.inlineActions()).toEqual(['Press Row']);
    await row.inlineAction('Press Row');
    await window.notifications.waitFor(/Pressed rig/);
    expect(await row.contextMenuItems()).toEqual(['Choose Row']);
    await row.contextMenu('Choose Row');
    expect(await window.notifications.waitFor(/Chose rig/)).toMatchObject({ severity: 'error' });
    await window.views.welcomeButton('Empty', 'Make One');
    await window.notifications.waitFor(/Hello from the probe/);
    await window.notifications.clear();
    await window.notifications.hide();
  });

  it('types into terminals and reads them', async () => {
    await window.terminals.create();
    await window.terminals.type('echo "sum $((20 + 22)) in $HOME"');
    expect(await window.terminals.textWhen(/sum 42/)).toContain(`sum 42 in ${editor.home}`);
    await window.terminals.create();
    await window.terminals.type('exec sleep 7777');
    await expect.poll(() => window.terminals.names()).toEqual(['bash', 'sleep']);
    await window.terminals.focus('bash');
    expect(await window.terminals.textWhen(/sum 42/)).not.toContain('7777');
  });

  it('hands on nothing of the environment but what was given', async () => {
    await window.terminals.type('clear; env | grep -c -e VITEST -e npm_ -e NODE_OPTIONS; echo counted');
    expect(await window.terminals.textWhen(/^0\ncounted/m)).toContain('0\ncounted');
  });

  it('opens a file and reads its problems', async () => {
    await window.palette.openFile(path.join(editor.workspace, 'bad.json'));
    await expect.poll(() => window.editorText()).toContain('{"a": 1,,}');
    const problems = await window.problems.when('a problem', (all) => all.length > 0);
    expect(problems[0]).toMatchObject({ message: 'Property expected', position: '[Ln 1, Col 9]' });
  });

  it('takes screenshots', async () => {
    const file = await window.screenshot('driver');
    expect((await stat(file)).size).toBeGreaterThan(10_000);
  });

  it('reloads the window; terminals survive', async () => {
    await window.reload();
    await window.statusBar.waitFor(/3 things/);
    await window.terminals.show();
    await expect.poll(() => window.terminals.names()).toEqual(['bash', 'sleep']);
    await window.terminals.focus('bash');
    expect(await window.terminals.textWhen(/counted/)).toContain('counted');
  });

  it('ends without leaving a process, and names those that would have stayed', async () => {
    await window.terminals.type('setsid nohup sleep 8888 & clear; echo started');
    await window.terminals.textWhen(/^started/m);
    const commands = processesOf(editor.root).map((fact) => fact.command);
    expect(commands).toEqual(expect.arrayContaining(['sleep 7777', 'sleep 8888']));
    const killed = await editor.stop();
    expect(killed.map((fact) => fact.command)).toEqual(['sleep 8888']);
    expect(processesOf(editor.root)).toEqual([]);
  });
});
