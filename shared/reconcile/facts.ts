import type { FailurePolicy } from '../config/failure-policy.ts';
import type { EscalationKey } from '../domain/escalation-key.ts';
import type { Role, SessionId, SessionState } from '../domain/orchestrator.ts';
import type { Activity } from '../domain/activity.ts';
import type { WorkState } from '../domain/work-state.ts';

/** What the rules know. Times are epoch milliseconds. */
export interface Facts {
  now: number;
  sessions: readonly SessionFacts[];
  units: readonly UnitFacts[];
  /** From when on to count what has been going on since then: the clock may have been set, and the machine have slept. */
  countedFrom: (at: number) => number;
  /** Whether this has been escalated before. */
  wasRaised: (key: EscalationKey) => boolean;
}

export interface SessionFacts {
  id: SessionId;
  role: Role;
  runId: string;
  state: SessionState;
  activity: Activity['kind'];
  /** Since when state and activity are as they are. */
  since: number;
  /** Why it ended, in its own words. */
  cause: string;
  /** What it shared with others and ended with (an agent's server): the same for all of them. */
  lostWith?: string;
  /** It ended while no host could see it; its state is `stopped` then. */
  endedUnseen: boolean;
  /** Its run has been over before, and everything that follows from it was done. */
  settled: boolean;
  quarantined: boolean;
  /** How many runs in a row, the last one included, ended before they were ready. */
  failedStarts: number;
  /** Restarts within the policy's window. */
  restarts: number;
  /** The model or a tool last said something then. */
  progressAt: number;
  /** Messages that wait for it, and asks that wait for the user. */
  waiting: number;
  unreadMail: number;
  /** It runs only while it is needed: after so long idle it is stopped, in ms. */
  sleepAfterMs?: number;
  /** Something is being done about it right now: it is started, restarted or stopped. */
  inHand: boolean;
  policy: FailurePolicy;
}

export interface UnitFacts {
  id: string;
  state: WorkState;
  owner?: SessionId;
  /** The run that it belongs to or was reported by. */
  runId?: string;
  changedAt: number;
  /** When its owner got it. */
  assignedAt?: number;
  attempts: number;
  notBefore?: number;
  /** 0 is the most urgent. */
  priority: number;
  /** Which was added first: counted, as the clock may be set back. */
  sequence: number;
  /** Queued, and not to begin before other units are over. */
  waits: boolean;
  /** Its owner's run has it before its model. */
  delivered: boolean;
  /** That run was reminded of it. */
  reminded: boolean;
  /** It failed because no session could be started for it, for a reason that may pass. */
  startFailed: boolean;
  /** Its last state was reported by the session that has or had it. */
  byOwner: boolean;
  /** Its session knows that it is closed. */
  toldClosed: boolean;
  /** Its rig is there, so that a session can be made for it. */
  canBeSlung: boolean;
  inHand: boolean;
  policy: FailurePolicy;
}
