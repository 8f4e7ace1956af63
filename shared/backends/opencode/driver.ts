import path from 'node:path';
import { troublePolicy } from '../../config/provider-failure-settings.ts';
import type { ResolvedAgent } from '../../domain/agent.ts';
import { GasTownError, messageOf, throwIfCancelled } from '../../platform/errors.ts';
import type {
  BackendDriver,
  DeliveryOutcome,
  DriverHost,
  ReporterEvent,
  ReporterReply,
  RunRecord,
  RunSpec,
} from '../driver.ts';
import { killProcessesOf } from '../run-processes.ts';
import { workDir } from '../work-dir.ts';
import { answerAsk } from './answer-ask.ts';
import { promptDefaults } from './arguments.ts';
import type { PromptDefaults } from './arguments.ts';
import { attachTarget } from './attach.ts';
import { writeCatalogue } from './catalogue.ts';
import { answerOf, RequestError, requestMs, within } from './client.ts';
import { installPlugin, stubConfigDirs } from './config-dirs.ts';
import { findIn, lastFailureIn, lastWordsIn } from './conversation.ts';
import { deliver } from './deliver.ts';
import { endRun } from './end-run.ts';
import type { Environment } from '../../platform/inherited-environment.ts';
import { checkHealth } from './health.ts';
import type { OpencodeReference } from './reference.ts';
import { Run } from './run.ts';
import { serverFiles } from './server.ts';
import type { ServerConnection } from './server-connection.ts';
import { ServerPool } from './server-pool.ts';
import { startSession, waitUntilReady } from './start-session.ts';
import type { AskAnswer, AttachTarget, TurnFailure } from '../../domain/run.ts';
import type { Delivery } from '../../domain/delivery.ts';

export interface OpencodeDriverOptions {
  /** `<town>/.runtime`; the servers' folders are below it. */
  runtimeDir: string;
  /** The host's environment, by which the agent finds its programs, configuration and credentials. */
  environment: Environment;
  /** The channel, for the plugin. */
  socket: string;
  /** Where the host says where it is. */
  hostFile: string;
  /** Absolute path of the bundled gastown.js; the folder has a package.json that says `"type": "module"`. */
  pluginFile: string;
  /** How long a turn may go on trying at a provider that fails; by default what the settings have by default. */
  patienceMs?: () => number;
  /** How often in a row a turn may do the same; by default the same. */
  maxRepeats?: () => number;
  /** A server ended by itself. */
  onServerLost?: (reason: string) => void;
  /** After how many milliseconds without a host a server ends itself; 30 minutes by default. */
  leaseMs?: number;
}

/** Runs sessions on one shared `opencode serve` per town (DESIGN D3). */
export class OpencodeDriver implements BackendDriver {
  readonly backend = 'opencode';
  private readonly host: DriverHost;
  private readonly options: OpencodeDriverOptions;
  private readonly pool: ServerPool;

  constructor(host: DriverHost, options: OpencodeDriverOptions) {
    this.host = host;
    this.options = options;
    this.pool = new ServerPool({
      folder: path.join(options.runtimeDir, 'opencode'),
      environment: options.environment,
      socket: options.socket,
      hostFile: options.hostFile,
      pluginFile: options.pluginFile,
      ...(options.leaseMs === undefined ? {} : { leaseMs: options.leaseMs }),
      host,
      onGone: (link) => this.serverGone(link),
    });
  }

  /** The session has the plugin in any case: what speaks against a copy in the repository stops nothing. */
  private async installBesides(directory: string, hooks: NonNullable<ResolvedAgent['hooks']>): Promise<void> {
    try {
      await installPlugin(this.options.pluginFile, directory, hooks);
    } catch (error) {
      this.host.log.warn(`opencode: the plugin is not installed besides: ${messageOf(error)}`);
    }
  }

