import type { SessionId } from './orchestrator.ts';

/** Whether the agent may act without asking (autonomous roles) or asks before it edits or runs (interactive ones). */
export type PermissionProfile = 'autonomous' | 'interactive';

/** What a driver needs to find its run again after a host restart. Plain JSON, kept in the store; no secrets. */
export type RunReference = Record<string, unknown>;

/** How a user watches a session: the driver shows a terminal of its own, or names a program to run in one. */
export type AttachTarget =
  | { kind: 'shown' }
  | { kind: 'program'; name: string; program: string; args: string[]; env: Record<string, string>; cwd: string };

export type AskAnswer =
  | { kind: 'allow'; remember?: boolean }
  | { kind: 'deny'; message?: string }
  /** One list of chosen labels (or free text) per question. */
  | { kind: 'answers'; answers: string[][] };

/** Why a turn ended without the model's answer. */
export interface TurnFailure {
  /**
   * `rate-limit`: the provider takes nothing for now; `provider`: it fails, is out of reach, or broke off;
   * `account`: it does not know us (any more); `refused`: it does not take this request, whatever the time;
   * `circles`: nothing of the provider's: the turn did the same again and again, and was broken off for that.
   */
  kind: 'rate-limit' | 'provider' | 'account' | 'refused' | 'circles';
  /** The provider's own words, or what went in circles. */
  reason: string;
  /** Epoch milliseconds from which on it takes requests again, where it said so. */
  until?: number;
}

/** What went wrong last on a backend, until a turn on it goes well. */
export interface LastFailure {
  sessionId: SessionId;
  agent: string;
  /** Epoch milliseconds. */
  at: number;
  failure: TurnFailure;
}
