import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { GasTownError, messageOf } from '../../platform/errors.ts';
import { markDescent } from '../../platform/descent-mark.ts';
import { isAlive, killTree, waitForEnd } from '../../platform/process-table.ts';
import type { ProcessIdentity } from '../../platform/process-table.ts';
import type { DeliveryOutcome, DriverHost, RunSpec } from '../driver.ts';
import { killProcessesOf, processesOf } from '../run-processes.ts';
import type { ManagedTerminal, TerminalExit } from '../terminal-host.ts';
import { Brake } from './brake.ts';
import { Circles } from './circles.ts';
import { ConversationRecord } from './conversation-record.ts';
import { describeExit, startFailure } from './exit.ts';
import type { UnconfirmedDeliveries } from './unconfirmed-deliveries.ts';
import type { Heard, HookPayload } from './hook-payloads.ts';
import { HookReports } from './hook-reports.ts';
import { PendingAsks } from './pending-asks.ts';
import { ProgramStatusTracker } from './program-status.ts';
import type { ClaudeReference } from './reference.ts';
import type { ProgramState, SessionsFolder } from './sessions-folder.ts';
import type { Startup } from './startup.ts';
import { StateFile } from './state-file.ts';
import { hasSpokenSince, inTranscript, lastFailureIn, recordNamed, transcriptOf } from './transcript.ts';
import { Turn } from './turn.ts';
import { ComposerInput } from './composer-input.ts';
import { Unheard } from './unheard.ts';
import type { AskAnswer, TurnFailure } from '../../domain/run.ts';
import type { Delivery } from '../../domain/delivery.ts';

/** The state file may follow a hook as late as this on a machine under load; it is over as soon as the file says idle. In ms. */
const fileBound = 2000;
const exitBound = 2000;
/** A request that is older when it is heard may have been held for a host that was not there, in ms. */
const heldAfter = 500;
/** A text that has been begun is submitted within this time, in ms. */
const typingBound = 1000;

const ofOlderVersion =
  'It was started by an older version of Gas Town: its hooks go where another user of this machine could answer them. ' +
  'Restart it.';

export const settingsFileOf = (spec: RunSpec): string => join(spec.runDir, 'settings.json');
export const brakeFileOf = (spec: RunSpec): string => join(spec.runDir, 'break-off.json');

export interface RunOptions {
  startup?: Startup;
  hooked: boolean;
  /** See `BackendMeans`. */
  maxRepeats: () => number;
  /** The program is started with it. */
  first?: { delivery: Delivery; text: string };
  handedOver?: UnconfirmedDeliveries;
  /** Time of the newest entry of the conversation that the run resumes, in epoch milliseconds. */
  resumedAfter?: number;
}

/** One Claude Code process in its terminal: brings together what the state file, the hooks and the terminal tell. */
export class ClaudeRun {
  readonly spec: RunSpec;
  /** Resolves when the process has ended, and what it left behind too. */
  readonly ended: Promise<void>;
  /** Time of the newest entry of the conversation that the run resumes, in epoch milliseconds; 0 for a new conversation. */
  private readonly resumedAfter: number;
  private readonly host: DriverHost;
  private readonly startup: Startup | undefined;
  private readonly tracker: ProgramStatusTracker;
  private readonly asks: PendingAsks;
  private readonly turn: Turn;
  private readonly brake: Brake;
  private readonly circles: Circles;
  private readonly record: ConversationRecord;
  private readonly hooks: HookReports;
  private readonly file: StateFile;
  private readonly typist: ComposerInput;
  private readonly unheard: Unheard;
  private reference: ClaudeReference;
  /** False for a session of an older version, whose hooks do not come to us any more. */
  private readonly hooked: boolean;
  private terminal: ManagedTerminal | undefined;
  private stopping = false;
  /** The host lets go of it: the program goes on. */
  private released = false;
  private exiting: Promise<void> | undefined;
  private resolveEnded: () => void = () => undefined;

