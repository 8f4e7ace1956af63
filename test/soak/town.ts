import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { MethodName, Params, Results } from '../../shared/channel/protocol.ts';
import { settingsPath } from '../../shared/config/settings-path.ts';
import { townPaths } from '../../shared/config/town-paths.ts';
import type { SessionView, TownSnapshot } from '../../shared/channel/views.ts';
import { endProcessesOf } from '../support/editor/processes.ts';
import type { ProcessFact } from '../support/editor/processes.ts';
import { HostProcess } from '../support/host-process.ts';
import type { HostSetup } from '../support/host-process.ts';
import { patience } from '../support/patience.ts';
import { PtyTerminalHost } from '../support/pty-terminal-host.ts';
import { booksOf } from '../support/questions.ts';
import type { Books } from '../support/questions.ts';
import { bundledFiles, makeTownFolder } from '../support/town-folder.ts';
import type { TownFolder } from '../support/town-folder.ts';
import { TownWatcher } from '../support/town-watcher.ts';
import type { Journal } from './journal.ts';
import { soakRules } from './rules.ts';

/** So that what is tried again is tried while the soak lasts. */
const failurePolicy = { stalled: 'reassign', retries: 2, backoff_seconds: 2 };

/** How long an answer may take: the slowest is a sling whose Opencode server is started and does not come up. In ms. */
const answerMs = 150_000;

/**
 * The town of a soak. Every host is a process of its own, so that it can be killed; the terminals belong to this
 * process, so that Claude Code survives that, as it does in the editor, whose terminals belong to its pty host.
 */
export class SoakTown {
  readonly folder: TownFolder;
  readonly rig = 'alpha';
  private readonly journal: Journal;
  private readonly terminals = new PtyTerminalHost();
  private readonly listeners: ((snapshot: TownSnapshot) => void)[] = [];
  private host: HostProcess | undefined;
  private watcher: TownWatcher | undefined;
  private latest: TownSnapshot | undefined;

  private constructor(folder: TownFolder, journal: Journal) {
    this.folder = folder;
    this.journal = journal;
  }

  /** A town with one rig, hosted. */
  static async open(makeJournal: (folder: string) => Journal): Promise<SoakTown> {
    const folder = await makeTownFolder();
    for (const rule of soakRules) folder.model.on(rule);
    const settings = settingsPath(folder.root);
    await writeFile(
      settings,
      JSON.stringify({ ...(JSON.parse(await readFile(settings, 'utf8')) as object), failure_policy: failurePolicy }),
    );
    const town = new SoakTown(folder, makeJournal(folder.folder));
    try {
      await town.start();
      await town.request('rig.add', { source: folder.rig, name: town.rig });
      return town;
    } catch (error) {
      await town.leave((host) => host.kill());
      await folder.model.close();
      throw error;
    }
  }

  /** The last that was heard; while no host is there, of the one before. */
  get snapshot(): TownSnapshot {
    if (!this.latest) throw new Error('The town has never been hosted.');
    return this.latest;
  }

  get live(): SessionView[] {
    return this.snapshot.sessions.filter(({ state }) => state === 'running');
  }

  onDidChange(listener: (snapshot: TownSnapshot) => void): void {
    this.listeners.push(listener);
  }

  async start(): Promise<void> {
    const { root, environment, folder } = this.folder;
    const node = { command: process.execPath, env: {} };
    const setup: HostSetup = { root, environment, files: bundledFiles, node, logFile: path.join(folder, 'hosts.log') };
    const host = await HostProcess.start(setup, 'host', this.terminals);
    this.host = host;
    void host.gone.then(() => {
      if (this.host === host) this.journal.problem(`the host (pid ${host.pid}) ended by itself`);
    });
    this.watcher = await TownWatcher.connect(root);
    this.watcher.onDidChange((snapshot) => this.show(snapshot));
    this.show(this.watcher.snapshot);
  }

  /** As a crash of the process that the extension runs in. */
  async kill(): Promise<void> {
    await this.leave((host) => host.kill());
  }

  /** As a reload of the window: the host lets go. */
  async letGo(): Promise<void> {
    await this.leave((host) => host.close());
  }

  /** As the user, over the channel. Rejects with the code `no-host` while there is none. */
  async request<M extends MethodName>(method: M, params: Params<M>): Promise<Results[M]> {
    if (!this.watcher) throw Object.assign(new Error('The town has no host at this moment.'), { code: 'no-host' });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      const words = `${method} was not answered within ${answerMs / 1000} s`;
      timer = setTimeout(() => reject(Object.assign(new Error(words), { code: 'late' })), patience(answerMs));
    });
    try {
      return await Promise.race([this.watcher.request(method, params), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** What the town's database says now. Questions are in questions.ts. */
  stored: Books['stored'] = (sql, ...values) => booksOf(townPaths(this.folder.root).database).stored(sql, ...values);

  /** Stops every session, then the host. Returns the processes that were left over (and are killed now). */
  async stop(): Promise<ProcessFact[]> {
    if (!this.host) await this.start();
    const alive = this.snapshot.sessions.filter(({ state }) => state === 'running' || state === 'starting');
    const stopped = await Promise.allSettled(alive.map(({ id }) => this.request('session.stop', { session: id })));
    for (const result of stopped)
      if (result.status === 'rejected')
        this.journal.problem(`a session could not be stopped: ${String(result.reason)}`);
    await this.letGo();
    await this.folder.model.close();
    return endProcessesOf(this.folder.folder, 5_000);
  }

  private async leave(end: (host: HostProcess) => Promise<void>): Promise<void> {
    const { host, watcher } = this;
    this.host = undefined;
    this.watcher = undefined;
    if (host) await end(host);
    watcher?.close();
  }

  private show(snapshot: TownSnapshot): void {
    this.latest = snapshot;
    for (const listener of this.listeners) listener(snapshot);
  }
}