  async start(spec: RunSpec, signal: AbortSignal): Promise<void> {
    const { agent, runId } = spec;
    const directory = await workDir(spec.cwd);
    const defaults = promptDefaults(agent.name, agent.args);
    const providers = defaults.model === undefined ? [] : [defaults.model.providerID];
    const environment = { ...this.options.environment, ...agent.env };
    if (agent.hooks) await this.installBesides(directory, agent.hooks);
    await stubConfigDirs(environment, directory, this.host.log);
    const link = await this.pool.acquire(agent, directory, providers, signal);
    let run: Run | undefined;
    try {
      await writeCatalogue(path.join(link.server.folder, serverFiles.models), environment, directory, providers);
      const { session, resumed } = await startSession(link.server, { spec, directory, defaults }, signal);
      run = this.enter(link, spec, directory, defaults, session);
      await waitUntilReady(link, run, this.options.pluginFile, signal);
      this.host.report(runId, 'inside', { kind: 'ready' }, 'plugin.loaded');
      this.host.report(runId, 'program', { kind: 'ready' }, 'session.create answered');
      await link.resync([run]);
      if (resumed) await this.confirmResumed(run, spec.resume?.unconfirmed ?? []);
      if (spec.firstPrompt) await this.giveFirst(runId, spec.firstPrompt, signal);
      await this.pool.release(link, 'later');
    } catch (error) {
      if (run) await endRun(link, run, this.host.log);
      await this.pool.release(link, 'at once');
      throwIfCancelled(signal, `Starting ${spec.sessionId}`);
      throw error;
    }
  }

  async adopt(record: RunRecord): Promise<boolean> {
    const reference = record.reference as Partial<OpencodeReference>;
    const { session, directory } = reference;
    const link = reference.launch === undefined ? undefined : await this.pool.adopt(reference.launch);
    if (!link || session === undefined || directory === undefined || link.server.record.id !== reference.server) {
      await killProcessesOf(record.spec, this.host.log);
      return false;
    }
    link.holds += 1;
    const { agent } = record.spec;
    // Of an attempt that the server was too slow for.
    link.runs.get(record.runId)?.letGo();
    const run = this.runFor(link, record.spec, session, directory, promptDefaults(agent.name, agent.args));
    // Before anything is asked: where there is no answer, a stop finds it all the same.
    link.add(run);
    try {
      await link.adopting.run(() => this.lookAt(link, run, record));
      return true;
    } catch (error) {
      if (!(error instanceof RequestError && error.status === 404)) throw error;
      run.letGo();
      link.remove(run);
      await killProcessesOf(record.spec, this.host.log);
      return false;
    } finally {
      await this.pool.release(link, 'later');
    }
  }

  /** How the run is now, and what has reached it meanwhile. Rejects where its session is gone, or nothing is answered. */
  private async lookAt(link: ServerConnection, run: Run, { sessionId, unconfirmed = [] }: RunRecord): Promise<void> {
    const { client } = link.server;
    await answerOf('find the session', client.session.get({ sessionID: run.session }, within(requestMs)));
    await link.resync([run]);
    await this.confirm(run, unconfirmed).catch((error: unknown) => {
      // Who delivers looks for it again, and is told then.
      this.host.log.warn(`opencode: the conversation of ${sessionId} cannot be read: ${messageOf(error)}`);
    });
  }

  async stop(runId: string): Promise<void> {
    const found = this.find(runId);
    if (!found) return killProcessesOf({ runId }, this.host.log);
    await endRun(found.link, found.run, this.host.log);
    await this.pool.settle(found.link, 'at once');
  }

  async deliver(runId: string, delivery: Delivery, signal: AbortSignal): Promise<DeliveryOutcome> {
    return deliver(this.require(runId), delivery, signal);
  }

  async recall(runId: string, messageIds: readonly string[]): Promise<readonly string[]> {
    const run = this.require(runId);
    const { found } = await findIn(run, messageIds);
    // What an earlier run's turn was cut off with before the model had it goes again.
    return found.flatMap(({ entry, messageId, answered }) => (answered || messageId > run.resumedAfter ? [entry] : []));
  }

  async answer(runId: string, askId: string, answer: AskAnswer): Promise<void> {
    await answerAsk(this.require(runId), askId, answer);
  }

  async attach(runId: string): Promise<AttachTarget> {
    return Promise.resolve(attachTarget(this.require(runId), this.options.environment));
  }

  async lastWords(runId: string): Promise<string | undefined> {
    return lastWordsIn(this.require(runId));
  }

  async lastFailure(runId: string): Promise<TurnFailure | undefined> {
    return lastFailureIn(this.require(runId));
  }

  health(agent: ResolvedAgent, signal: AbortSignal): Promise<void> {
    return checkHealth([...this.pool.all], agent, this.options.environment, signal);
  }

  identify(token: string): string | undefined {
    return this.pool.serverOf(token);
  }

  runOf(server: string, opencodeSessionId: string): string | undefined {
    const link = [...this.pool.all].find((each) => each.server.record.id === server);
    return link?.runOf(opencodeSessionId)?.id;
  }

