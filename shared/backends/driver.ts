/**
 * What a backend must be able to do. Everything that is the same for all backends (identity, store, registry, queueing,
 * receipts, work) lives in the core's one implementation of `Orchestrator`; a driver only knows its agent program.
 */
import type { ResolvedAgent } from '../domain/agent.ts';
import type { BackendName, ChildSession, Role, SessionId } from '../domain/orchestrator.ts';
import type { StatusReport, Source } from '../domain/status-report.ts';
import type { Logger } from '../platform/logger.ts';
import type { PermissionProfile, RunReference, AttachTarget, AskAnswer, TurnFailure } from '../domain/run.ts';
import type { Delivery } from '../domain/delivery.ts';

/** One incarnation of a session, as the core wants it started. */
export interface RunSpec {
  sessionId: SessionId;
  runId: string;
  role: Role;
  rig: string;
  /** Name for people, e.g. `worker-1 (myproject)`. */
  title: string;
  agent: ResolvedAgent;
  cwd: string;
  /** The town's worktree that `cwd` is in: nobody but this session works there. Absent where it works elsewhere. */
  worktree?: string;
  /** GT_* identity, channel and PATH entries for the agent's shell; see `sessions/environment.ts`. */
  env: Record<string, string>;
  permissions: PermissionProfile;
  /** File that always holds the newest role context (output of `gt prime`), for when the host is away. */
  contextFile: string;
  /** Private file that has `env`, for the shells of a run whose program asks the host for it, when the host is away. */
  identityFile?: string;
  /** Private folder of this run (0700, below `.runtime`), for settings files and the like. */
  runDir: string;
  /** The first thing that the model is asked, if there is work already. */
  firstPrompt?: Delivery;
  /** Go on with the conversation of an earlier run, where the program still knows it; else start a new one. */
  resume?: Resume;
  /** An earlier run of the session was in its work dir, so what is there may be its doing. */
  again?: true;
}

export interface Resume {
  /** The earlier run's. */
  reference: RunReference;
  /** Deliveries that the earlier run may have taken: tell `delivered` of those that are in the conversation. */
  unconfirmed: readonly string[];
}

/** A run that the store remembers as alive. */
export interface RunRecord {
  sessionId: SessionId;
  runId: string;
  reference: RunReference;
  spec: RunSpec;
  /** Messages that the earlier host may have handed over: tell `delivered` of those that the model has. */
  unconfirmed?: readonly string[];
}

/** What the driver tells the core. All of it may be repeated, and may come late. */
export interface DriverHost {
  readonly log: Logger;
  /** Epoch milliseconds: to be shown, stored, or compared with what a program says. */
  now(): number;
  /** For how long something takes: milliseconds that never go back, and stand still while the machine sleeps. */
  awake(): number;
  /** A fact about a run's status. The core numbers the facts of each source in the order of arrival unless `seq` is given. */
  report(runId: string, source: Source, fact: StatusReport, cause: string, seq?: number): void;
  /** Stores what is needed to find the run again. Call it before the act it describes wherever possible. */
  saveReference(runId: string, reference: RunReference): void;
  /** The process id of the run, where it has a process of its own. */
  setPid(runId: string, pid: number): void;
  /** The process id of the server that the run is on, where it shares one. Tell it anew for a run that is taken up. */
  setServerPid(runId: string, pid: number): void;
  setChildren(runId: string, children: ChildSession[]): void;
  /** What is wrong between us and the program, and what to do about it; undefined when it is right again. */
  setProblem(runId: string, problem: string | undefined): void;
  /** Why a delivery is held that the core has asked for; undefined: it is not any more. */
  setHeld(runId: string, held: 'terminal-in-use' | undefined): void;
  /** The model or a tool has said something: whatever the run does, it does not hang. May be called often. */
  progress(runId: string): void;
  /** Proof that the model has one entry of a delivery, reported from inside the session or by the program. */
  delivered(runId: string, messageId: string): void;
  /**
   * The turn that contained what was delivered has ended. One that the provider made fail is told of before the session is
   * reported as idle, so that nothing else is put before a model that does not answer.
   */
  turnEnded(runId: string, failure?: TurnFailure): void;
}

