/**
 * The seed's orchestrator interface and types (its Go names in camelCase, `AbortSignal` for ctx). What we add to the
 * seed's types is marked "ours".
 */
import type { Activity, Ask } from './activity.ts';

/** Stable name of one agent worker under our control, such as `hq-mayor` or `myproject-worker-1`. */
export type SessionId = string;

/** One of those that the host has been put together with (`host/backends.ts`). */
export type BackendName = string;

export const roles = ['mayor', 'deacon', 'witness', 'refinery', 'crew', 'polecat'] as const;
export type Role = (typeof roles)[number];

/** Roles that exist once per town; the others belong to a rig. */
export const townRoles: readonly Role[] = ['mayor', 'deacon'];

/** Roles that work in a worktree of their own. The witness works in the rig's checkout: it looks, and changes nothing. */
export const worktreeRoles: readonly Role[] = ['refinery', 'crew', 'polecat'];

export type SessionState = 'starting' | 'running' | 'paused' | 'stopped' | 'failed';

export type SessionLocation = 'local' | 'remote';

export const workTypes = ['issue', 'formula', 'task'] as const;
export type WorkType = (typeof workTypes)[number];

/** A unit of work to be executed by an agent. */
export interface WorkUnit {
  id: string;
  type: WorkType;
  description: string;
  payload: Record<string, unknown>;
  /** 0 is the most urgent, 4 the least; 2 is normal (as in beads). */
  priority: number;
  /** Epoch milliseconds; absent while nobody has it. */
  assignedAt?: number;
}

export const messageTypes = ['nudge', 'mail', 'broadcast'] as const;
export type MessageType = (typeof messageTypes)[number];

/** A message between sessions, or from the user (`from` is then `overseer`). */
export interface Message {
  /** Ours: idempotency key. Made by the host when absent. */
  id?: string;
  from: SessionId;
  to: SessionId;
  type: MessageType;
  subject: string;
  body: string;
  /** Epoch milliseconds. */
  sentAt: number;
}

/** Parameters for spawning a session. */
export interface SessionConfig {
  role: Role;
  workDir: string;
  /** Rig name; empty for town roles. */
  rig: string;
  /** Name of the worker, e.g. `Toast`; empty for roles that exist once. */
  agentName: string;
  initialWork?: WorkUnit;
  env?: Record<string, string>;
  remoteHost?: string;
  metadata?: Record<string, string>;
  /** Ours: the configured agent to run (the name that it has in the settings); the backend's own default where absent. */
  agent?: string;
  /** Ours: the branch that the worktree is on, where the session works in one. */
  branch?: string;
}

/** A sub-agent inside a session (ours): shown below it, never stopped or addressed by itself. */
export interface ChildSession {
  id: string;
  title: string;
  activity: 'idle' | 'busy' | 'unknown';
}

/** What is known about a session. */
export interface SessionInfo {
  id: SessionId;
  backend: BackendName;
  role: Role;
  agentName: string;
  rig: string;
  state: SessionState;
  /** Epoch milliseconds. */
  startedAt: number;
  location: SessionLocation;
  workUnits: WorkUnit[];
  /** Process id, where the session has a process of its own. */
  pid?: number;
  remoteHost?: string;
  /** Ours, from here on: the current incarnation. */
  runId: string;
  /** The configured agent's name. */
  agent: string;
  /** Process id of the server that it runs on with others, where its program is one. */
  serverPid?: number;
  activity: Activity;
  /** Epoch milliseconds since when state and activity are as they are. */
  since: number;
  /** The event that made them so. */
  cause: string;
  /** Stopped because its program ended while no host was there: it can be resumed, and nobody wanted it to end. */
  endedUnseen?: boolean;
  /** What it shared with others and ended with, such as its agent's server: the same for all of them. */
  lostWith?: string | undefined;
  /** Waits for the user, oldest first. */
  asks: Ask[];
  children: ChildSession[];
  /** What is wrong between us and its program, and what to do about it. */
  problem?: string | undefined;
  /** Why what waits for the session is not delivered, although it is idle: somebody types into its terminal. */
  held?: 'terminal-in-use' | undefined;
  workDir: string;
  branch?: string;
  /** As it was given in `SessionConfig`. */
  metadata?: Record<string, string>;
}

/** What a broadcast did, recipient by recipient: one failure does not stop the others. */
export interface BroadcastResult {
  to: SessionId;
  messageId?: string;
  error?: string;
}

/**
 * Manages agent life cycle and work distribution of one backend. Every operation rejects with a `GasTownError`.
 */
export interface Orchestrator {
  /** The backend's name. */
  name(): BackendName;
  /** Creates a session and resolves when it can take work; on rejection nothing of it is left. */
  spawnSession(config: SessionConfig, signal?: AbortSignal): Promise<SessionId>;
  /** Stops a session and everything it started. Stopping a stopped session is no error. */
  terminateSession(id: SessionId, signal?: AbortSignal): Promise<void>;
  getSession(id: SessionId, signal?: AbortSignal): Promise<SessionInfo>;
  /** The sessions of this backend that have not ended. */
  listSessions(signal?: AbortSignal): Promise<SessionInfo[]>;
  /** Binds the unit to the session and puts it before the model at the next safe moment. */
  assignWork(id: SessionId, work: WorkUnit, signal?: AbortSignal): Promise<void>;
  /** Accepts the message durably; its receipt tells when the model has seen it. */
  sendMessage(id: SessionId, message: Message, signal?: AbortSignal): Promise<void>;
  broadcastMessage(ids: SessionId[], message: Message, signal?: AbortSignal): Promise<BroadcastResult[]>;
  /** Rejects with what is wrong with the backend and what to do about it. */
  healthCheck(signal?: AbortSignal): Promise<void>;
}
