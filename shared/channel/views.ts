/** Everything that views, other windows and `gt --json` show of a town. Plain JSON; a new one on every change. */
import type { OpenBreaker } from '../domain/circuit-breaker.ts';
import type { Commit, FileChange } from '../platform/git/changes.ts';
import type { WorktreeResult } from '../platform/git/result.ts';
import type { BackendName, SessionInfo, WorkType } from '../domain/orchestrator.ts';
import type { MessageKind, MessageState, Priority } from '../domain/message.ts';
import type { EscalationKind } from '../domain/escalation-key.ts';
import type { Severity } from '../domain/severity.ts';
import type { WorkState } from '../domain/work-state.ts';
import type {
  ChangeSize,
  GateResult,
  Landed,
  MergeConflict,
  MergeHistoryEntry,
  MergeState,
  ReviewSide,
  TargetRed,
  ThreadState,
} from '../domain/merge.ts';
import type { Problem } from '../domain/problem.ts';
import type { PullRequest } from '../domain/pull-request.ts';
import type { AskKind, Question } from '../domain/activity.ts';

export interface TownSnapshot {
  /** Counts up with every change. */
  revision: number;
  root: string;
  name: string;
  rigs: readonly RigView[];
  sessions: readonly SessionView[];
  work: readonly WorkView[];
  /** Those that have not come to an end, and those that did within the last day. */
  merges: readonly MergeView[];
  /** Those that are not finished, and those that were within the last day. */
  batches: readonly BatchView[];
  /** Open ones, newest first. */
  escalations: readonly EscalationView[];
  problems: readonly Problem[];
  backends: readonly BackendView[];
  /** Worktrees that stay after their sessions, and those that were just removed. */
  worktrees: readonly WorktreeView[];
  /** Sessions whose worktrees are being made ready; before that the town has no session of them. */
  starting: readonly StartingView[];
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
  /** It is not what the rig's folder shows, but what a worker's branch has: a start in its worktree was refused. */
  inWorktree?: true;
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
  /** Whether that is the provider's limit: trying it before cannot help. */
  troubleKind?: 'breaker' | 'model-rate-limit';
  /** Set when a turn has ended since the user last looked. */
  unseen: boolean;
  /** What it asked the user when it ended, oldest first; absent where that was nothing. Nobody waits for the answer any more. */
  lostAsks?: string[];
  /** It failed too often, and is not started again until it is reset. */
  quarantined?: { at: number; reason: string };
  /** Why its worktree stays, where it has ended and its worktree is still there. */
  worktree?: string;
}

/** What is being done before a session starts. */
export interface StartingView {
  session: string;
  /** For people: `runs the set-up of myproject`. */
  text: string;
  /** Since when. Epoch milliseconds. */
  since: number;
}

export interface WorkView {
  id: string;
  type: WorkType;
  title: string;
  /** The beginning of it, in a snapshot. */
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
  /** While it is worked at: what its commits would conflict with now; absent where that is not known (yet). */
  forecast?: readonly MergeConflict[];
  /** Why it failed, was escalated or cancelled; what the agent reported. */
  note?: string;
  createdAt: number;
  changedAt: number;
  /** How often it was queued again after a failure; absent for never. */
  attempts?: number;
  /** While queued: not slung before this. */
  notBefore?: number;
  /** Who wanted it given to a session, and is told what becomes of it: a session's id, or `overseer`. */
  slungBy?: string;
  /** Why the worktree that it was done in stays, while nobody is at it. */
  worktree?: string;
  /** The units that it begins after, where there are any. */
  after?: string[];
  /** Those of them that are not over yet. */
  waitsFor?: string[];
  /** The batch that it belongs to. */
  batch?: string;
  /** What is being done before its session starts, since then (epoch ms). */
  stage?: { text: string; since: number };
}

/** Units that belong together. */
export interface BatchView {
  id: string;
  title: string;
  /** Who has started it and hears of its outcome: a session, or the user. */
  startedBy: string;
  createdAt: number;
  /** Its units, in the order in which they were made. */
  units: string[];
  /** How many are merged, or done with nothing to merge; of how many that are still wanted. */
  done: number;
  total: number;
  /** `stuck`: nothing of what is left goes on without somebody. */
  state: 'open' | 'finished' | 'stuck';
  /** Since when it is finished or stuck. Epoch milliseconds. */
  since?: number;
}

