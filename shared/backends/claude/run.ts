import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { GasTownError } from '../../errors.ts';
import type { ChildSession } from '../../orchestrator.ts';
import type { Disposable } from '../../process/emitter.ts';
import { descendants, isAlive, killTree, waitForEnd } from '../../process/process-table.ts';
import type { ProcessIdentity } from '../../process/process-table.ts';
import type { AskAnswer, Delivery, DeliveryOutcome, DriverHost, RunSpec, TurnFailure } from '../driver.ts';
import { killProcessesOf, processesOf } from '../run-processes.ts';
import type { ManagedTerminal } from '../terminal-host.ts';
import { describeExit } from './exit.ts';
import type { HandedOver } from './handed-over.ts';
import { readHook } from './hook-facts.ts';
import type { HookPayload } from './hook-payloads.ts';
import { PendingAsks } from './pending-asks.ts';
import { ProgramStatusTracker } from './program-status.ts';
import { Receipts } from './receipts.ts';
import type { ClaudeReference } from './reference.ts';
import type { ProgramState, SessionsFolder } from './sessions-folder.ts';
import type { Startup } from './startup.ts';
import { inTranscript } from './transcript.ts';
import { Typist } from './typist.ts';

/** The state file follows a hook within 0.3 s (measured); then its word counts. In ms. */
const fileLag = 500;
/** The same on a machine under load, where waiting costs nothing: it is over as soon as the file says idle. In ms. */
const fileBound = 2000;
const exitBound = 2000;
/** A text that has been begun is submitted within this time, in ms. */
const typingBound = 1000;

export const settingsFileOf = (spec: RunSpec): string => join(spec.runDir, 'settings.json');

/** One Claude Code process in its terminal: brings together what the state file, the hooks and the terminal tell. */
export class ClaudeRun {
  readonly spec: RunSpec;
  /** Resolves when the process has ended, and what it left behind too. */
  readonly ended: Promise<void>;
  private readonly host: DriverHost;
  private readonly startup: Startup | undefined;
  private readonly tracker: ProgramStatusTracker;
  private readonly asks: PendingAsks;
  private readonly receipts = new Receipts();
  private readonly typist: Typist;
  private readonly children = new Map<string, ChildSession>();
  private reference: ClaudeReference;
  /** False for a session whose hooks go to a port that is no longer ours. */
  private readonly hooked: boolean;
  private readonly handedOver: HandedOver | undefined;
  private terminal: ManagedTerminal | undefined;
  private folder: SessionsFolder | undefined;
  private following: Disposable | undefined;
  private insistTimer: NodeJS.Timeout | undefined;
  private hasFile = false;
  private procStart: string | undefined;
  private turnOpen = false;
  private hookSaid: 'busy' | 'idle' | undefined;
  private stopping = false;
  private exiting: Promise<void> | undefined;
  private resolveEnded: () => void = () => undefined;
  private whenBusy: (() => void) | undefined;

