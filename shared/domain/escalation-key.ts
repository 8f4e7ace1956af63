import type { TurnFailure } from './run.ts';

/**
 * What is wrong; `reported`: what a session or the user has raised in words of their own. `circles`: a unit fails again and
 * again, `calls`: a role is called too often; what tells of it stops. `target`: the branch that work goes into fails its gates by itself.
 */
export type EscalationKind =
  | 'quarantined'
  | 'hung'
  | 'stalled'
  | 'failed'
  | 'escalated'
  | 'blocked'
  | 'wait'
  | 'merge'
  | 'target'
  | 'reported'
  | 'circles'
  | 'calls'
  | `model-${TurnFailure['kind']}`;

/** Names the occurrence that is escalated: the same key is raised once, whatever became of it. */
export interface EscalationKey {
  kind: EscalationKind;
  /** What it is about: a session, a unit of work, an ask; of what was reported, the report. */
  subject: string;
  /** The run in which it happened, where it is about one; of a unit that is `blocked`, what it waits for; of a `target`, its commit. */
  run?: string;
  /** Since when it is so, in epoch milliseconds, where it may be so more than once. */
  since?: number;
}
