import { messageOf } from '../../platform/errors.ts';
import type { Logger } from '../../platform/logger.ts';
import type { DriverHost } from '../driver.ts';
import { killAll, startedWith } from '../../platform/process-table.ts';
import { Queue } from '../../platform/queue.ts';
import { Timers } from '../../platform/timer.ts';
import { answerOf, requestMs, within } from './client.ts';
import { serverEnv } from './environment.ts';
import { isObject } from '../../platform/objects.ts';
import { EventLoop } from './events.ts';
import { activity, observe } from './facts.ts';
import type { Observation, OpencodeEvent } from './facts.ts';
import type { Run } from './run.ts';
import { ServerMeans } from './server-means.ts';
import { forget } from './server.ts';
import type { OpencodeServer } from './server.ts';
import type { Reporter } from './turn.ts';

/** A turn whose end was lost with the stream is taken for ended when nothing was heard of it for this long. */
const lostTurnMs = 10_000;
/** An adoption is some five requests, one after the other. */
const adoptedAtOnce = 16;

/** A server, the stream of its events, the runs on it, and in which directories its plugin is loaded. */
export class ServerConnection {
  readonly server: OpencodeServer;
  /** By their ids. */
  readonly runs: ReadonlyMap<string, Run>;
  /** Adoptions, a few at once: of requests that wait for a thousand others many would be given up. */
  readonly adopting = new Queue(adoptedAtOnce);
  /** Starts that are under way: with them the server is in use although it has no run yet. */
  holds = 0;
  private readonly present = new Map<string, Run>();
  /** Opencode's sessions and sub-agents: whose they are. Every event asks. */
  private readonly owners = new Map<string, Run>();
  private readonly log: Logger;
  private readonly now: () => number;
  private readonly awake: () => number;
  private readonly events: EventLoop;
  private readonly onGone: (link: ServerConnection) => void;
  private readonly means: ServerMeans;
  /** What is wrong with the server, for each of its runs. */
  private problem: string | undefined;
  private readonly loaded = new Set<string>();
  /** Runs whose session has been created. */
  private readonly created = new Set<string>();
  private readonly wakers = new Set<() => void>();
  /** Run → when it is asked about, as its prompt may have been refused. */
  private readonly doubts = new Timers();
  private lastSeq = -1;
  private streaming = false;

  constructor(
    server: OpencodeServer,
    host: Pick<DriverHost, 'log' | 'now' | 'awake'>,
    onGone: (link: ServerConnection) => void,
  ) {
    const { log } = host;
    this.server = server;
    this.runs = this.present;
    this.log = log;
    this.now = () => host.now();
    this.awake = () => host.awake();
    this.onGone = onGone;
    this.means = new ServerMeans(server, log, (file) => this.databaseGone(file));
    this.events = new EventLoop({
      client: server.client,
      log,
      onEvent: (event) => this.take(event, 'program'),
      onConnected: () => {
        this.streaming = true;
        void this.resync();
      },
      onLost: (reason) => this.lost(reason),
    });
  }

  get unused(): boolean {
    return this.runs.size === 0 && this.holds === 0;
  }

  add(run: Run): void {
    const before = this.runs.get(run.id);
    if (before) this.remove(before);
    this.present.set(run.id, run);
    this.owners.set(run.session, run);
    if (this.problem !== undefined) run.tellProblem(this.problem);
  }

  /** Nothing that is heard is about it any more. */
  remove(run: Run): void {
    if (this.runs.get(run.id) === run) this.present.delete(run.id);
    for (const session of run.sessions) if (this.owners.get(session) === run) this.owners.delete(session);
  }

  /** The run whose session it is, or of which it is a sub-agent. */
  runOf(session: string): Run | undefined {
    return this.owners.get(session);
  }

  /** An event of the server's stream, or one that the plugin passed on. */
  take(event: OpencodeEvent, reporter: Reporter): void {
    this.noteProgress(event);
    for (const seen of observe(event, this.now())) this.apply(seen, reporter);
  }

