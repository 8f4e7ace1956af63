import { join } from 'node:path';
import type { Backends } from '../../shared/backends/backend.ts';
import { worktreesFolder } from '../../shared/platform/git/worktree-places.ts';
import { silentLogger } from '../../shared/platform/logger.ts';
import type { Logger } from '../../shared/platform/logger.ts';
import { TownHost } from '../../shared/host/host.ts';
import type { TownHostOptions } from '../../shared/host/host-options.ts';
import type { LifecycleCallbacks } from '../../shared/host/lifecycle-callbacks.ts';
import { HostLock } from '../../shared/host/host-lock.ts';
import { townPaths } from '../../shared/config/town-paths.ts';
import type { MessageView, SessionView, TownSnapshot } from '../../shared/channel/views.ts';
import { demoRules } from './demo/behaviours.ts';
import { HostProcess } from './host-process.ts';
import { endProcessesOf } from './editor/processes.ts';
import type { ProcessFact } from './editor/processes.ts';
import type { ScriptedModel } from './model/server.ts';
import type { Rule } from './model/rules.ts';
import { patience } from './patience.ts';
import { PtyTerminalHost } from './pty-terminal-host.ts';
import { booksOf, stateOfMessage } from './questions.ts';
import type { OpenBooks } from './questions.ts';
import { bundledFiles, makeTownFolder } from './town-folder.ts';
import type { TownFolder } from './town-folder.ts';

/** What a test may have otherwise; `environment` may also be changed while the host runs. */
export interface FixtureOptions {
  environment: Record<string, string | undefined>;
  readonly folder: string;
  rules: readonly Rule[];
  callbacks: LifecycleCallbacks;
  /** Instead of those that ship. */
  backends?: Backends;
}

/** A town with one rig (`alpha`), real agents on real ptys, and the scripted model. Needs the build in dist/. */
export class TownFixture {
  readonly folder: string;
  readonly root: string;
  readonly rig: string;
  readonly model: ScriptedModel;
  readonly terminals = new PtyTerminalHost();
  readonly logged: string[] = [];
  readonly environment: Record<string, string | undefined>;
  host!: TownHost;
  readonly options: TownHostOptions;
  private hosting = false;
  private readonly elsewhere: HostProcess[] = [];
  private readonly removeFolder: () => void;

  private constructor(town: TownFolder, options: Omit<TownHostOptions, 'terminals' | 'log' | 'environment'>) {
    const { environment } = town;
    this.folder = town.folder;
    this.removeFolder = town.remove;
    this.root = town.root;
    this.rig = town.rig;
    this.model = town.model;
    this.environment = environment;
    const line = (level: string) => (message: string) => void this.logged.push(`${level} ${message}`);
    const log: Logger = { ...silentLogger, info: line('info'), warn: line('warn'), error: line('error') };
    this.options = { ...options, environment, terminals: this.terminals, log };
  }

  /** Where the worktree of a polecat of the rig is. */
  worktree(name: string): string {
    return join(worktreesFolder(this.root, this.environment), 'alpha', name);
  }

  /** Starts everything; `change` may alter what the host is started with. */
  static async make(change: (options: FixtureOptions) => void = () => undefined): Promise<TownFixture> {
    const town = await makeTownFolder();
    const { folder, root, rig, model, environment } = town;
    const chosen: FixtureOptions = { folder, rules: demoRules, callbacks: {}, environment };
    change(chosen);
    for (const rule of chosen.rules) model.on(rule);
    const fixture = new TownFixture(
      { ...town, environment: chosen.environment },
      {
        root,
        files: bundledFiles,
        node: { command: process.execPath, env: {} },
        trusted: () => true,
        callbacks: chosen.callbacks,
        ...(chosen.backends ? { backends: chosen.backends } : {}),
      },
    );
    await fixture.open();
    await fixture.host.api.request('rig.add', { source: rig, name: 'alpha' });
    return fixture;
  }