  constructor(spec: RunSpec, reference: ClaudeReference, host: DriverHost, options: { startup?: Startup; hooked: boolean; handedOver?: HandedOver }) {
    this.spec = spec;
    this.reference = reference;
    this.host = host;
    this.startup = options.startup;
    this.hooked = options.hooked;
    this.handedOver = options.handedOver;
    this.ended = new Promise((resolve) => {
      this.resolveEnded = resolve;
    });
    const { runId } = spec;
    const now = (): number => host.now();
    this.tracker = new ProgramStatusTracker(
      {
        report: (fact, cause) => host.report(runId, 'program', fact, cause),
        idle: () => this.onStableIdle(),
        noLongerWaiting: (leftAt) => this.asks.settleUntil(leftAt, 'answered in the terminal'),
      },
      now,
    );
    this.asks = new PendingAsks(
      {
        asked: (ask) => host.report(runId, 'inside', { kind: 'asked', ask }, ask.title),
        answered: (askId, cause) => host.report(runId, 'inside', { kind: 'answered', askId }, cause),
      },
      now,
    );
    if (spec.firstPrompt && this.startup) this.receipts.expectFirst(spec.firstPrompt);
    this.typist = new Typist({
      spec,
      log: host.log,
      receipts: this.receipts,
      terminal: () => (this.exiting ? undefined : this.terminal),
      status: async () => {
        await this.refresh();
        return this.tracker.current;
      },
      // After a Stop hook the file takes a moment to follow.
      stableIdle: () => this.tracker.stableIdle(this.hookSaid === 'idle' ? fileBound : 0),
      receiptOf: (delivery, text) => this.receiptOf(delivery, text),
      recall: (ids) => inTranscript(this.reference, ids),
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

  /** The process has ended by itself. */
  get isOver(): boolean {
    return this.exiting !== undefined;
  }

  /** Takes up the terminal. Resolves when what the program says now has been reported. */
  async begin(terminal: ManagedTerminal, identity: ProcessIdentity | undefined, folder: SessionsFolder): Promise<void> {
    this.terminal = terminal;
    this.folder = folder;
    this.startup?.opened();
    if (identity) {
      this.save({ process: identity });
      this.host.setPid(this.spec.runId, identity.pid);
    }
    void terminal.exited.then((code) => this.onExit(code));
    this.following = await folder.follow(terminal.pid, (state) => this.onState(state));
    if (this.exiting) this.following.dispose();
  }

  show(): void {
    this.terminal?.show();
  }

  /** Brings the terminal to the front without taking the keyboard: Enter in a start dialog may mean "exit". */
  reveal(cause: string): void {
    if (this.exiting) return;
    this.terminal?.show(true);
    this.host.report(this.spec.runId, 'program', { kind: 'waiting', ask: 'dialog' }, cause);
  }

  sessionStarted(claudeSession: string): void {
    this.follow(claudeSession);
    this.startup?.sessionStarted();
  }

  /** Resolves with the hook's answer, which only permission requests wait for. */
  async onHook(hook: HookPayload, signal: AbortSignal): Promise<object> {
    this.follow(hook.session_id);
    this.host.progress(this.spec.runId);
    switch (hook.hook_event_name) {
      case 'PermissionRequest':
        return this.asks.hold(hook, signal);
      case 'UserPromptSubmit':
        this.onPrompt(hook.prompt);
        break;
      case 'PostToolUse':
      case 'PostToolUseFailure':
        this.asks.settleTool(hook);
        break;
      case 'SubagentStart':
        this.setChild(hook.agent_id, { id: hook.agent_id ?? '', title: hook.agent_type ?? 'sub-agent', activity: 'busy' });
        break;
      case 'SubagentStop':
        this.setChild(hook.agent_id, undefined);
        break;
      case 'PreToolUse':
      case 'Stop':
      case 'StopFailure':
      case 'SessionEnd':
    }
    this.reportHook(hook);
    return {};
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
    const left = root ? await killTree(root, { graceMs: exitBound, also: await this.belongings() }) : [];
    this.terminal?.close();
    if (left.length > 0) {
      const pids = left.map(({ pid }) => pid).join(', ');
      throw new GasTownError('internal', `Processes ${pids} of ${this.spec.sessionId} could not be ended. End them by hand.`);
    }
    await this.onExit(undefined);
  }

  /** Rejects the start where the process dies without the terminal telling (the editor keeps failed terminals open). */
  async checkAlive(): Promise<void> {
    if (this.process && !(await isAlive(this.process))) await this.onExit(undefined);
  }

  /** Lets go of the session, which goes on. A text that is just being typed is submitted first. */
  async release(): Promise<void> {
    this.asks.release();
    await this.typist.settle(typingBound);
    this.letGo();
  }

  private letGo(): void {
    clearTimeout(this.insistTimer);
    this.following?.dispose();
    this.tracker.dispose();
  }

  private async belongings(): Promise<ProcessIdentity[]> {
    const marked = await processesOf(this.spec.runId);
    const below = this.process ? await descendants(this.process.pid) : [];
    return [...marked, ...below];
  }

  private follow(claudeSession: string): void {
    if (claudeSession !== this.reference.claudeSession) this.save({ claudeSession });
  }

  private save(change: Partial<ClaudeReference>): void {
    this.reference = { ...this.reference, ...change };
    this.host.saveReference(this.spec.runId, this.reference);
  }

  private onState(state: ProgramState | undefined): void {
    if (state === undefined) {
      if (this.hasFile) void this.onFileGone();
      this.hasFile = false;
      return;
    }
    // A file of an earlier process with this number stays until Claude is started again.
    this.procStart ??= state.sessionId === this.reference.claudeSession ? state.procStart : undefined;
    if (state.procStart !== this.procStart) return;
    this.hasFile = true;
    // A session without hooks has only this.
    if (!this.hooked) this.host.progress(this.spec.runId);
    this.tracker.update(state);
    this.startup?.programStatus(this.tracker.current);
    if (state.status === 'busy') {
      if (!this.hooked) this.turnOpen = true;
      this.whenBusy?.();
    }
  }

  private onStableIdle(): void {
    this.asks.settleUntil(this.host.now(), 'the turn has ended');
    this.startup?.stableIdle();
    this.endTurn();
  }

  private onPrompt(prompt: string): void {
    this.turnOpen = true;
    const entries = [...this.receipts.match(prompt), ...(this.handedOver?.match(prompt) ?? [])];
    for (const entry of entries) this.host.delivered(this.spec.runId, entry);
    this.startup?.promptSubmitted();
  }

  private reportHook(hook: HookPayload): void {
    const reading = readHook(hook, this.host.now());
    if (!reading) return;
    const { fact, cause, failure } = reading;
    // Before the session is idle: nothing more is put before a model that does not answer.
    if (failure) this.endTurn(failure);
    this.host.report(this.spec.runId, 'inside', fact, cause);
    if (fact.kind !== 'busy') this.endTurn();
    clearTimeout(this.insistTimer);
    const said = fact.kind;
    this.hookSaid = said;
    this.insistTimer = setTimeout(() => void this.refresh().then(() => this.tracker.insist(said)), fileLag);
  }

  private endTurn(failure?: TurnFailure): void {
    if (!this.turnOpen) return;
    this.turnOpen = false;
    this.host.turnEnded(this.spec.runId, failure);
  }

  private setChild(id: string | undefined, child: ChildSession | undefined): void {
    if (id === undefined) return;
    if (child) this.children.set(id, child);
    else this.children.delete(id);
    this.host.setChildren(this.spec.runId, [...this.children.values()]);
  }

  private async refresh(): Promise<void> {
    if (this.terminal) await this.folder?.refresh(this.terminal.pid);
  }

  /** Without hooks, a turn that begins right after our Enter is the proof. */
  private receiptOf(delivery: Delivery, text: string): Promise<void> {
    if (this.hooked) return this.receipts.expect(delivery, text);
    return new Promise((resolve) => {
      this.whenBusy = resolve;
    });
  }

  /** The file goes when Claude ends by itself; the editor may keep the terminal open to show its last words. */
  private async onFileGone(): Promise<void> {
    if (!this.process) return;
    const [alive] = await waitForEnd([this.process], exitBound);
    if (!alive) await this.onExit(undefined);
  }

  private onExit(code: number | undefined): Promise<void> {
    this.exiting ??= this.finish(code);
    return this.exiting;
  }

  private async finish(code: number | undefined): Promise<void> {
    const wasReady = this.hasFile;
    await this.refresh();
    // Claude removes the file itself, so one that stays tells of a violent end, whatever the code says.
    const exit = describeExit(code, wasReady && this.hasFile);
    this.letGo();
    this.asks.release();
    await killProcessesOf(this.spec.runId);
    await rm(settingsFileOf(this.spec), { force: true });
    this.startup?.fail(this.startFailure(exit.words));
    this.host.setChildren(this.spec.runId, []);
    // A start that fails says so itself, and may be tried again in another way.
    if (this.startup?.isReady ?? true) {
      const error = this.stopping || exit.clean ? {} : { error: exit.words };
      this.host.report(this.spec.runId, 'program', { kind: 'ended', ...error }, exit.words);
    }
    this.resolveEnded();
  }

  private startFailure(words: string): GasTownError {
    const output = this.terminal?.lastOutput?.().split('\n').map((line) => line.trim()).filter((line) => line !== '');
    const said = output?.slice(-8).join('\n') ?? '';
    const where = said === '' ? `Its own words are in the terminal "${this.spec.title}".` : `It said:\n${said.slice(-1500)}`;
    return new GasTownError('spawn-failed', `${this.spec.sessionId} did not start: ${words}. ${where}`);
  }
}