  /** What the plugin says of itself. Returns false for a report that has been heard before. */
  isNews(seq: number): boolean {
    if (seq <= this.lastSeq) return false;
    this.lastSeq = seq;
    return true;
  }

  pluginLoaded(directory: string): void {
    this.loaded.add(directory);
    this.wake();
  }

  pluginGone(directory: string): void {
    this.loaded.delete(directory);
  }

  /** Resolves with what is still missing for the run to be ready: nothing, normally. */
  async ready(run: Run, timeoutMs: number, signal: AbortSignal): Promise<('plugin' | 'session')[]> {
    const missing = (): ('plugin' | 'session')[] => [
      ...(this.loaded.has(run.directory) ? [] : (['plugin'] as const)),
      ...(this.created.has(run.id) ? [] : (['session'] as const)),
    ];
    if (missing().length === 0) return [];
    const bound = AbortSignal.any([AbortSignal.timeout(timeoutMs), signal]);
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (missing().length > 0 && !bound.aborted) return;
        this.wakers.delete(look);
        resolve();
      };
      this.wakers.add(look);
      bound.addEventListener('abort', look, { once: true });
      look();
    });
    this.created.delete(run.id);
    return missing().filter((part) => part !== 'session' || bound.aborted);
  }

  /** Asks the server for everything that events may have told while nobody listened. */
  async resync(runs: Iterable<Run> = this.runs.values()): Promise<void> {
    const all = [...runs];
    for (const directory of new Set(all.map((run) => run.directory))) {
      const here = all.filter((run) => run.directory === directory);
      try {
        await this.resyncDirectory(directory, here);
      } catch (error) {
        // The stream tells of everything that happens from now on; the next connection asks again.
        this.log.warn(`opencode: the state of ${directory} is not known: ${messageOf(error)}`);
      }
    }
  }

  /** Listens no more; the server goes on. */
  letGo(): void {
    this.events.stop();
    this.doubts.dispose();
    void this.means.close();
    for (const run of this.runs.values()) run.letGo();
  }

  async stop(): Promise<void> {
    this.events.stop();
    this.doubts.dispose();
    await this.means.close();
    await this.server.stop([...this.runs.values()].map((run) => run.session));
  }

  private async resyncDirectory(directory: string, runs: Run[]): Promise<void> {
    const { client } = this.server;
    const bound = within(requestMs);
    const heard = runs.map((run) => run.heard);
    const [statuses, permissions, questions] = await Promise.all([
      answerOf(`tell the status of ${directory}`, client.session.status({ directory }, bound)),
      answerOf(`list the permissions of ${directory}`, client.permission.list({ directory }, bound)),
      answerOf(`list the questions of ${directory}`, client.question.list({ directory }, bound)),
    ]);
    for (const [index, run] of runs.entries()) {
      const children = await answerOf(
        'list the sub-agents',
        client.session.children({ sessionID: run.session }, bound),
      );
      for (const info of children) this.take({ type: 'session.created', properties: { info } }, 'program');
      const status = statuses[run.session];
      if (run.heard === heard[index]) {
        const seen = activity(run.session, status ?? { type: 'idle' }, 'session.status');
        if (status === undefined && run.turn.open) await this.resyncTurn(run, seen);
        else for (const observation of seen) run.take(observation, 'program');
      }
      // Opencode keeps what an aborted turn asked in its lists: only a busy session really waits.
      if (status === undefined || status.type === 'idle') continue;
      const asks = [
        ...permissions.map((properties) => ({ type: 'permission.asked', properties })),
        ...questions.map((properties) => ({ type: 'question.asked', properties })),
      ].filter(({ properties }) => run.owns(properties.sessionID));
      run.closeAsksExcept(new Set(asks.map(({ properties }) => properties.id)));
      for (const ask of asks) this.take(ask, 'program');
    }
  }

  /** No status means idle, or not begun yet: what was said in the session decides. */
  private async resyncTurn(run: Run, idle: Observation[]): Promise<void> {
    const messages = await answerOf(
      'list the messages',
      this.server.client.session.messages({ sessionID: run.session, limit: 20 }, within(requestMs)),
    );
    for (const { info, parts } of messages) {
      this.take({ type: 'message.updated', properties: { sessionID: run.session, info } }, 'program');
      for (const part of parts)
        this.take({ type: 'message.part.updated', properties: { sessionID: run.session, part } }, 'program');
    }
    const lost = this.awake() - run.turnSince > lostTurnMs;
    if (lost) {
      run.turn.busy('program');
      run.turn.error('program');
    }
    if (run.turn.endsWithIdle('program')) for (const observation of idle) run.take(observation, 'program');
  }

  /** Whatever is written into a session's messages is written by its model or a tool. */
  private noteProgress({ type, properties }: OpencodeEvent): void {
    if (!type.startsWith('message.')) return;
    const inner = properties['part'] ?? properties['info'];
    const session = properties['sessionID'] ?? (isObject(inner) ? inner['sessionID'] : undefined);
    if (typeof session === 'string') this.runOf(session)?.progress();
  }

  private apply(seen: Observation, reporter: Reporter): void {
    if (seen.kind === 'created') {
      if (seen.run !== undefined) {
        this.created.add(seen.run);
        this.wake();
      }
      const owner = seen.parent === undefined ? undefined : this.runOf(seen.parent);
      if (!owner) return;
      owner.take(seen, reporter);
      this.owners.set(seen.session, owner);
      return;
    }
    // The plugin reports a moment later than the stream: its word on what the session is doing counts while there is none.
    if (seen.kind === 'activity' && reporter === 'inside' && this.streaming) return;
    const run = this.runOf(seen.session);
    run?.take(seen, reporter);
    if (seen.kind === 'deleted' && run && !run.owns(seen.session)) this.owners.delete(seen.session);
    if (seen.kind === 'error' && run?.session === seen.session) this.doubt(run);
  }

  /**
   * A prompt that a plugin refuses becomes no message and no turn: there is an error, and then nothing. So where nothing has
   * begun by the time at which a turn is taken for lost, the session itself is looked at.
   */
  private doubt(run: Run): void {
    const since = run.turnSince;
    const isOpen = (): boolean =>
      run.turn.open && !run.turn.isWorkedOn && run.turnSince === since && this.runs.get(run.id) === run;
    if (!isOpen()) return;
    this.doubts.clear(run.id);
    const look = async (): Promise<void> => {
      if (!isOpen()) return;
      await this.resync([run]);
      // The server did not answer, or begins only now.
      if (isOpen()) this.doubts.set(run.id, lostTurnMs, () => void look());
    };
    this.doubts.set(run.id, Math.max(0, since + lostTurnMs + 1 - this.awake()), () => void look());
  }

  private databaseGone(file: string): void {
    this.problem = `${file} was deleted: the conversation goes on, and ends with the Opencode server (pid ${this.server.identity.pid}). It cannot be resumed: let the session finish, or hand its work off.`;
    this.log.error(`opencode: ${this.problem}`);
    for (const run of this.runs.values()) run.tellProblem(this.problem);
  }

  private wake(): void {
    for (const waker of [...this.wakers]) waker();
  }

  private async lost(reason: string): Promise<boolean> {
    this.streaming = false;
    if (await this.server.isAlive()) {
      this.log.debug(`opencode: event stream: ${reason}`);
      return true;
    }
    this.doubts.dispose();
    await this.means.close();
    const { identity, record, folder } = this.server;
    this.log.error(`opencode: the server (pid ${identity.pid}) has ended`);
    // A server that is killed leaves the shell children of its sessions behind.
    await killAll(await startedWith(serverEnv.server, record.id));
    await forget(folder);
    this.onGone(this);
    return false;
  }
}
