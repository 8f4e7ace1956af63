import { randomUUID } from 'node:crypto';
import { access, chmod, constants, mkdir, rm } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { unlessMissing, writeAtomically } from '../../platform/files.ts';
import { GasTownError, messageOf, throwIfCancelled } from '../../platform/errors.ts';
import { identify, isAlive, killTree } from '../../platform/process-table.ts';
import type {
  BackendDriver,
  DeliveryOutcome,
  DriverHost,
  ReporterEvent,
  ReporterReply,
  RunRecord,
  RunSpec,
} from '../driver.ts';
import { killProcessesOf, processesOf } from '../run-processes.ts';
import type { ManagedTerminal, TerminalHost } from '../terminal-host.ts';
import { workDir } from '../work-dir.ts';
import type { ResolvedAgent } from '../../domain/agent.ts';
import { configFolder, terminalEnvironment } from './environment.ts';
import type { Environment } from '../../platform/inherited-environment.ts';
import { hookPayload, sessionStartPayload } from './hook-payloads.ts';
import { UnconfirmedDeliveries } from './unconfirmed-deliveries.ts';
import { launchArguments, permissionPlan } from './launch-arguments.ts';
import type { PermissionPlan } from './launch-arguments.ts';
import { firstPromptOf, messagesDirOf } from './prompt.ts';
import { parseReference } from './reference.ts';
import type { ClaudeReference } from './reference.ts';
import { brakeFileOf, ClaudeRun, settingsFileOf } from './run.ts';
import { SessionsFolder } from './sessions-folder.ts';
import { launchSettings, skipsWarning } from './settings.ts';
import type { HookProgram } from './settings.ts';
import { Startup } from './startup.ts';
import { hasTranscript, inTranscript, lastFailureIn, lastWordsIn } from './transcript.ts';
import { dialogCause, startDialogs } from './start-dialogs.ts';
import type { StartDialog } from './start-dialogs.ts';
import { trustFolder } from './trust.ts';
import { ClaudePrograms } from './version.ts';
import type { AskAnswer, AttachTarget, TurnFailure } from '../../domain/run.ts';
import type { Delivery } from '../../domain/delivery.ts';

export interface ClaudeDriverOptions {
  terminals: TerminalHost;
  /** The host's environment, from which the terminals' is derived. */
  environment: Environment;
  hookProgram: HookProgram;
  /** See `BackendMeans`. */
  maxRepeats: () => number;
}

/** What both ways to start a run have in common. */
interface Launch {
  environment: Record<string, string>;
  /** Path of the program. */
  program: string;
  /** The folder that Claude Code remembers trust for. */
  folder: string;
  /** What it will ask before the session begins, in its order. */
  dialogs: readonly StartDialog[];
  permissions: PermissionPlan;
}

/** Without a sign of life for so long, a start dialog is open (start to sign: 0.6–4.7 s measured under load). In ms. */
const dialogAfter = 10_000;
/** The same where a dialog is expected. */
const dialogAfterExpected = 3000;
const livenessEvery = 1000;

/** Claude Code in terminals of the editor (DESIGN D4). */
export class ClaudeDriver implements BackendDriver {
  readonly backend = 'claude';
  private readonly host: DriverHost;
  private readonly options: ClaudeDriverOptions;
  private readonly programs = new ClaudePrograms();
  private readonly runs = new Map<string, ClaudeRun>();
  private readonly folders = new Map<string, SessionsFolder>();

  constructor(host: DriverHost, options: ClaudeDriverOptions) {
    this.host = host;
    this.options = options;
  }

