import path from 'node:path';
import type { Params } from '../../channel/protocol.ts';
import { troublePolicy } from '../../config/backend-trouble.ts';
import { GasTownError, messageOf, throwIfCancelled } from '../../errors.ts';
import { killAll, startedWith } from '../../process/process-table.ts';
import { deliveryMark } from '../driver.ts';
import type {
  AskAnswer,
  AttachTarget,
  BackendDriver,
  Delivery,
  DeliveryOutcome,
  DriverHost,
  InsideEvent,
  RunRecord,
  RunSpec,
} from '../driver.ts';
import { answerAsk } from './answer-ask.ts';
import { promptDefaults } from './arguments.ts';
import type { PromptDefaults } from './arguments.ts';
import { writeCatalogue } from './catalogue.ts';
import { answerOf, refusedConnection, RequestError } from './client.ts';
import { installPlugin, stubConfigDirs } from './config-dirs.ts';
import { serverEnv, withoutForeign } from './environment.ts';
import type { Environment } from './environment.ts';
import { checkHealth } from './health.ts';
import { permissionRules } from './permissions.ts';
import { Run } from './run.ts';
import { serverFiles } from './server.ts';
import type { ServerLink } from './server-link.ts';
import { ServerPool } from './server-pool.ts';
import { workDir } from './work-dir.ts';

/** The first request in a directory boots it there, plugins included; with an npm install of the person's it takes long. */
const createMs = 120_000;
const readyMs = 30_000;
const requestMs = 15_000;
const politeMs = 2_000;

export interface OpencodeDriverOptions {
  /** `<town>/.runtime`; the servers' folders are below it. */
  runtimeDir: string;
  /** The host's environment, by which the agent finds its programs, configuration and credentials. */
  environment: Environment;
  /** The channel, for the plugin. */
  socket: string;
  /** Absolute path of the bundled gastown.js; the folder has a package.json that says `"type": "module"`. */
  pluginFile: string;
  /** How long a turn may go on trying at a provider that fails; by default what the settings have by default. */
  patienceMs?: () => number;
  /** A server ended by itself. */
  onServerLost?: (reason: string) => void;
  /** After how many milliseconds without a host a server ends itself; 30 minutes by default. */
  leaseMs?: number;
}

