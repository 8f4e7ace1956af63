/**
 * The channel between the host and everything else: JSON-RPC 2.0 on a local socket (DESIGN D7). One table of methods,
 * with the schema that the host checks each parameter object against and the type of the answer. The plugin, the hook
 * reporter and `gt` import only types from here, so that no schema code reaches their bundles.
 */
import { z } from 'zod';
import { messageKinds, messageStates, priorities } from '../mail/message.ts';
import { backendNames, roles, workTypes } from '../orchestrator.ts';
import type { BackendName, BroadcastResult, SessionId } from '../orchestrator.ts';
import { severities } from '../work/severity.ts';
import type { AttentionView } from '../attention/waits.ts';
import type {
  EscalationView,
  LogEntry,
  MessageView,
  RigReview,
  RigView,
  SessionView,
  TownSnapshot,
  WorktreeView,
  WorkView,
} from '../town/snapshot.ts';
import type { AttachTarget } from '../backends/driver.ts';

export const protocolVersion = 1;

/** Sent by the host to windows after every change, at most once per 100 ms. */
export const changedNotification = 'town/changed';

const text = z.string().max(1_000_000);
const name = z.string().min(1).max(200);
const none = z.strictObject({});

const doneStatuses = ['completed', 'failed', 'escalated'] as const;
export type DoneStatus = (typeof doneStatuses)[number];

const spawnParams = z.strictObject({
  role: z.enum(roles),
  rig: z.string().optional(),
  agent: name.optional(),
  backend: z.enum(backendNames).optional(),
  name: name.optional(),
});

const answer = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('allow'), remember: z.boolean().optional() }),
  z.strictObject({ kind: z.literal('deny'), message: text.optional() }),
  z.strictObject({ kind: z.literal('answers'), answers: z.array(z.array(text)) }),
]);