  async start(spec: RunSpec, signal: AbortSignal): Promise<void> {
    await workDir(spec.cwd);
    const environment = terminalEnvironment(this.options.environment, spec.agent.env, spec.env);
    const program = await this.programs.find(spec.agent, environment, spec.cwd);
    const folder = await trustFolder(spec.cwd);
    const permissions = permissionPlan(spec.permissions, environment, process.getuid?.() === 0);
    const dialogs = await startDialogs({
      environment,
      cwd: spec.cwd,
      trustFolder: folder,
      agentArgs: spec.agent.args,
      warningSkipped: skipsWarning(permissions),
      platform: process.platform,
    });
    throwIfCancelled(signal, `Starting ${spec.sessionId}`);
    const launch = { environment, program: program.path, folder, dialogs, permissions };
    const earlier = await conversationOf(spec, configFolder(environment));
    if (earlier === undefined) return this.launch(spec, launch, undefined, signal);
    try {
      await this.launch(spec, launch, earlier, signal);
    } catch (error) {
      if (!GasTownError.is(error, 'spawn-failed') || signal.aborted) throw error;
      // After a violent end Claude Code may not take its own record for a conversation.
      this.host.log.warn(
        `claude: ${spec.sessionId} begins a new conversation, as the earlier one cannot be resumed: ${error.message}`,
      );
      await this.launch(spec, launch, undefined, signal);
    }
  }

  /** Opens the terminal, and waits until the session in it can take a prompt. */
  private async launch(
    spec: RunSpec,
    { environment, program, folder, dialogs, permissions }: Launch,
    earlier: string | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    await this.writeSettings(spec, permissions);
    const reference: ClaudeReference = {
      terminal: spec.title,
      claudeSession: earlier ?? randomUUID(),
      configDir: configFolder(environment),
      ...(spec.firstPrompt ? { firstPrompt: spec.firstPrompt.id } : {}),
    };
    let asked: string | undefined;
    const startup = new Startup({
      hasFirstPrompt: spec.firstPrompt !== undefined,
      dialogAfterMs: dialogs.length === 0 ? dialogAfter : dialogAfterExpected,
      onDialog: () => {
        asked = dialogCause(dialogs, folder);
        run.reveal(asked);
      },
    });
    const resumed = earlier === undefined ? undefined : await inTranscript(reference, spec.resume?.unconfirmed ?? []);
    const first = spec.firstPrompt && { delivery: spec.firstPrompt, text: await firstPromptOf(spec, spec.firstPrompt) };
    const { maxRepeats } = this.options;
    const run = new ClaudeRun(spec, reference, this.host, {
      ...{ startup, hooked: true, maxRepeats, resumedAfter: resumed?.newest ?? 0 },
      ...(first ? { first } : {}),
    });
    this.runs.set(spec.runId, run);
    this.host.saveReference(spec.runId, reference);
    const cancel = (): void => startup.fail(new GasTownError('cancelled', `Starting ${spec.sessionId} was cancelled.`));
    signal.addEventListener('abort', cancel, { once: true });
    // The editor keeps the terminal of a program that fails open, and does not tell that it has ended.
    const liveness = setInterval(() => void run.checkAlive(), livenessEvery);
    try {
      // What was awaited before this listened to the signal may have taken longer than the caller's patience.
      throwIfCancelled(signal, `Starting ${spec.sessionId}`);
      const terminal = await this.options.terminals.open(
        {
          name: spec.title,
          program,
          args: launchArguments({
            sessionId: reference.claudeSession,
            resumes: earlier !== undefined,
            settingsFile: settingsFileOf(spec),
            title: spec.title,
            permissions,
            agentArgs: spec.agent.args,
            ...(first ? { firstPrompt: first.text } : {}),
          }),
          env: environment,
          cwd: spec.cwd,
          role: spec.role,
        },
        signal,
      );
      await this.begin(run, terminal, reference.configDir);
      await startup.ready;
      this.host.report(spec.runId, 'program', { kind: 'ready' }, 'Claude Code is ready');
      for (const { id, answered } of resumed?.given ?? []) if (answered) this.host.delivered(spec.runId, id);
    } catch (error) {
      // Before it is ended by us.
      const hasEnded = GasTownError.is(error, 'spawn-failed') && run.isOver;
      const isPlaces = hasEnded && (dialogs.includes('trust') || this.isWellElsewhere(run));
      startup.fail(new GasTownError('spawn-failed', `${spec.sessionId} was given up.`));
      await this.discard(run, earlier !== undefined);
      if (!hasEnded) throw error;
      const advice = asked === undefined ? '' : `\nThe next start asks again. ${asked}.`;
      // Whoever says No to bypassing permissions says nothing against Claude Code.
      const isUsers = asked !== undefined && dialogs.includes('bypass');
      const about = isPlaces ? 'place' : isUsers ? 'question' : undefined;
      throw new GasTownError('spawn-failed', `${error.message}${advice}`, { cause: error, about });
    } finally {
      clearInterval(liveness);
      signal.removeEventListener('abort', cancel);
    }
  }