  /** What the plugin of a server reports. A report that has been heard before changes nothing. */
  async onReporterEvent(event: ReporterEvent): Promise<ReporterReply> {
    const link = 'server' in event.by ? await this.pool.linkOf(event.by.server) : undefined;
    if (!link || (event.seq !== undefined && !link.isNews(event.seq))) return {};
    const directory = event.payload['directory'];
    if (event.name === 'plugin.loaded' && typeof directory === 'string') link.pluginLoaded(directory);
    else if (event.name === 'plugin.disposed' && typeof directory === 'string') link.pluginGone(directory);
    else link.take({ type: event.name, properties: event.payload }, 'inside');
    return {};
  }

  dispose(): Promise<void> {
    return this.pool.dispose();
  }

  /** Tells of the messages that are in the session: their receipts were lost with the earlier host. */
  private async confirm(run: Run, messageIds: readonly string[]): Promise<void> {
    if (messageIds.length === 0) return;
    const { found } = await findIn(run, messageIds);
    for (const { entry, messageId, answered } of found) {
      if (answered || run.activity === 'idle') this.host.delivered(run.id, entry);
      else run.expectReceipt(entry, messageId);
    }
  }

  /** The same for a run whose conversation this one goes on with: what its turn ended before is put before the model again. */
  private async confirmResumed(run: Run, messageIds: readonly string[]): Promise<void> {
    if (messageIds.length === 0) return;
    const { found, newest } = await findIn(run, messageIds);
    run.resumedAfter = newest;
    for (const { entry, answered } of found) if (answered) this.host.delivered(run.id, entry);
  }

  /** Whether a prompt that was not confirmed has arrived, its receipt will tell. */
  private async giveFirst(runId: string, prompt: Delivery, signal: AbortSignal): Promise<void> {
    const outcome = await this.deliver(runId, prompt, signal);
    if (outcome.kind === 'failed')
      throw new GasTownError('spawn-failed', `Opencode did not take the first prompt: ${outcome.reason}`, {
        about: 'prompt',
      });
  }

  private enter(
    link: ServerConnection,
    spec: RunSpec,
    directory: string,
    defaults: PromptDefaults,
    session: string,
  ): Run {
    const { launch, id } = link.server.record;
    const reference: OpencodeReference = { launch, server: id, session, directory };
    this.host.saveReference(spec.runId, { ...reference });
    const run = this.runFor(link, spec, session, directory, defaults);
    link.add(run);
    return run;
  }

  private runFor(
    link: ServerConnection,
    spec: RunSpec,
    session: string,
    directory: string,
    defaults: PromptDefaults,
  ): Run {
    this.host.setServerPid(spec.runId, link.server.identity.pid);
    const patienceMs = this.options.patienceMs ?? (() => troublePolicy().patienceMs);
    const maxRepeats = this.options.maxRepeats ?? (() => troublePolicy().maxRepeats);
    return new Run(this.host, link.server, spec, { session, directory, defaults, patienceMs, maxRepeats });
  }

  private serverGone(link: ServerConnection): void {
    const { identity, folder } = link.server;
    const log = path.join(folder, serverFiles.log);
    this.options.onServerLost?.(`The Opencode server (pid ${identity.pid}) ended unexpectedly; ${log} may tell why.`);
    const error =
      `The Opencode server (pid ${identity.pid}) ended unexpectedly, and with it this session. ` +
      `Start it again; ${log} may tell why.`;
    for (const run of link.runs.values()) {
      run.letGo();
      this.host.report(
        run.id,
        'program',
        { kind: 'ended', error, lostWith: link.server.record.id },
        'the server ended',
      );
      killProcessesOf(run.spec, this.host.log).catch((failure: unknown) => {
        this.host.log.error(`opencode: shell children of ${run.spec.sessionId} are left: ${messageOf(failure)}`);
      });
    }
    for (const run of [...link.runs.values()]) link.remove(run);
  }

  private find(runId: string): { link: ServerConnection; run: Run } | undefined {
    for (const link of this.pool.all) {
      const run = link.runs.get(runId);
      if (run) return { link, run };
    }
    return undefined;
  }

  private require(runId: string): Run {
    const found = this.find(runId);
    if (found) return found.run;
    throw new GasTownError('unknown-session', 'This session does not run any more. Start it again.');
  }
}