export const schemas = {
  /** First call on a connection: who speaks. Everything else is refused before it. */
  hello: z.strictObject({
    protocol: z.literal(protocolVersion),
    token: z.string(),
    client: name,
    watch: z.boolean().optional(),
  }),

  'town.snapshot': none,
  'town.doctor': none,
  'town.health': none,
  /** What `town.remove` would do now. */
  'town.removal': none,
  /** Ends the sessions, and takes away what the town has written: see `town/removal.ts`. */
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
    name: name.optional(),
    extent: z.enum(['folder', 'repository']).optional(),
  }),
  /** What of the rig's own counts only by the user's word, and whether they have given it. */
  'rig.review': z.strictObject({ rig: name }),
  /** The user's word: all that `rig.review` has shown under this hash counts. */
  'rig.trust': z.strictObject({ rig: name, hash: z.string().regex(/^[0-9a-f]{64}$/) }),

  'work.add': z.strictObject({
    id: name.optional(),
    rig: name.optional(),
    type: z.enum(workTypes).optional(),
    title: text.optional(),
    description: text,
    priority: z.int().min(0).max(4).optional(),
  }),
  'work.show': z.strictObject({ id: name }),
  'work.assign': z.strictObject({ id: name, session: name }),
  /** `to` is a session that lives, or the name of a new polecat of the unit's rig. */
  'work.handoff': z.strictObject({
    from: name,
    to: name,
    context: text,
    work: name.optional(),
    agent: name.optional(),
    backend: z.enum(backendNames).optional(),
  }),
  /** Nobody shall do it any more; its session is told. */
  'work.cancel': z.strictObject({ id: name, message: text.optional() }),
  /** Another chance for a unit, whatever has become of it: it is queued, and the host slings it. */
  'work.requeue': z.strictObject({ id: name }),
  'work.done': z.strictObject({
    status: z.enum(doneStatuses).optional(),
    message: text.optional(),
    id: name.optional(),
  }),
  /** `gt escalate`: somebody beyond the caller has to deal with this. */
  'work.escalate': z.strictObject({ severity: z.enum(severities), message: text, work: name.optional() }),
  /** The open ones; with `all` the closed ones, too. */
  'escalation.list': z.strictObject({ all: z.boolean().optional() }),
  'escalation.close': z.strictObject({ id: name, message: text.optional() }),
  /** The work of the calling session (`gt hook`). */
  'work.mine': z.strictObject({ session: name.optional() }),

  sling: z.strictObject({
    work: name,
    rig: name,
    agent: name.optional(),
    backend: z.enum(backendNames).optional(),
    name: name.optional(),
    message: text.optional(),
  }),

  'session.spawn': spawnParams,
  /** Starts the role's session where it does not run yet, then tells how to watch it. */
  'session.attach': z.strictObject({ session: name, preserveFocus: z.boolean().optional() }),
  /** Ends the session; gives up one that has failed. */
  'session.stop': z.strictObject({ session: name }),
  'session.answer': z.strictObject({ session: name, ask: name, answer }),
  /** Starts a session again that has ended, with its conversation; a quarantine is lifted. */
  'session.reset': z.strictObject({ session: name }),
  /** Takes a session that has ended off the list, for good. */
  'session.dismiss': z.strictObject({ session: name }),
  'session.seen': z.strictObject({ session: name }),
  /** What happened to the session, the newest `limit` entries; of the calling session where none is named (`gt log`). */
  'session.log': z.strictObject({ session: name.optional(), limit: z.int().min(1).max(10_000).optional() }),
  /** Every wait for the person, oldest first. */
  'attention.list': none,
  /** Role context of the calling session (`gt prime`). */
  'session.prime': z.strictObject({ session: name.optional() }),

  /** `to` is one address: see `mail/addresses.ts`. */
  'message.send': z.strictObject({
    to: name,
    type: z.enum(['nudge', 'mail']),
    subject: text.optional(),
    body: text,
    priority: z.enum(priorities).optional(),
  }),
  /** `to` are addresses, groups (`@<rig>`, `@town`) among them; `@town` when absent. Each recipient gets one message of this type. */
  'message.broadcast': z.strictObject({
    to: z.array(name).optional(),
    type: z.enum(['nudge', 'mail', 'broadcast']).optional(),
    subject: text.optional(),
    body: text,
    priority: z.enum(priorities).optional(),
  }),
  'message.show': z.strictObject({ id: name }),
  /** `session` is sender or recipient; `sent` leaves those that it has sent. */
  'message.list': z.strictObject({
    limit: z.int().min(1).max(1000).optional(),
    session: name.optional(),
    sent: z.boolean().optional(),
    state: z.enum(messageStates).optional(),
    kind: z.enum(messageKinds).optional(),
  }),
  'mail.inbox': z.strictObject({ session: name.optional(), all: z.boolean().optional() }),
  'mail.archive': z.strictObject({ id: name }),

  /**
   * A hook of Claude Code, told by its reporter. `at`: when that was started, in epoch milliseconds. `ask`: it waits for the
   * user's decision; the same for every host that is told of it.
   */
  'inside.hook': z.strictObject({
    name,
    payload: z.record(z.string(), z.unknown()),
    at: z.number().optional(),
    ask: name.optional(),
  }),
  /** An event seen by gastown.js; `run` names the run it belongs to. */
  'inside.event': z.strictObject({
    server: name,
    session: z.string().optional(),
    seq: z.int().min(0),
    name,
    payload: z.record(z.string(), z.unknown()),
  }),
  /** Identity and secrets for the agent's shell of one Opencode session; empty for sessions that are not ours. */
  'inside.environment': z.strictObject({ session: name }),
  /** Role context of one Opencode session; null for sessions that are not ours. */
  'inside.context': z.strictObject({ session: name }),
} as const;

export type MethodName = keyof typeof schemas;
export type Params<M extends MethodName> = z.input<(typeof schemas)[M]>;

/** One line of `gt doctor`. */
export interface DoctorCheck {
  name: string;
  state: 'ok' | 'warning' | 'error';
  detail: string;
  /** What to do about it. */
  advice?: string;
}

/** What goes, or went, with a town, and what stays. */
export interface TownRemoval {
  /** Those that are ended. */
  sessions: SessionId[];
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
  'work.add': WorkView;
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
  sling: { session: SessionView; work: WorkView };
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
  /** `additionalContext`: the role context, for SessionStart. `answer`: what the reporter prints, for Claude to obey. */
  'inside.hook': { additionalContext?: string; answer?: Record<string, unknown> };
  'inside.event': Record<string, never>;
  'inside.environment': { env: Record<string, string> };
  'inside.context': { text: string | null };
}

export interface WorkHistoryEntry {
  at: number;
  state: string;
  by: string;
  runId?: string;
  note?: string;
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
