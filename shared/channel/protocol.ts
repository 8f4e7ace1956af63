/**
 * The channel between the host and everything else: JSON-RPC 2.0 on a local socket (DESIGN D7). One table of methods,
 * with the schema that the host checks each parameter object against and the type of the answer. The plugin, the hook
 * reporter and `gt` import only types from here, so that no schema code reaches their bundles.
 */
import * as z from 'zod/mini';
import { reviewSides } from '../domain/merge.ts';
import { messageKinds, messageStates, priorities } from '../domain/message.ts';
import { roles, workTypes } from '../domain/orchestrator.ts';
import type { BackendName, BroadcastResult, SessionId } from '../domain/orchestrator.ts';
import { severities } from '../domain/severity.ts';
import type {
  BackendView,
  BatchView,
  ChangeView,
  EscalationView,
  LogEntry,
  MergeDetailView,
  MergeView,
  OverlapView,
  MessageView,
  RigReview,
  RigView,
  SessionView,
  ThreadView,
  TownSnapshot,
  WorktreeView,
  WorkView,
  AttentionView,
} from './views.ts';
import type { AttachTarget } from '../domain/run.ts';
import type { TroubleKind } from '../domain/trouble.ts';
import type { WorkHistoryEntry } from '../domain/work-state.ts';

export const protocolVersion = 1;

/**
 * Sent by the host to windows after every change, at most once per 100 ms, and not before the last one has been read: the
 * whole snapshot. To windows that watch by deltas it is the first, and then what has changed since the last one.
 */
export const changedNotification = 'town/changed';
export const deltaNotification = 'town/delta';

/** Sent by the host to windows: somebody wants to see this, in the window of that id, or in the host's own where none is named. */
export const showNotification = 'town/show';

export interface ShowRequest {
  /** The unit whose change is to be shown. */
  work: string;
  /** See `channelEnv.window`. */
  window?: string;
}

const text = z.string().check(z.maxLength(1_000_000));
const name = z.string().check(z.minLength(1), z.maxLength(200));
/** A whole object name. */
const commit = z.string().check(z.regex(/^[0-9a-f]{40}([0-9a-f]{24})?$/));
/** 0 is the most urgent, 4 the least. */
const urgency = z.int().check(z.minimum(0), z.maximum(4));
/** Kept as it is, and given back; how much of it says `work/service.ts`. */
const payload = z.record(z.string(), z.unknown());
const none = z.strictObject({});

const doneStatuses = ['completed', 'failed', 'escalated'] as const;
export type DoneStatus = (typeof doneStatuses)[number];

const spawnParams = z.strictObject({
  role: z.enum(roles),
  rig: z.optional(z.string()),
  agent: z.optional(name),
  backend: z.optional(name),
  name: z.optional(name),
});

const answer = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('allow'), remember: z.optional(z.boolean()) }),
  z.strictObject({ kind: z.literal('deny'), message: z.optional(text) }),
  z.strictObject({ kind: z.literal('answers'), answers: z.array(z.array(text)) }),
]);