  constructor(spec: RunSpec, reference: ClaudeReference, host: DriverHost, options: RunOptions) {
    this.spec = spec;
    this.reference = reference;
    this.host = host;
    this.startup = options.startup;
    this.hooked = options.hooked;
    this.resumedAfter = options.resumedAfter ?? 0;
    this.ended = new Promise((resolve) => {
      this.resolveEnded = resolve;
    });
    const { runId } = spec;
    const now = (): number => host.now();
    this.tracker = new ProgramStatusTracker(
      {
        report: (fact, cause) => {
          if (fact.kind === 'idle') this.turn.rest();
          host.report(runId, 'program', fact, cause);
        },
        idle: () => this.onStableIdle(),
        noLongerWaiting: (leftAt) => this.asks.settleUntil(leftAt, 'terminal', 'answered in the terminal'),
      },
      now,
    );
    this.asks = new PendingAsks(
      {
        asked: (ask) => host.report(runId, 'inside', { kind: 'asked', ask }, ask.title),
        answered: (askId, by, cause) => host.report(runId, 'inside', { kind: 'answered', askId, by }, cause),
      },
      now,
    );
    this.turn = new Turn({
      runId,
      host,
      hooked: options.hooked,
      handedOver: options.handedOver,
      look: () => this.record.look(),
      lastFailure: () => this.lastFailure(),
      over: () => this.circles.turnOver(),
    });
    this.brake = new Brake(brakeFileOf(spec), host.log);
    this.circles = new Circles({
      sessionId: spec.sessionId,
      turn: this.turn,
      brake: this.brake,
      maxRepeats: options.maxRepeats,
      log: host.log,
    });
    if (options.first) this.turn.receipts.expectFirst(options.first.delivery, options.first.text);
    this.record = new ConversationRecord({
      find: () => transcriptOf(this.reference),
      tell: (entry) => {
        this.turn.recorded(entry);
        if (!this.turn.owesReceipt) this.record.rest();
      },
      log: host.log,
    });
    this.hooks = new HookReports({
      runId,
      host,
      startup: options.startup,
      asks: this.asks,
      turn: this.turn,
      circles: this.circles,
      insist: (said) => void this.file.refresh().then(() => this.tracker.insist(said)),
      begun: () => this.tracker.begun(host.now()),
    });
    this.unheard = new Unheard({
      now,
      hasSpokenSince: (since) => this.hasSpokenSince(since),
      tell: (problem) => host.setProblem(runId, problem),
    });
    this.file = new StateFile(() => this.reference.claudeSession, {
      says: (state) => this.onState(state),
      gone: () => void this.onFileGone(),
    });
    this.typist = new ComposerInput({
      spec,
      log: host.log,
      receipts: this.turn.receipts,
      terminal: () => (this.exiting ? undefined : this.terminal),
      status: async () => {
        await this.file.refresh();
        return this.tracker.current;
      },
      // After a Stop hook the file takes a moment to follow.
      stableIdle: (patience = this.hooks.said === 'idle' ? fileBound : 0) => this.tracker.stableIdle(patience),
      followRecord: () => this.record.follow(),
      recall: (ids) => this.recall(ids),
      held: (isHeld) => host.setHeld(runId, isHeld ? 'terminal-in-use' : undefined),
      handedOver: options.handedOver,
      halfTyped: reference.halfTyped ?? undefined,
      save: (halfTyped) => this.save({ halfTyped: halfTyped ?? null }),
    });
  }

  get process(): ProcessIdentity | undefined {
    return this.reference.process;
  }

  /** Where Claude Code records the conversation. */
  get conversation(): Pick<ClaudeReference, 'configDir' | 'claudeSession'> {
    return this.reference;
  }

  /**
   * Which of the messages the conversation has. Those that an earlier run's turn was cut off with before the model had them
   * are not among them: they go again. Rejects where the record cannot be read.
   */
  async recall(messageIds: readonly string[]): Promise<string[]> {
    const { given } = await inTranscript(this.reference, messageIds);
    return given.flatMap(({ id, at, answered }) => (answered || at > this.resumedAfter ? [id] : []));
  }

  /** The process has ended by itself. */
  get isOver(): boolean {
    return this.exiting !== undefined;
  }

  /** It has come to be ready, and has not ended. */
  get isWell(): boolean {
    return !this.isOver && (this.startup?.isReady ?? true);
  }

  /** Takes up the terminal. Resolves when what the program says now has been reported. */
  async begin(terminal: ManagedTerminal, identity: ProcessIdentity | undefined, folder: SessionsFolder): Promise<void> {
    this.terminal = terminal;
    if (!this.hooked) this.host.setProblem(this.spec.runId, ofOlderVersion);
    this.brake.remove();
    this.startup?.opened();
    if (identity) {
      this.save({ process: identity });
      this.host.setPid(this.spec.runId, identity.pid);
    }
    void terminal.exited.then((exit) => this.onExit(exit));
    // What it starts once it is ready descends from it, whatever becomes of its environment.
    if (identity) await markDescent(identity.pid);
    await this.file.follow(folder, terminal.pid);
    if (this.turn.owesReceipt) await this.record.follow();
    if (this.exiting) this.letGo();
  }

  show(preserveFocus: boolean): void {
    this.terminal?.show(preserveFocus);
  }

  /** Brings the terminal to the front without taking the keyboard: Enter in a start dialog may mean "exit". */
  reveal(cause: string): void {
    if (this.exiting) return;
    this.terminal?.show(true);
    this.host.report(this.spec.runId, 'program', { kind: 'waiting', ask: 'dialog' }, cause);
  }

  sessionStarted(claudeSession: string): void {
    this.unheard.started();
    this.follow(claudeSession);
    this.startup?.sessionStarted();
  }

  /** Resolves with the hook's answer, which only permission requests wait for. */
  async onHook(hook: HookPayload, heard: Heard): Promise<Record<string, unknown> | undefined> {
    this.unheard.heard();
    this.follow(hook.session_id);
    const record = recordNamed(hook.transcript_path ?? '', this.reference);
    if (record !== undefined) this.record.isAt(record);
    if (hook.hook_event_name === 'PermissionRequest' && (await this.isOutdated(heard))) return undefined;
    const answer = await this.hooks.take(hook, heard);
    this.followRecord();
    return answer;
  }