  /** Whether the same program is at work in another folder: then it is about this one that it ends at once. */
  private isWellElsewhere({ spec }: ClaudeRun): boolean {
    const programOf = ({ agent: { command, args, env } }: RunSpec): unknown => [command, args, env];
    return [...this.runs.values()].some(
      (other) =>
        other.isWell && other.spec.cwd !== spec.cwd && isDeepStrictEqual(programOf(other.spec), programOf(spec)),
    );
  }

  async adopt({ runId, reference: stored, spec, unconfirmed = [] }: RunRecord): Promise<boolean> {
    const reference = parseReference(stored);
    const known = reference?.process;
    const terminal =
      reference && known && (await isAlive(known))
        ? await this.options.terminals.find(known.pid, reference.terminal)
        : undefined;
    if (!reference || !known || !terminal) {
      // A process without a terminal of ours cannot be driven any more.
      if (known) await killTree(known, { also: await processesOf(runId) });
      await killProcessesOf(spec, this.host.log);
      await rm(settingsFileOf(spec), { force: true });
      return false;
    }
    const handedOver = new UnconfirmedDeliveries(unconfirmed, reference.firstPrompt);
    const { maxRepeats } = this.options;
    const hooked = reference.hookPort === undefined;
    const run = new ClaudeRun(spec, reference, this.host, { hooked, maxRepeats, handedOver });
    this.runs.set(runId, run);
    try {
      await this.begin(run, terminal, reference.configDir);
    } catch (error) {
      // It goes on, and may be taken up by another attempt.
      this.runs.delete(runId);
      await run.release();
      throw error;
    }
    try {
      // Of those that have no answer the record tells when one comes, or when the turn is over.
      const { given } = await inTranscript(reference, unconfirmed);
      for (const { id, answered } of given) {
        if (!answered) continue;
        handedOver.found(id);
        this.host.delivered(runId, id);
      }
    } catch (error) {
      // Who delivers looks for it again, and is told then.
      this.host.log.warn(`claude: the conversation of ${spec.sessionId} cannot be read: ${messageOf(error)}`);
    }
    return true;
  }

  async stop(runId: string): Promise<void> {
    const run = this.runs.get(runId);
    if (!run) return killProcessesOf({ runId }, this.host.log);
    await run.stop();
    await rm(messagesDirOf(run.spec), { recursive: true, force: true });
    this.runs.delete(runId);
  }

  deliver(runId: string, delivery: Delivery, signal: AbortSignal): Promise<DeliveryOutcome> {
    return this.run(runId).deliver(delivery, signal);
  }

  async recall(runId: string, messageIds: readonly string[]): Promise<readonly string[]> {
    return this.run(runId).recall(messageIds);
  }

  answer(runId: string, askId: string, answer: AskAnswer): Promise<void> {
    return Promise.resolve().then(() => this.run(runId).answer(askId, answer));
  }

  attach(runId: string, preserveFocus: boolean): Promise<AttachTarget> {
    return Promise.resolve().then(() => {
      this.run(runId).show(preserveFocus);
      return { kind: 'shown' };
    });
  }

  lastWords(runId: string): Promise<string | undefined> {
    return lastWordsIn(this.run(runId).conversation);
  }