export const schemas = {
  /** First call on a connection: who speaks. Everything else is refused before it. */
  hello: z.strictObject({
    protocol: z.literal(protocolVersion),
    token: z.string(),
    client: name,
    watch: z.optional(z.union([z.boolean(), z.literal('deltas')])),
  }),

  'town.snapshot': none,
  'town.doctor': none,
  'town.health': none,
  /** What `town.remove` would do now. */
  'town.removal': none,
  /** Ends the sessions, and takes away what the town has written: see `host/removal.ts`. */
  'town.remove': none,

  /** What stays of sessions that are over, and what was removed and can be brought back; newest first. */
  'worktree.list': none,
  /** By id, path, session or name. Removes one that stays; what only it has is rescued first. */
  'worktree.remove': z.strictObject({ worktree: text }),
  /** Brings back one that was removed. */
  'worktree.restore': z.strictObject({ worktree: text }),

  /** `extent`: what a folder inside of a repository stands for; without it such a folder is refused (`inside-repository`). */
  'rig.add': z.strictObject({
    source: text,
    name: z.optional(name),
    extent: z.optional(z.enum(['folder', 'repository'])),
  }),
  /** What of the rig's own counts only by the user's word, and whether they have given it. */
  'rig.review': z.strictObject({ rig: name }),
  /** The user's word: all that `rig.review` has shown under this hash counts. */
  'rig.trust': z.strictObject({ rig: name, hash: z.string().check(z.regex(/^[0-9a-f]{64}$/)) }),
  /** The user takes back all that they have agreed to of the rig's. What runs with it goes on. */
  'rig.untrust': z.strictObject({ rig: name }),

  'work.add': z.strictObject({
    id: z.optional(name),
    rig: z.optional(name),
    type: z.optional(z.enum(workTypes)),
    title: z.optional(text),
    description: text,
    priority: z.optional(urgency),
    payload: z.optional(payload),
    /** Units that it begins after. */
    after: z.optional(z.array(name).check(z.maxLength(100))),
    /** By id or title; a new one where there is none. */
    batch: z.optional(name),
  }),
  /** Units as Markdown documents with front matter (`work/work-document.ts`): all of them are added, or none. */
  'work.import': z.strictObject({
    documents: z.array(z.strictObject({ name, text })).check(z.minLength(1), z.maxLength(50)),
  }),
  /**
   * Changes a unit that is neither done nor cancelled. `after` is all that it waits for from now on; an empty `batch` or `rig`
   * is none. `document` is a unit as a document; fields go before it.
   */
  'work.edit': z.strictObject({
    id: name,
    title: z.optional(text),
    description: z.optional(text),
    type: z.optional(z.enum(workTypes)),
    priority: z.optional(urgency),
    rig: z.optional(z.string().check(z.maxLength(200))),
    payload: z.optional(payload),
    after: z.optional(z.array(name).check(z.maxLength(100))),
    batch: z.optional(z.string().check(z.maxLength(200))),
    document: z.optional(z.strictObject({ name, text })),
  }),
  /** It begins after these, too; with `remove` not any more. */
  'work.depend': z.strictObject({
    id: name,
    on: z.array(name).check(z.minLength(1), z.maxLength(100)),
    remove: z.optional(z.boolean()),
  }),
  /** The host slings it as soon as it may: when what it waits for is over, the most urgent first. */
  'work.queue': z.strictObject({
    work: name,
    rig: name,
    agent: z.optional(name),
    backend: z.optional(name),
    name: z.optional(name),
    message: z.optional(text),
    /** As of `sling`. */
    setup: z.optional(z.boolean()),
  }),
  /** Before a sling: which open branches change files that the unit, or `message`, names. */
  'work.overlap': z.strictObject({ work: z.optional(name), rig: name, message: z.optional(text) }),
  'work.show': z.strictObject({ id: name }),
  'work.assign': z.strictObject({ id: name, session: name }),
  /** `to` is a session that lives, or the name of a new polecat of the unit's rig. */
  'work.handoff': z.strictObject({
    from: name,
    to: name,
    context: text,
    work: z.optional(name),
    agent: z.optional(name),
    backend: z.optional(name),
  }),
  /** Nobody shall do it any more; its session is told. */
  'work.cancel': z.strictObject({ id: name, message: z.optional(text) }),
  /** Another chance for a unit that is not done: it is queued, and the host slings it. */
  'work.requeue': z.strictObject({ id: name }),
  'work.done': z.strictObject({
    status: z.optional(z.enum(doneStatuses)),
    message: z.optional(text),
    id: z.optional(name),
    /** What is not committed is not part of it. */
    uncommitted: z.optional(z.boolean()),
  }),
  /** `gt escalate`: somebody beyond the caller has to deal with this. */
  'work.escalate': z.strictObject({ severity: z.enum(severities), message: text, work: z.optional(name) }),
  /** The open ones; with `all` the closed ones, too. */
  'escalation.list': z.strictObject({ all: z.optional(z.boolean()) }),
  'escalation.close': z.strictObject({ id: name, message: z.optional(text) }),
  /** The work of the calling session (`gt hook`). */
  'work.mine': z.strictObject({ session: z.optional(name) }),

  /** Open merges; with `all` those that have ended, too. Of all rigs where none is named. */
  'merge.list': z.strictObject({ rig: z.optional(name), all: z.optional(z.boolean()) }),
  /** By the id of its unit, as in all of these. */
  'merge.show': z.strictObject({ id: name }),
  /** The user has looked at it as it is at `head`. */
  'merge.reviewed': z.strictObject({ id: name, head: commit }),
  /** The user is content with it as it is at `head` (now, where none is given); with `merge` it goes into the queue at once. */
  'merge.approve': z.strictObject({ id: name, head: z.optional(commit), merge: z.optional(z.boolean()) }),
  /** An approved one goes into the queue, or is tried again. */
  'merge.queue': z.strictObject({ id: name }),
  /** Asks what has become of the pull request of `id`, else of all that are open, in `rig` where one is named. */
  'merge.refresh': z.strictObject({ id: z.optional(name), rig: z.optional(name) }),
  /** Back to its author, or another `agent`, with the comments that were not sent yet, and `message`. */
  'merge.return': z.strictObject({ id: name, message: z.optional(text), agent: z.optional(name) }),
  /** It is not wanted; the branch stays until its worktree goes by the usual rules. */
  'merge.discard': z.strictObject({ id: name, message: z.optional(text) }),

  /** What a unit changes, by now where it is still worked at. `since`: a commit, or what the user has reviewed last. */
  'review.changes': z.strictObject({
    id: name,
    since: z.optional(z.union([z.literal('reviewed'), commit])),
    to: z.optional(commit),
  }),
  /** Opens it in the editor, in the window that the caller's terminal belongs to. */
  'review.open': z.strictObject({ id: name, window: z.optional(name) }),
  /** A file of the unit's repository in one commit. */
  'review.file': z.strictObject({ id: name, commit, path: text }),
  /** Begins a conversation about a line. `commit`: of the side that was looked at; rejects where it is another one by now. */
  'review.comment': z.strictObject({
    id: name,
    commit: z.optional(commit),
    path: text,
    side: z.enum(reviewSides),
    line: z.int().check(z.minimum(1)),
    body: text,
  }),
  /** `thread` is `C-<number>`. */
  'review.reply': z.strictObject({ thread: name, body: text }),
  'review.resolve': z.strictObject({ thread: name, resolved: z.boolean() }),

  /** `work` are units that there are. */
  'batch.create': z.strictObject({ title: name, work: z.array(name).check(z.minLength(1), z.maxLength(1000)) }),
  /** `batch` is an id or a title. */
  'batch.add': z.strictObject({ batch: name, work: z.array(name).check(z.minLength(1), z.maxLength(1000)) }),
  /** Those that are not finished, and those of the last day; with `all` every one. */
  'batch.list': z.strictObject({ all: z.optional(z.boolean()) }),
  'batch.show': z.strictObject({ batch: name }),

  /** Rejects with `waits` where the unit begins after others (see `work.queue`); with `now` those are forgotten. */
  sling: z.strictObject({
    work: name,
    rig: name,
    agent: z.optional(name),
    backend: z.optional(name),
    name: z.optional(name),
    message: z.optional(text),
    now: z.optional(z.boolean()),
    /** False: what the rig's settings say of new worktrees (fetch, copies, set-up) is left out. */
    setup: z.optional(z.boolean()),
  }),

  /** All sessions, also those that have ended and are remembered; and the backends, with what speaks against starting more on them. */
  'session.list': none,
  'session.spawn': spawnParams,
  /** Starts the role's session where it does not run yet, then tells how to watch it. */
  'session.attach': z.strictObject({ session: name, preserveFocus: z.optional(z.boolean()) }),
  /** Ends the session; gives up one that has failed. */
  'session.stop': z.strictObject({ session: name }),
  'session.answer': z.strictObject({ session: name, ask: name, answer }),
  /** Starts a session again that has ended, with its conversation; a quarantine is lifted. */
  'session.reset': z.strictObject({ session: name }),
  /** Takes a session that has ended off the list, for good. */
  'session.dismiss': z.strictObject({ session: name }),
  'session.seen': z.strictObject({ session: name }),
  /** What happened to the session, the newest `limit` entries; of the calling session where none is named (`gt log`). */
  'session.log': z.strictObject({
    session: z.optional(name),
    limit: z.optional(z.int().check(z.minimum(1), z.maximum(10_000))),
  }),
  /** Every wait for the user, oldest first. */
  'attention.list': none,
  /** Role context of the calling session (`gt prime`). */
  'session.prime': z.strictObject({ session: z.optional(name) }),

  /** `to` is one address: see `messages/addresses.ts`. */
  'message.send': z.strictObject({
    to: name,
    type: z.enum(['nudge', 'mail']),
    subject: z.optional(text),
    body: text,
    priority: z.optional(z.enum(priorities)),
  }),
  /** `to` are addresses, groups (`@<rig>`, `@town`) among them; `@town` when absent. Each recipient gets one message of this type. */
  'message.broadcast': z.strictObject({
    to: z.optional(z.array(name)),
    type: z.optional(z.enum(['nudge', 'mail', 'broadcast'])),
    subject: z.optional(text),
    body: text,
    priority: z.optional(z.enum(priorities)),
  }),
  'message.show': z.strictObject({ id: name }),
  /** `session` is sender or recipient; `sent` leaves those that it has sent. */
  'message.list': z.strictObject({
    limit: z.optional(z.int().check(z.minimum(1), z.maximum(1000))),
    session: z.optional(name),
    sent: z.optional(z.boolean()),
    state: z.optional(z.enum(messageStates)),
    kind: z.optional(z.enum(messageKinds)),
    work: z.optional(name),
  }),
  'mail.inbox': z.strictObject({ session: z.optional(name), all: z.optional(z.boolean()) }),
  'mail.archive': z.strictObject({ id: name }),

  /**
   * A hook of a session's program, told by the reporter that it runs. `at`: when that was started, in epoch milliseconds.
   * `ask`: it waits for the user's decision; the same for every host that is told of it. These four keep their names: sessions
   * that run have the reporter of the version that started them.
   */
  'inside.hook': z.strictObject({
    name,
    payload: z.record(z.string(), z.unknown()),
    at: z.optional(z.number()),
    ask: z.optional(name),
  }),
  /** An event seen by the plugin in a server. `seq` counts what that plugin reports. */
  'inside.event': z.strictObject({
    server: name,
    session: z.optional(z.string()),
    seq: z.int().check(z.minimum(0)),
    name,
    payload: z.record(z.string(), z.unknown()),
  }),
  /** Identity and secrets for the agent's shell of one session on the server, by the program's id for it; empty for sessions that are not ours. */
  'inside.environment': z.strictObject({ session: name }),
  /** Role context of such a session; null for sessions that are not ours. */
  'inside.context': z.strictObject({ session: name }),
} as const;

