/** Everything that views, other windows and `gt --json` show of a town. Plain JSON; a new one on every change. */
import type { OpenBreaker } from '../backends/breaker.ts';
import type { WorktreeResult } from '../git/result.ts';
import type { BackendName, SessionInfo, WorkType } from '../orchestrator.ts';
import type { MessageKind, MessageState, Priority } from '../mail/message.ts';
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
  /** Worktrees that stay after their sessions, and those that were just removed. */
  worktrees: WorktreeView[];
  /** Counts up when a message comes or changes: then `message.list` says something new. */
  messagesRevision: number;
}

export interface RigView {
  name: string;
  /** Its folder. */
  path: string;
  /** The repository that the folder is in, where it is not the whole of it. */
  repository?: string;
  /** Branch that new worktrees start from; absent where it could not be found, with the reason in `problem`. */
  defaultBranch?: string;
  problem?: string;
  /** Hash of what the user has to agree to before it counts (see `rig.review`); absent where there is nothing, or they have. */
  toReview?: string;
}

/** What a rig's repository brings and counts only by the user's word. */
export interface RigReview {
  rig: string;
  path: string;
  /** Of all items together. */
  hash: string;
  /** Empty where the repository brings nothing of the kind. */
  items: RigReviewItem[];
}

export interface RigReviewItem {
  /** Where in the repository it stands: `agents.x` of its settings, or a file. */
  subject: string;
  /** All of it; it may hold any characters. */
  content: string;
  /** `changed`: the user has agreed to another content of the same place, which is `before`. */
  state: 'new' | 'changed' | 'agreed';
  before?: string;
}

export interface SessionView extends SessionInfo {
  /** Deliveries that wait for a safe moment. */
  queued: number;
  /** Unread mail. */
  unreadMail: number;
  /** What is wrong with its agent's backend or account, and until when nothing new is started with it. */
  trouble?: string;
  /** Set when a turn has ended since the person last looked. */
  unseen: boolean;
  /** What it asked the user when it ended, oldest first; absent where that was nothing. Nobody waits for the answer any more. */
  lostAsks?: string[];
  /** It failed too often, and is not started again until it is reset. */
  quarantined?: { at: number; reason: string };
  /** Why its worktree stays, where it has ended and its worktree is still there. */
  worktree?: string;
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
  /** The branch that it was given. */
  branch?: string;
  /** Commits that the branch (see `result`) has and its base does not; absent where there is no branch yet. */
  commits?: number;
  /** What was done, as it was last read from the worktree: the agent may have left the branch that it was given. */
  result?: WorktreeResult;
  /** Why it failed, was escalated or cancelled; what the agent reported. */
  note?: string;
  createdAt: number;
  changedAt: number;
  /** How often it was queued again after a failure; absent for never. */
  attempts?: number;
  /** While queued: not slung before this. */
  notBefore?: number;
  /** Why the worktree that it was done in stays, while nobody is at it. */
  worktree?: string;
}

/** A worktree whose session is over. */
export interface WorktreeView {
  id: string;
  session: string;
  rig: string;
  path: string;
  branch?: string;
  /** `under way`: a removal, or bringing it back, has not ended. */
  state: 'kept' | 'removed' | 'under way';
  /** Since when. Epoch milliseconds. */
  at: number;
  /** Why it stays. */
  reason?: string;
  /** The ref of the rescue commit, with how many commits and files only that has. */
  rescue?: string;
  commits?: number;
  files?: number;
}

export interface MessageView {
  id: string;
  from: string;
  to: string;
  kind: MessageKind;
  priority: Priority;
  subject: string;
  body: string;
  state: MessageState;
  /** Why it was refused, expired or given up; of an accepted one, why the last attempt failed. */
  reason?: string;
  /** How often it was handed over, or may have been. */
  attempts: number;
  /** An earlier attempt may have reached the model as well. */
  repeated: boolean;
  /** The run whose model has it, or was told of the mail. */
  runId?: string;
  sentAt: number;
  /** When it expires unless it is delivered before. */
  expiresAt?: number;
  deliveredAt?: number;
  actedAt?: number;
  readAt?: number;
  /** When it was refused, expired, given up, or archived. */
  closedAt?: number;
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
  /** What to do, where that is not to correct the file. */
  advice?: string;
}

export interface BackendView {
  name: BackendName;
  /** `unknown` until something has been started or checked. */
  health: 'unknown' | 'ok' | 'failing';
  /** What is wrong, and what to do. */
  detail?: string;
  version?: string;
  /** Set while nothing new is started on it, or, half-open, one trial is let through. */
  breaker?: OpenBreaker;
}