  async lastFailure(runId: string): Promise<TurnFailure | undefined> {
    return lastFailureIn(this.run(runId).conversation);
  }

  async health(agent: ResolvedAgent, signal: AbortSignal): Promise<void> {
    throwIfCancelled(signal, 'The health check');
    const environment = terminalEnvironment(this.options.environment, agent.env, {});
    await this.programs.find(agent, environment);
    const folder = configFolder(environment);
    try {
      await unlessMissing(access(folder, constants.R_OK | constants.X_OK));
    } catch (error) {
      const message = `Claude Code's folder ${folder} cannot be read, so its sessions cannot be watched. Correct its permissions.`;
      throw new GasTownError('backend-unavailable', message, { cause: error });
    }
  }

  /** Every session has a program, and a token, of its own. */
  identify(): undefined {
    return undefined;
  }

  runOf(): undefined {
    return undefined;
  }

  /** A hook, told by our reporter. */
  async onReporterEvent(event: ReporterEvent, signal: AbortSignal): Promise<ReporterReply> {
    const run = 'runId' in event.by ? this.runs.get(event.by.runId) : undefined;
    const begins = event.name === 'SessionStart';
    const start = begins ? sessionStartPayload.safeParse(event.payload).data : undefined;
    if (start) run?.sessionStarted(start.session_id);
    const hook = hookPayload.safeParse(event.payload).data;
    const at = Math.min(event.at ?? Number.POSITIVE_INFINITY, this.host.now());
    const answer = run && hook && (await run.onHook(hook, { at, signal, ask: event.ask }));
    if (begins) return { wantsContext: true };
    return answer ? { answer } : {};
  }

  async dispose(): Promise<void> {
    await Promise.all([...this.runs.values()].map((run) => run.release()));
    this.runs.clear();
    for (const folder of this.folders.values()) folder.dispose();
    this.folders.clear();
  }

  private run(runId: string): ClaudeRun {
    const run = this.runs.get(runId);
    if (!run) throw new GasTownError('unknown-session', 'This session has ended. Start it again.');
    return run;
  }

  private async begin(run: ClaudeRun, terminal: ManagedTerminal, configDir: string): Promise<void> {
    const { runId } = run.spec;
    void run.ended.then(() => {
      if (this.runs.get(runId) === run) this.runs.delete(runId);
    });
    await run.begin(terminal, await identify(terminal.pid), this.folder(configDir));
  }

  /** After a failed start: nothing of it stays but the terminal with the program's last words, unless another follows. */
  private async discard(run: ClaudeRun, closes: boolean): Promise<void> {
    if (run.isOver && !closes) await run.ended;
    else await run.stop();
    this.runs.delete(run.spec.runId);
    await rm(messagesDirOf(run.spec), { recursive: true, force: true });
  }

  private async writeSettings(spec: RunSpec, permissions: PermissionPlan): Promise<void> {
    const file = settingsFileOf(spec);
    const settings = launchSettings({
      hookProgram: this.options.hookProgram,
      permissions,
      messagesDir: messagesDirOf(spec),
      brakeFile: brakeFileOf(spec),
      platform: process.platform,
    });
    await mkdir(spec.runDir, { recursive: true, mode: 0o700 });
    await writeAtomically(file, `${JSON.stringify(settings, undefined, 2)}\n`);
    await chmod(file, 0o600);
  }

  private folder(configDir: string): SessionsFolder {
    const known = this.folders.get(configDir) ?? new SessionsFolder(configDir, this.host.log);
    this.folders.set(configDir, known);
    return known;
  }
}

/** Claude's id of the conversation that the run is to go on with, if it can. */
async function conversationOf({ resume }: RunSpec, configDir: string): Promise<string | undefined> {
  const reference = resume && parseReference(resume.reference);
  if (reference?.configDir !== configDir || !(await hasTranscript(reference))) return undefined;
  return reference.claudeSession;
}