export type MethodName = keyof typeof schemas;
export type Params<M extends MethodName> = z.input<(typeof schemas)[M]>;

/** One line of `gt doctor`. */
export interface DoctorCheck {
  name: string;
  state: 'ok' | 'warning' | 'error';
  detail: string;
  /** What is wrong, of what kind. */
  kind?: TroubleKind;
  /** What to do about it, by `gt` where that can; absent where `detail` says it. */
  advice?: string;
  /** The same by an action of the editor. */
  adviceInEditor?: string;
}

/** What goes, or went, with a town, and what stays. */
export interface TownRemoval {
  /** Those that are ended. */
  sessions: SessionId[];
  /** Commands (`what`) that run in a worktree (`path`) before it goes. */
  runs: RemovalItem[];
  goes: RemovalItem[];
  stays: RemovalItem[];
}

export interface RemovalItem {
  path: string;
  /** For people: what it is, or why it stays. */
  what: string;
}

export interface Results {
  hello: { protocol: number; town: string; root: string; host: string; caller: CallerView };
  'town.snapshot': TownSnapshot;
  'town.doctor': { checks: DoctorCheck[] };
  'town.health': { backends: { name: BackendName; ok: boolean; detail: string }[] };
  'town.removal': TownRemoval;
  'town.remove': TownRemoval;
  'worktree.list': { worktrees: WorktreeView[] };
  'worktree.remove': WorktreeView;
  'worktree.restore': WorktreeView;
  'rig.add': RigView;
  'rig.review': RigReview;
  'rig.trust': RigReview;
  'rig.untrust': RigReview;
  'work.add': WorkView;
  'work.import': { work: WorkView[] };
  'work.edit': WorkView;
  'work.depend': WorkView;
  'work.queue': WorkView;
  /** `more`: how many other units there are besides. */
  'work.overlap': { overlaps: OverlapView[]; more: number };
  'work.show': WorkView & { payload: Record<string, unknown>; history: WorkHistoryEntry[] };
  'work.assign': WorkView;
  'work.handoff': { work: WorkView; session: SessionView };
  'work.cancel': WorkView;
  'work.requeue': WorkView;
  'work.done': WorkView;
  'work.escalate': EscalationView;
  'escalation.list': { escalations: EscalationView[] };
  'escalation.close': EscalationView;
  'work.mine': { session: SessionId; work: WorkView[] };
  'merge.list': { merges: MergeView[] };
  'merge.show': MergeDetailView;
  'merge.reviewed': MergeView;
  'merge.approve': MergeView;
  'merge.queue': MergeView;
  /** `session` has it, or is started for it; absent where it is queued for one. */
  'merge.refresh': { merges: MergeView[] };
  'merge.return': { merge: MergeView; session?: SessionId };
  'merge.discard': MergeView;
  'review.changes': ChangeView;
  'review.open': Record<string, never>;
  /** `missing`: the commit has no such file. Text where it is UTF-8 and not larger than `review.file` gives. */
  'review.file': { kind: 'text'; text: string } | { kind: 'missing' | 'binary' | 'too-large' };
  'review.comment': ThreadView;
  'review.reply': ThreadView;
  'review.resolve': ThreadView;
  'batch.create': BatchView;
  'batch.add': BatchView;
  'batch.list': { batches: BatchView[] };
  'batch.show': BatchView & { work: WorkView[] };
  sling: { session: SessionView; work: WorkView };
  'session.list': { sessions: SessionView[]; backends: BackendView[] };
  'session.spawn': SessionView;
  'session.attach': AttachTarget;
  'session.stop': SessionView;
  'session.answer': Record<string, never>;
  'session.reset': SessionView;
  /** As it was at last. */
  'session.dismiss': SessionView;
  'session.seen': Record<string, never>;
  'session.log': { session: SessionId; entries: LogEntry[] };
  'attention.list': { waits: AttentionView[] };
  'session.prime': { text: string };
  'message.send': MessageView;
  'message.broadcast': { results: BroadcastResult[] };
  'message.show': MessageView;
  'mail.inbox': { messages: MessageView[] };
  'mail.archive': MessageView;
  'message.list': { messages: MessageView[] };
  /** `additionalContext`: the role context, for SessionStart. `answer`: what the reporter prints, for its program to obey. */
  'inside.hook': { additionalContext?: string; answer?: Record<string, unknown> };
  'inside.event': Record<string, never>;
  'inside.environment': { env: Record<string, string> };
  'inside.context': { text: string | null };
}

/** Who the host takes the caller for, by its token. */
export type CallerView =
  { kind: 'person' } | { kind: 'session'; session: SessionId; runId: string } | { kind: 'server'; server: string };

/** Error data that travels beside the message, so that `gt` can exit with a meaningful code. */
export interface ErrorData {
  code: string;
}

/** The town as its clients use it: the same in the host's own process and over the socket. */
export interface TownApi {
  request<M extends MethodName>(method: M, params: Params<M>, signal?: AbortSignal): Promise<Results[M]>;
}

/** Environment variables by which a process inside a session (or a terminal of the town) finds the host. */
export const channelEnv = {
  socket: 'GT_SOCKET',
  token: 'GT_TOKEN',
  /** The editor's window that the terminal is in. */
  window: 'GT_WINDOW',
} as const;

/** What `<town>/.runtime/host.json` says (0600): how `gt` in any terminal finds the host. */
export interface HostFile {
  pid: number;
  /** Process start time, to tell a reused pid from the host itself. */
  startTime: string;
  socket: string;
  token: string;
  protocol: number;
}
