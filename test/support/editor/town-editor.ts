import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { backends } from '../../../shared/host/backends.ts';
import { createTown } from '../../../shared/config/create-town.ts';
import type { HostFile } from '../../../shared/channel/protocol.ts';
import type { SessionView, TownSnapshot, WorkView } from '../../../shared/channel/views.ts';
import { worktreesFolder } from '../../../shared/platform/git/worktree-places.ts';
import { townPaths } from '../../../shared/config/town-paths.ts';
import { agentEnvironment, makeAgentHome } from '../agent-home.ts';
import { makeRepository } from '../core.ts';
import { demoRules } from '../demo/behaviours.ts';
import type { Rule } from '../model/rules.ts';
import { startScriptedModel } from '../model/server.ts';
import type { ScriptedModel } from '../model/server.ts';
import { prepareTools } from '../setup/tools.ts';
import { TownWatcher } from '../town-watcher.ts';
import { agentPath } from './agent-path.ts';
import type { EditorPage } from './editor-page.ts';
import { eventually } from './eventually.ts';
import { packagedExtension } from './packaged-extension.ts';
import type { ProcessFact } from './processes.ts';
import type { StatusBarItem } from './status-bar.ts';
import { startTestEditor } from './test-editor.ts';
import type { TestEditor, TestEditorOptions } from './test-editor.ts';
import type { Tree } from './tree.ts';

export const rigName = 'myproject';

export interface TownEditorOptions extends Pick<TestEditorOptions, 'path' | 'settings' | 'workspaceTrust'> {
  /** Behaviours of the model, asked before those of the demo. */
  readonly rules?: readonly Rule[];
}

/** The editor with the installed extension, a town with one rig, real agents, and the scripted model. */
export class TownEditor {
  readonly editor: TestEditor;
  readonly model: ScriptedModel;
  /** Root of the town. */
  readonly root: string;
  /** A repository, which `open` makes the town's rig. */
  readonly rig: string;
  /** The newest window. */
  window!: EditorPage;
  /** The town as another window sees it. */
  watcher!: TownWatcher;
  private readonly windows: EditorPage[] = [];

  private constructor(editor: TestEditor, model: ScriptedModel) {
    this.editor = editor;
    this.model = model;
    this.root = path.join(editor.root, 'town');
    this.rig = path.join(editor.root, rigName);
  }

  /** Where the worktree of a polecat of the rig is. */
  worktree(name: string): string {
    return path.join(worktreesFolder(this.root, { HOME: this.editor.home }), rigName, name);
  }

  /** Starts everything but a window. */
  static async start({ rules = [], ...options }: TownEditorOptions = {}): Promise<TownEditor> {
    const vsix = await packagedExtension(console.log);
    const tools = await prepareTools(console.log);
    const model = await startScriptedModel();
    for (const rule of [...rules, ...demoRules]) model.on(rule);
    const prepare = async ({ root, home }: { root: string; home: string }): Promise<void> => {
      const town = path.join(root, 'town');
      await mkdir(town);
      // What sessions ask for is what most of these tests are about.
      await createTown(town, backends, { unattended: false });
      const rig = makeRepository(path.join(root, rigName));
      await makeAgentHome(home, { model: model.url, trusted: [town, rig], path: options.path ?? agentPath(tools) });
    };
    const editor = await startTestEditor({ ...options, vsix: [vsix], env: agentEnvironment(model.url), prepare });
    return new TownEditor(editor, model);
  }

  /** Opens a window on the town, connects, and adds the rig. Where that fails, tells what there was to be seen. */
  async open(): Promise<void> {
    await this.openWindow();
    try {
      await this.watch();
      await this.watcher.request('rig.add', { source: this.rig, name: rigName });
      await this.window.views.open('Gas Town');
      await this.sessions.row(rigName).waitFor();
    } catch (error) {
      await this.tell('opening-the-town');
      throw error;
    }
  }

  /** Prints where a picture of the window is, and what the extension logged last. */
  async tell(name: string): Promise<void> {
    console.log(`What the editor showed: ${await this.window.screenshot(`failure-${name}`)}`);
    console.log(`What the extension logged:\n${await lastLogged(this.editor.root)}`);
  }

  /** Opens one more window on a folder (the town's root as a rule), or on none. */
  async openWindow(folder: string | 'no folder' = this.root): Promise<EditorPage> {
    this.window = await this.editor.open(folder === 'no folder' ? undefined : folder);
    this.windows.push(this.window);
    return this.window;
  }

  async closeWindow(window: EditorPage): Promise<void> {
    this.windows.splice(this.windows.indexOf(window), 1);
    await window.close();
  }

  /** Connects to the host of the town; to another one than `before`, where that is given. */
  async watch(before?: HostFile): Promise<void> {
    await eventually(
      'a host of the town',
      () => this.host(),
      (host) => host !== undefined && host.pid !== before?.pid,
    );
    this.watcher = await TownWatcher.connect(this.root);
  }