interface OpencodeReference {
  /** Which server of the town, and which process of it. */
  launch: string;
  server: string;
  session: string;
  directory: string;
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
      pluginFile: options.pluginFile,
      ...(options.leaseMs === undefined ? {} : { leaseMs: options.leaseMs }),
      log: host.log,
      now: () => host.now(),
      onGone: (link) => this.serverGone(link),
    });
  }

  async start(spec: RunSpec, signal: AbortSignal): Promise<void> {
    const { agent, runId } = spec;
    const directory = await workDir(spec.cwd);
    const defaults = promptDefaults(agent.name, agent.args);
    const providers = defaults.model === undefined ? [] : [defaults.model.providerID];
    const environment = { ...this.options.environment, ...agent.env };
    if (agent.hooks) await installPlugin(this.options.pluginFile, directory, agent.hooks);
    await stubConfigDirs(environment, directory, this.host.log);
    const link = await this.pool.acquire(agent, directory, providers, signal);
    let run: Run | undefined;
    try {
      await writeCatalogue(path.join(link.server.folder, serverFiles.models), environment, directory, providers);
      const earlier = await this.resume(link, spec, directory, signal);
      run = this.enter(link, spec, directory, defaults, earlier ?? (await this.create(link, spec, directory, defaults, signal)));
      await this.waitUntilReady(link, run, signal);
      this.host.report(runId, 'inside', { kind: 'ready' }, 'plugin.loaded');
      this.host.report(runId, 'program', { kind: 'ready' }, 'session.create answered');
      await link.resync([run]);
      if (earlier !== undefined) await this.confirm(run, spec.resume?.unconfirmed ?? []);
      if (spec.firstPrompt) await this.giveFirst(runId, spec.firstPrompt, signal);
      await this.pool.release(link, 'later');
    } catch (error) {
      if (run) await this.end(link, run);
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
      await killShellChildren(record.runId);
      return false;
    }
    link.holds += 1;
    try {
      await answerOf('find the session', link.server.client.session.get({ sessionID: session }, bound(requestMs)));
      const { agent } = record.spec;
      const run = this.runFor(link, record.spec, session, directory, promptDefaults(agent.name, agent.args));
      link.runs.set(record.runId, run);
      await link.resync([run]);
      await this.confirm(run, record.unconfirmed ?? []);
      return true;
    } catch (error) {
      if (!(error instanceof RequestError && error.status === 404)) throw error;
      await killShellChildren(record.runId);
      return false;
    } finally {
      await this.pool.release(link, 'later');
    }
  }

  async stop(runId: string): Promise<void> {
    const found = this.find(runId);
    if (!found) return killShellChildren(runId);
    await this.end(found.link, found.run);
    await this.pool.settle(found.link, 'at once');
  }

  async deliver(runId: string, delivery: Delivery, signal: AbortSignal): Promise<DeliveryOutcome> {
    const { run } = this.require(runId);
    if (run.activity === 'busy') return { kind: 'not-now', reason: 'the session is in the middle of a turn' };
    const heard = run.begin(delivery);
    try {
      const parameters = { sessionID: run.session, ...run.defaults, parts: [{ type: 'text' as const, text: delivery.text }] };
      await answerOf('take the prompt', run.server.client.session.promptAsync(parameters, bound(requestMs, signal)));
    } catch (error) {
      if (error instanceof RequestError && error.status !== undefined) {
        run.turn.cancel();
        return { kind: 'failed', reason: messageOf(error) };
      }
      if (refusedConnection(error)) {
        run.turn.cancel();
        return { kind: 'not-now', reason: 'the Opencode server does not answer' };
      }
      return { kind: 'uncertain', reason: `the Opencode server did not confirm the prompt: ${messageOf(error)}` };
    }
    run.accepted(heard);
    return { kind: 'accepted' };
  }

  async recall(runId: string, messageIds: readonly string[]): Promise<readonly string[]> {
    const { run } = this.require(runId);
    const messages = await answerOf('list the messages', run.server.client.session.messages({ sessionID: run.session }, bound(requestMs)));
    const texts = messages.flatMap(({ info, parts }) =>
      info.role === 'user' ? parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])) : [],
    );
    return messageIds.filter((id) => texts.some((text) => text.includes(deliveryMark(id))));
  }

  async answer(runId: string, askId: string, answer: AskAnswer): Promise<void> {
    const { run } = this.require(runId);
    await answerAsk(run, askId, answer, requestMs);
  }

  async attach(runId: string): Promise<AttachTarget> {
    const { run } = this.require(runId);
    const { record, url } = run.server;
    return Promise.resolve({
      kind: 'program',
      name: run.spec.title,
      program: record.program,
      args: ['attach', url, '--dir', run.directory, '--session', run.session],
      env: {
        ...withoutForeign({ ...this.options.environment, ...run.spec.agent.env }),
        OPENCODE_DISABLE_AUTOUPDATE: '1',
        [serverEnv.password]: record.password,
      },
      cwd: run.directory,
    });
  }

  async lastWords(runId: string): Promise<string | undefined> {
    const { run } = this.require(runId);
    const messages = await answerOf('list the messages', run.server.client.session.messages({ sessionID: run.session, limit: 50 }, bound(requestMs)));
    const said = messages.flatMap(({ info, parts }) =>
      info.role === 'assistant' ? [parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n').trim()] : [],
    );
    return said.findLast((text) => text !== '');
  }

  health(signal: AbortSignal): Promise<void> {
    return checkHealth([...this.pool.all], this.options.environment, signal);
  }

  async fromInside(runId: string, event: InsideEvent): Promise<unknown> {
    const found = this.find(runId);
    found?.link.take({ type: event.name, properties: event.payload }, 'inside');
    return Promise.resolve(undefined);
  }

  /** The server whose plugin has this token on the channel. */
  serverOf(token: string): string | undefined {
    return this.pool.serverOf(token);
  }

  /** The run on this server that an Opencode session, or the session whose sub-agent it is, belongs to. */
  runOf(server: string, opencodeSessionId: string): string | undefined {
    const link = [...this.pool.all].find((each) => each.server.record.id === server);
    return link?.runOf(opencodeSessionId)?.id;
  }

  /** What the plugin of a server reports. A report that has been heard before changes nothing. */
  async fromPlugin(event: Params<'inside.event'>): Promise<void> {
    const link = await this.pool.linkOf(event.server);
    if (!link?.isNews(event.seq)) return;
    const directory = event.payload['directory'];
    if (event.name === 'plugin.loaded' && typeof directory === 'string') link.pluginLoaded(directory);
    else if (event.name === 'plugin.disposed' && typeof directory === 'string') link.pluginGone(directory);
    else link.take({ type: event.name, properties: event.payload }, 'inside');
  }

  dispose(): Promise<void> {
    return this.pool.dispose();
  }

  /** Tells of the messages that are in the session: their receipts were lost with the earlier host, or run. */
  private async confirm({ id }: Run, messageIds: readonly string[]): Promise<void> {
    if (messageIds.length === 0) return;
    for (const known of await this.recall(id, messageIds)) this.host.delivered(id, known);
  }

  /** Whether a prompt that was not confirmed has arrived, its receipt will tell. */
  private async giveFirst(runId: string, prompt: Delivery, signal: AbortSignal): Promise<void> {
    const outcome = await this.deliver(runId, prompt, signal);
    if (outcome.kind === 'failed') throw new GasTownError('spawn-failed', `Opencode did not take the first prompt: ${outcome.reason}`);
  }

  /** Makes the earlier run's Opencode session this run's. Undefined where this server's database does not know it. */
  private async resume(link: ServerLink, spec: RunSpec, directory: string, signal: AbortSignal): Promise<string | undefined> {
    const { session, directory: before } = (spec.resume?.reference ?? {}) as Partial<OpencodeReference>;
    if (session === undefined || before !== directory) return undefined;
    const { client } = link.server;
    try {
      await answerOf(`resume ${session}`, client.session.update({ sessionID: session, ...inSession(spec) }, bound(createMs, signal)));
      return session;
    } catch (error) {
      if (error instanceof RequestError && error.status === 404) return undefined;
      throw error;
    }
  }

  private async create(link: ServerLink, spec: RunSpec, directory: string, defaults: PromptDefaults, signal: AbortSignal): Promise<string> {
    const { agent, model } = defaults;
    const { id } = await answerOf(
      `create a session in ${directory}`,
      link.server.client.session.create(
        {
          directory,
          ...inSession(spec),
          ...(agent === undefined ? {} : { agent }),
          ...(model === undefined ? {} : { model: { id: model.modelID, providerID: model.providerID } }),
        },
        bound(createMs, signal),
      ),
    );
    return id;
  }

  private enter(link: ServerLink, spec: RunSpec, directory: string, defaults: PromptDefaults, session: string): Run {
    const { launch, id } = link.server.record;
    const reference: OpencodeReference = { launch, server: id, session, directory };
    this.host.saveReference(spec.runId, { ...reference });
    const run = this.runFor(link, spec, session, directory, defaults);
    link.runs.set(spec.runId, run);
    return run;
  }

  private runFor(link: ServerLink, spec: RunSpec, session: string, directory: string, defaults: PromptDefaults): Run {
    const patienceMs = this.options.patienceMs ?? (() => troublePolicy().patienceMs);
    return new Run(this.host, link.server, spec, { session, directory, defaults, patienceMs });
  }

  /** Ready is: the session exists, by the answer and by its event, and the plugin is at work in its directory. */
  private async waitUntilReady(link: ServerLink, run: Run, signal: AbortSignal): Promise<void> {
    const missing = await link.ready(run, readyMs, signal);
    throwIfCancelled(signal, `Starting ${run.spec.sessionId}`);
    if (missing.includes('plugin')) {
      throw new GasTownError(
        'spawn-failed',
        `Opencode runs, but its plugin did not report from ${run.directory} within ${readyMs / 1000} s. ` +
          `Is ${this.options.pluginFile} there, and not switched off by OPENCODE_PURE? ` +
          `Look for "plugin" in Opencode's own log (\`opencode debug paths\` tells where it is) and in ` +
          `${path.join(link.server.folder, serverFiles.log)}.`,
      );
    }
    if (missing.length > 0) {
      throw new GasTownError('spawn-failed', `Opencode did not confirm the session of ${run.spec.sessionId} (no session.created event).`);
    }
  }

  /** Ends the run: its turn, its sub-agents, and what its shell has started, wherever that hangs now. */
  private async end(link: ServerLink, run: Run): Promise<void> {
    const { client } = link.server;
    run.letGo();
    const polite = async (what: string, act: () => Promise<unknown>): Promise<void> => {
      try {
        await act();
      } catch (error) {
        // Whatever does not end politely is killed below.
        this.host.log.debug(`opencode: ${run.spec.sessionId}: ${what}: ${messageOf(error)}`);
      }
    };
    await polite('abort', () => client.session.abort({ sessionID: run.session }, bound(politeMs)));
    if (run.activity === 'busy') await run.idle(politeMs);
    link.runs.delete(run.id);
    const shared = [...link.runs.values()].some((other) => other.directory === run.directory);
    if (!shared) await polite('dispose', () => client.instance.dispose({ directory: run.directory }, bound(politeMs)));
    await killShellChildren(run.id);
  }

  private serverGone(link: ServerLink): void {
    const { identity, folder } = link.server;
    const log = path.join(folder, serverFiles.log);
    this.options.onServerLost?.(`The Opencode server (pid ${identity.pid}) ended unexpectedly; ${log} may tell why.`);
    const error =
      `The Opencode server (pid ${identity.pid}) ended unexpectedly, and with it this session. ` +
      `Start it again; ${log} may tell why.`;
    for (const run of link.runs.values()) {
      run.letGo();
      this.host.report(run.id, 'program', { kind: 'ended', error }, 'the server ended');
      killShellChildren(run.id).catch((failure: unknown) => {
        this.host.log.error(`opencode: shell children of ${run.spec.sessionId} are left: ${messageOf(failure)}`);
      });
    }
    link.runs.clear();
  }

  private find(runId: string): { link: ServerLink; run: Run } | undefined {
    for (const link of this.pool.all) {
      const run = link.runs.get(runId);
      if (run) return { link, run };
    }
    return undefined;
  }

  private require(runId: string): { link: ServerLink; run: Run } {
    const found = this.find(runId);
    if (found) return found;
    throw new GasTownError('unknown-session', 'This session does not run any more. Start it again.');
  }
}

/** What Opencode keeps with a session of ours: by the run, it and the plugin know whose it is. */
function inSession(spec: RunSpec) {
  return {
    title: spec.title,
    metadata: { gastown: { session: spec.sessionId, run: spec.runId, contextFile: spec.contextFile } },
    permission: permissionRules(spec.permissions),
  };
}

/** Everything in the run's shell has its id in the environment, also what has left the shell's process group. */
async function killShellChildren(runId: string): Promise<void> {
  await killAll(await startedWith('GT_RUN', runId));
}

function bound(ms: number, signal?: AbortSignal): { signal: AbortSignal } {
  return { signal: AbortSignal.any([AbortSignal.timeout(ms), ...(signal ? [signal] : [])]) };
}
