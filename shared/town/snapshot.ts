/** Everything that views, other windows and `gt --json` show of a town. Plain JSON; a new one on every change. */
import type { BackendName, SessionInfo, WorkType } from '../orchestrator.ts';
import type { MessageState, MessageKind } from '../mail/message.ts';
import type { Severity } from '../work/severity.ts';
import type { WorkState } from '../work/state.ts';

export interface TownSnapshot {
  /** Counts up with every change. */
  revision: number;
  root: string;
  name: string;
  rigs: RigView[];
  sessions: SessionView[];
  work: WorkView[];
  /** Open ones, newest first. */
  escalations: EscalationView[];
  problems: Problem[];
  backends: BackendView[];
}

export interface RigView {
  name: string;
  path: string;
  /** Branch that new worktrees start from; absent where it could not be found, with the reason in `problem`. */
  defaultBranch?: string;
  problem?: string;
}

export interface SessionView extends SessionInfo {
  /** Deliveries that wait for a safe moment. */
  queued: number;
  /** Unread mail. */
  unreadMail: number;
  /** Set when a turn has ended since the person last looked. */
  unseen: boolean;
}

export interface WorkView {
  id: string;
  type: WorkType;
  title: string;
  description: string;
  priority: number;
  state: WorkState;
  rig: string;
  /** Session that has it. */
  owner?: string;
  branch?: string;
  /** Commits on the branch that its base does not have; absent where there is no branch yet. */
  commits?: number;
  /** Why it failed, was escalated or cancelled; what the agent reported. */
  note?: string;
  createdAt: number;
  changedAt: number;
}

export interface MessageView {
  id: string;
  from: string;
  to: string;
  kind: MessageKind;
  subject: string;
  body: string;
  state: MessageState;
  reason?: string;
  sentAt: number;
  deliveredAt?: number;
  actedAt?: number;
  readAt?: number;
}

/** Something that somebody beyond its session has to deal with. */
export interface EscalationView {
  id: string;
  severity: Severity;
  message: string;
  /** Who raised it: a session, `overseer`, or `host`. */
  by: string;
  session?: string;
  work?: string;
  raisedAt: number;
  closedAt?: number;
  closedBy?: string;
  note?: string;
}

/** One line of a session's timeline. */
export interface LogEntry {
  /** Epoch milliseconds. */
  at: number;
  /** `session.…`, `ask.…`, `message.…`, `work.…` and the like. */
  type: string;
  /** One line. */
  text: string;
  runId?: string;
  /** Who did it: a session, the person, the policy, the host. */
  by?: string;
  /** Everything about it, e.g. the plan that was to be approved. */
  detail?: string;
}

/** Something wrong that a person should put right, with its place. */
export interface Problem {
  file?: string;
  line?: number;
  message: string;
  /** An error when absent; a warning changes nothing. */
  severity?: 'warning';
}

export interface BackendView {
  name: BackendName;
  /** `unknown` until something has been started or checked. */
  health: 'unknown' | 'ok' | 'failing';
  detail?: string;
  version?: string;
}