  /** What the host of the town says where it is; undefined while there is none. */
  async host(): Promise<HostFile | undefined> {
    const { hostFile } = townPaths(this.root);
    return existsSync(hostFile) ? (JSON.parse(await readFile(hostFile, 'utf8')) as HostFile) : undefined;
  }

  get sessions(): Tree {
    return this.window.views.tree('Sessions');
  }

  get work(): Tree {
    return this.window.views.tree('Work');
  }

  /** The extension's item in the status bar, once its text matches; returns what a screen reader says of it. */
  async untilStatus(text: RegExp): Promise<string> {
    const own = async (): Promise<StatusBarItem | undefined> =>
      (await this.window.statusBar.items()).find(({ id }) => id.endsWith('gastown.status'));
    const item = await eventually(
      `a status bar item ${text}`,
      own,
      (found) => found !== undefined && text.test(found.text),
    );
    return item!.ariaLabel;
  }

  /** Answers by the row of what a session asks: the answer is chosen where all of it is shown. */
  async answer(title: string, verdict: 'Allow' | 'Deny'): Promise<void> {
    const { quickInput } = this.window;
    await this.sessions.row(title).inlineAction(verdict);
    // Where a row is drawn anew at that very moment the editor does not say which one was clicked, and all waits are offered.
    const offered = quickInput.input('What do you want to answer?').then(() => true);
    const asked = quickInput.input('asks').then(() => false);
    for (const each of [offered, asked]) each.catch(() => undefined);
    if (await Promise.race([offered, asked])) await quickInput.pick(title, 'What do you want to answer?');
    await quickInput.pick(verdict, 'asks');
  }

  session(id: string): SessionView {
    return sessionIn(this.watcher.snapshot, id);
  }

  /** Resolves when the session satisfies `check`. */
  async untilSession(id: string, what: string, check: (session: SessionView) => boolean): Promise<SessionView> {
    const has = (town: TownSnapshot): boolean => town.sessions.some((each) => each.id === id && check(each));
    return sessionIn(await this.watcher.until(`${id} ${what}`, has), id);
  }

  /** Resolves when the session runs and its turn has ended. */
  untilIdle(id: string): Promise<SessionView> {
    return this.untilSession(
      id,
      'to be idle',
      (each) => each.state === 'running' && each.activity.kind === 'idle' && each.queued === 0,
    );
  }

  /** Resolves when the session waits for the user. */
  untilAsking(id: string): Promise<SessionView> {
    return this.untilSession(id, 'to ask', (each) => each.asks.length > 0);
  }

  /** Resolves when the work unit is in this state. */
  async untilWork(id: string, state: WorkView['state']): Promise<WorkView> {
    const unitIn = (town: TownSnapshot): WorkView | undefined =>
      town.work.find((each) => each.id === id && each.state === state);
    return unitIn(await this.watcher.until(`${id} to be ${state}`, (town) => unitIn(town) !== undefined))!;
  }

  /** Stops the sessions, closes the windows and ends everything. Returns the processes that had to be killed. */
  async stop(): Promise<ProcessFact[]> {
    try {
      if ((await this.host()) !== undefined) await this.stopSessions();
      for (const window of [...this.windows]) await this.closeWindow(window);
    } finally {
      await this.model.close();
    }
    return this.editor.stop();
  }

  private async stopSessions(): Promise<void> {
    const watcher = await TownWatcher.connect(this.root);
    const alive = watcher.snapshot.sessions.filter((each) => each.state === 'running' || each.state === 'starting');
    for (const { id } of alive) await watcher.request('session.stop', { session: id });
    watcher.close();
  }
}

function sessionIn(town: TownSnapshot, id: string): SessionView {
  const session = town.sessions.find((each) => each.id === id);
  if (!session) throw new Error(`The town has no session ${id}.`);
  return session;
}

/**
 * Call in a `describe` whose tests share an editor, and go on from what the ones before left in it: where one fails, what
 * the window showed and what the extension logged is told, and the others are not run. They would wait in vain, one by one.
 */
export function stopAtFirstFailure(town: () => TownEditor | undefined): void {
  let first: string | undefined;
  beforeEach(({ skip }) => {
    if (first !== undefined) skip(`not run: "${first}" failed before it in the same editor`);
  });
  afterEach(async ({ task }) => {
    if (task.result?.state !== 'fail') return;
    first ??= task.name;
    await town()?.tell(task.name.replace(/\W+/g, '-').toLowerCase());
  });
}

const loggedLines = 30;

/** The last lines of each of the extension's logs: every window, and every reload of it, has one. */
async function lastLogged(root: string): Promise<string> {
  const files = (await readdir(root, { recursive: true }))
    .filter((file) => path.basename(file) === 'Gas Town.log')
    .sort();
  const logs = await Promise.all(files.map((file) => readFile(path.join(root, file), 'utf8')));
  return logs.map((log) => log.trimEnd().split('\n').slice(-loggedLines).join('\n')).join('\n--\n');
}