  deliver(delivery: Delivery, signal: AbortSignal): Promise<DeliveryOutcome> {
    return this.typist.deliver(delivery, signal);
  }

  answer(askId: string, answer: AskAnswer): void {
    this.asks.answer(askId, answer);
  }

  /** Ends the process and everything that it started. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.asks.release();
    const root = this.process;
    const left = root ? await killTree(root, { graceMs: exitBound, also: await processesOf(this.spec.runId) }) : [];
    this.terminal?.close();
    if (left.length > 0) {
      const pids = left.map(({ pid }) => pid).join(', ');
      throw new GasTownError(
        'internal',
        `Processes ${pids} of ${this.spec.sessionId} could not be ended. End them by hand.`,
      );
    }
    await this.onExit(undefined);
  }

  /** Rejects the start where the process dies without the terminal telling (the editor keeps failed terminals open). */
  async checkAlive(): Promise<void> {
    if (this.process && !(await isAlive(this.process))) await this.onExit(undefined);
  }

  /**
   * Lets go of the session, which goes on. A text that is just being typed is submitted first. The reporters that hold a
   * permission request keep holding it, and ask the next host.
   */
  async release(): Promise<void> {
    this.released = true;
    await this.typist.settle(typingBound);
    this.letGo();
  }

  /** A dialog that was open while no host was there may have been answered in the terminal since. */
  private async isOutdated({ at }: Heard): Promise<boolean> {
    if (this.host.now() - at < heldAfter) return false;
    await this.file.refresh();
    return this.tracker.current !== 'waiting' && (this.file.changedAt ?? 0) > at;
  }

  /** An unreadable record tells nothing. */
  private lastFailure(): Promise<TurnFailure | undefined> {
    return lastFailureIn(this.reference).catch((error: unknown) => {
      this.host.log.warn(`claude: how the last turn of ${this.spec.sessionId} ended is not known: ${messageOf(error)}`);
      return undefined;
    });
  }

  /** The record is followed while something is waited for in it. */
  private followRecord(): void {
    if (!this.turn.owesReceipt || this.exiting) this.record.rest();
    else void this.record.follow();
  }

  /** An unreadable record tells nothing. */
  private hasSpokenSince(since: number): Promise<boolean> {
    return hasSpokenSince(this.reference, since).catch((error: unknown) => {
      this.host.log.warn(
        `claude: whether the hooks of ${this.spec.sessionId} are heard is not known: ${messageOf(error)}`,
      );
      return false;
    });
  }

  private letGo(): void {
    this.hooks.dispose();
    this.unheard.dispose();
    this.turn.dispose();
    this.record.rest();
    this.file.dispose();
    this.tracker.dispose();
  }

  private follow(claudeSession: string): void {
    if (claudeSession !== this.reference.claudeSession) this.save({ claudeSession });
  }

  private save(change: Partial<ClaudeReference>): void {
    this.reference = { ...this.reference, ...change };
    this.host.saveReference(this.spec.runId, this.reference);
  }

  private onState(state: ProgramState): void {
    // A session without hooks has only this.
    if (!this.hooked) this.host.progress(this.spec.runId);
    this.tracker.update(state);
    this.startup?.programStatus(this.tracker.current);
    if (state.status === 'busy') {
      this.turn.busy();
      if (this.hooked) this.unheard.busy();
    }
    this.followRecord();
  }

  private onStableIdle(): void {
    this.asks.settleUntil(this.host.now(), 'nobody', 'the turn has ended');
    this.startup?.stableIdle();
    this.turn.idle();
    this.unheard.idle();
  }

  /** The file goes when Claude ends by itself; the editor may keep the terminal open to show its last words. */
  private async onFileGone(): Promise<void> {
    if (!this.process) return;
    const [alive] = await waitForEnd([this.process], exitBound);
    if (!alive) await this.onExit(undefined);
  }

  private async onExit(exit: TerminalExit | undefined): Promise<void> {
    // What becomes of it now is the next host's to see.
    if (this.released) return;
    this.exiting ??= this.finish(exit);
    await this.exiting;
  }

  private async finish(told: TerminalExit | undefined): Promise<void> {
    const wasReady = this.file.exists;
    await this.file.refresh();
    // Claude removes the file itself, so one that stays tells of a violent end, whatever the code says.
    const exit = describeExit(told, wasReady && this.file.exists);
    this.letGo();
    this.asks.release();
    await killProcessesOf(this.spec, this.host.log);
    await rm(settingsFileOf(this.spec), { force: true });
    this.brake.remove();
    this.startup?.fail(startFailure(this.spec, exit.words, told, this.terminal?.lastOutput?.()));
    this.host.setChildren(this.spec.runId, []);
    this.host.setProblem(this.spec.runId, undefined);
    // A start that fails says so itself, and may be tried again in another way.
    if (this.startup?.isReady ?? true) {
      const error = this.stopping || exit.clean ? {} : { error: exit.words };
      this.host.report(this.spec.runId, 'program', { kind: 'ended', ...error }, exit.words);
    }
    this.resolveEnded();
  }
}