/** What became of a delivery; what was not taken the core keeps queued, or gives up after bounded attempts. */
export type DeliveryOutcome =
  | { kind: 'delivered' }
  /** Handed over; the receipt will come by `DriverHost.delivered`. */
  | { kind: 'accepted' }
  /** The session is not at a safe moment after all; nothing was typed or sent. */
  | { kind: 'not-now'; reason: string }
  /** The program refused it: the model does not have it. Counts as an attempt. */
  | { kind: 'failed'; reason: string }
  /** It is unknown whether the model has it. The same text may come twice; the core marks it so. */
  | { kind: 'uncertain'; reason: string };

export interface BackendDriver {
  readonly backend: BackendName;
  /**
   * Starts a run. Resolves when the agent can take a prompt (and has been given the first one); rejects with a
   * `GasTownError` that has the agent's own words, with everything cleaned up.
   */
  start(spec: RunSpec, signal: AbortSignal): Promise<void>;
  /** Adopts a run of an earlier host. False: it is gone, and what it left behind has been cleaned up. */
  adopt(record: RunRecord): Promise<boolean>;
  /** Ends the run and all that it started, shell children included. No error if it is gone already. */
  stop(runId: string): Promise<void>;
  /** Puts text before the model. The core calls it only when the session is idle, one at a time per run. */
  deliver(runId: string, delivery: Delivery, signal: AbortSignal): Promise<DeliveryOutcome>;
  /**
   * Which of these messages are in the program's own record of the run's conversation. Rejects where that cannot be read.
   * The core asks before it delivers again what an earlier attempt may have handed over.
   */
  recall(runId: string, messageIds: readonly string[]): Promise<readonly string[]>;
  /** Answers an open ask. Rejects when it has been answered elsewhere. */
  answer(runId: string, askId: string, answer: AskAnswer): Promise<void>;
  /** `preserveFocus`: a terminal of the driver's own is shown without taking the keyboard. */
  attach(runId: string, preserveFocus: boolean): Promise<AttachTarget>;
  /** What the model said last in the run's conversation; undefined where it has said nothing. */
  lastWords(runId: string): Promise<string | undefined>;
  /**
   * Why the newest turn in the program's own record failed; undefined where it did not, or goes on. The core asks about
   * a run that it takes up in the middle of a turn: the end may have been told while no host was there. Rejects where the
   * record cannot be read.
   */
  lastFailure(runId: string): Promise<TurnFailure | undefined>;
  /** Rejects with what is wrong with this agent and what to do: its program missing, too old, none of ours; its server dead. */
  health(agent: ResolvedAgent, signal: AbortSignal): Promise<void>;
  /** The server of this driver whose reporter has this token on the channel. A run's own token the core knows itself. */
  identify(token: string): string | undefined;
  /** The run on one of this driver's servers that a session, by the program's own id, or the session whose sub-agent it is, belongs to. */
  runOf(server: string, programSession: string): string | undefined;
  /**
   * What a reporter inside one of this driver's runs, or servers, says. It may be repeated and late, and about nothing of
   * ours. Resolves with what the reporter is to get; the signal fires when the reporter has gone.
   */
  onReporterEvent(event: ReporterEvent, signal: AbortSignal): Promise<ReporterReply>;
  /** Disposes everything without ending any session: the host is going away. */
  dispose(): Promise<void>;
}

/** Whose reporter says it, by the token that it has shown: a run's own one, or that of a server with many runs. */
export type ReportedBy = { runId: string } | { server: string };

/** An event from the reporter inside a session, already validated. */
export interface ReporterEvent {
  by: ReportedBy;
  name: string;
  payload: Record<string, unknown>;
  /** Counted by a reporter that tells again what was not confirmed. */
  seq?: number;
  /** When it happened, in epoch milliseconds, where the reporter tells. */
  at?: number | undefined;
  /** It waits for the user's decision, under this id. */
  ask?: string | undefined;
}

/** What the reporter gets for its event. */
export interface ReporterReply {
  /** The session's role context is wanted with it. */
  wantsContext?: true;
  /** What the reporter prints, for its program to obey. */
  answer?: Record<string, unknown>;
}