  /** Becomes the host, at first or again after `letGo`. */
  async open(): Promise<void> {
    // One that is left is of a test that failed.
    for (const host of this.elsewhere.splice(0)) await host.kill();
    const lock = HostLock.tryAcquire(townPaths(this.root).hostLock);
    if (!lock) throw new Error('The town has a host already.');
    this.host = await TownHost.start(this.options, lock);
    this.hosting = true;
    await this.host.adopted;
    await this.until('what was left is taken up', ({ sessions }) =>
      sessions.every(({ state }) => state !== 'starting'),
    );
  }

  /** The host goes away; sessions live on. */
  async letGo(): Promise<void> {
    this.hosting = false;
    await this.host.dispose();
  }

  /**
   * Lets another process be the host; it can be killed. Call after `letGo`, and before `open`. With `lend`, Claude's
   * terminals belong to this process and outlive the host, as the editor's do.
   */
  async hostElsewhere(role: 'host' | 'member' = 'host', { lend = false } = {}): Promise<HostProcess> {
    const { root, files, node, environment } = this.options;
    const elsewhere = await HostProcess.start(
      { root, files, node, environment },
      role,
      lend ? this.terminals : undefined,
    );
    this.elsewhere.push(elsewhere);
    return elsewhere;
  }

  session(id: string): SessionView {
    const found = this.host.snapshot.sessions.find((session) => session.id === id);
    if (!found) throw new Error(`There is no session ${id}.`);
    return found;
  }

  /** What the town's database says now, whoever is its host. Questions are in questions.ts. */
  stored: OpenBooks['stored'] = (sql, ...values) => booksOf(townPaths(this.root).database).stored(sql, ...values);

  /** Makes the town's database what a crash would leave. Only while nobody hosts it. */
  write: OpenBooks['write'] = (sql, ...values) => booksOf(townPaths(this.root).database).write(sql, ...values);

  /** Resolves when the message is in this state; every change of a message comes with a snapshot. */
  async message(id: string, state: MessageView['state'], limitMs?: number): Promise<MessageView> {
    await this.until(`message ${id} to be ${state}`, () => stateOfMessage(this, id) === state, limitMs);
    const { messages } = await this.host.api.request('message.list', { limit: 1000 });
    return messages.find((message) => message.id === id)!;
  }

  /** Resolves with the first snapshot that satisfies `check`; rejects after `limitMs` (see `patience`) with what the town looked like. */
  until(what: string, check: (snapshot: TownSnapshot) => boolean, limitMs = 60_000): Promise<TownSnapshot> {
    const boundMs = patience(limitMs);
    return new Promise((resolve, reject) => {
      const look = (snapshot: TownSnapshot): void => {
        if (!check(snapshot)) return;
        done();
        resolve(snapshot);
      };
      const listening = this.host.onDidChange(look);
      const timer = setTimeout(() => {
        done();
        const sessions = this.host.snapshot.sessions.map(
          ({ id, state, activity, cause }) => `${id} ${state}/${activity.kind} (${cause})`,
        );
        const work = this.host.snapshot.work.map(({ id, state, note }) => `${id} ${state} (${note ?? ''})`);
        const asked = this.model.requests
          .slice(-10)
          .map(
            ({ time, text, step, outcome }) =>
              `${new Date(time).toISOString()} ${text.slice(0, 60)} → ${step} (${outcome})`,
          );
        reject(
          new Error(
            [
              `Waited ${boundMs / 1000} s for ${what}. Sessions: ${sessions.join('; ')}. Work: ${work.join('; ')}.`,
              ...this.logged,
              'The model was last asked:',
              ...asked,
            ].join('\n'),
          ),
        );
      }, boundMs);
      const done = (): void => {
        clearTimeout(timer);
        listening.dispose();
      };
      look(this.host.snapshot);
    });
  }

  /** Stops every session and the host. Returns the processes that were left over (and are killed now). */
  async stop(): Promise<ProcessFact[]> {
    for (const host of this.elsewhere.splice(0)) await host.kill();
    if (!this.hosting) await this.open();
    for (const { id, state } of this.host.snapshot.sessions) {
      if (state === 'running' || state === 'starting') await this.host.api.request('session.stop', { session: id });
    }
    await this.host.dispose();
    await this.model.close();
    const left = await endProcessesOf(this.folder, 5_000);
    this.removeFolder();
    return left;
  }
}