/** A finished branch on its way into its target. */
export interface MergeView {
  /** The id of its unit. */
  work: string;
  rig: string;
  branch: string;
  target: string;
  /** Commits. */
  base: string;
  head: string;
  state: MergeState;
  /** How often the unit was reported as done, from 1. */
  round: number;
  /** The user has looked at this head. */
  reviewed: boolean;
  /** Who has approved this head. */
  approvedBy?: string;
  /** Why it is where it is, in one line. */
  why?: string;
  /** Of the head against the base; absent until git has told. */
  size?: ChangeSize;
  /** Its place in its rig's queue, from 1. */
  position?: number;
  conflicts?: readonly MergeConflict[];
  gates?: readonly GateResult[];
  /** Its gates fail on the target itself: it waits in the queue, and nobody is to blame who comes with a branch. */
  targetRed?: TargetRed;
  /** What would conflict now; absent where that is not known (yet). */
  forecast?: readonly MergeConflict[];
  landed?: Landed;
  /** Where its rig wants one. */
  pull?: PullRequest;
  /** Conversations about its lines that are neither resolved nor outdated. */
  openThreads: number;
  /** How many comments there are in all of them: it grows with each. */
  comments: number;
  createdAt: number;
  /** Since when it is in this state. Epoch milliseconds. */
  changedAt: number;
}

/** An open branch that changes files which a unit names that is about to be slung. */
export interface OverlapView {
  /** The id of its unit. */
  work: string;
  /** Who is at it; absent for a branch that waits. */
  session?: string;
  /** Of the unit where somebody is at it, else of its merge. */
  state: WorkState | MergeState;
  /** The first ones, as git names them. */
  files: readonly string[];
  /** How many more there are. */
  moreFiles: number;
}

/** All that there is to know about a merge. */
export interface MergeDetailView extends MergeView {
  history: MergeHistoryEntry[];
  threads: ThreadView[];
}

/** A conversation about one line of a change. */
export interface ThreadView {
  /** `C-<number>`. */
  id: string;
  work: string;
  path: string;
  side: ReviewSide;
  /** From 1, in the file as it is at `head`, or at the base. */
  line: number;
  head: string;
  /** The text of the line. */
  quote: string;
  state: ThreadState;
  comments: CommentView[];
}

export interface CommentView {
  at: number;
  by: string;
  body: string;
  /** What has become of the message that took it to the author; absent until it is sent. */
  receipt?: MessageState;
}

/** What a unit changes. */
export interface ChangeView {
  work: string;
  /** Commits that are compared. */
  from: string;
  to: string;
  files: FileChange[];
  /** Oldest first. */
  commits: Commit[];
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
  kind: EscalationKind;
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
  /** Who did it: a session, the user, the policy, the host. */
  by?: string;
  /** Everything about it, e.g. the plan that was to be approved. */
  detail?: string;
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
  /** The same for parts that failed by themselves, while the backend is well. */
  parts?: BackendPart[];
}

/** What the backend finds in a rig (empty: in the town's folder), or the program of an agent that has one of its own. */
export type BackendPart = ({ rig: string; program?: never } | { program: string; rig?: never }) & {
  breaker: OpenBreaker;
};

/** One wait for the user: what a session asks, or that it waits for something that can be seen in its terminal only. */
export interface AttentionView {
  session: string;
  runId: string;
  /** Absent where the session only says that it waits: then its terminal tells for what. */
  ask?: string;
  kind: AskKind | 'dialog';
  /** One line. */
  title: string;
  /** Everything that there is to know: tool arguments, plan text, question. */
  detail: string;
  /** The answers that a single question offers. */
  options: readonly string[];
  /** All questions, where there are several, or several answers may be chosen. */
  questions?: readonly Question[];
  /** Whether it can be answered from here; else only in the session's terminal. */
  resolvable: boolean;
  /** Whether `title` is all of what is asked for: a command on one line, short enough to be read whole in a message. */
  atAGlance: boolean;
  /** Epoch milliseconds. */
  since: number;
}
