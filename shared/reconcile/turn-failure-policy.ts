/** What is done with a session whose turn the model's provider made fail. Pure: rules over facts, the first that fits. */
import type { TurnFailure } from '../domain/run.ts';
import type { TroublePolicy } from '../config/provider-failure-settings.ts';

export interface TroubleFacts {
  failure: TurnFailure;
  /** Epoch milliseconds. */
  now: number;
  /** Turns that failed in a row before this one and were gone on with, in this conversation or another one. */
  redeliveries: number;
  /** Whether somebody waits for the session: it has an open unit, or was given something that it has not acted on. */
  owes: boolean;
  /** The next agent of the role's chain that nothing speaks against. */
  alternative?: string;
}

export type TroubleAction =
  /** Nothing is put before the model until then; then it is told to go on, where `goOn` says so. */
  | { kind: 'park'; until: number; goOn: boolean; reason: string }
  /** The same session goes on with another agent. */
  | { kind: 'fail-over'; agent: string; reason: string }
  /** Nothing more is tried by itself. */
  | { kind: 'escalate'; reason: string }
  | { kind: 'nothing'; reason: string };

/** The end of the pause after so many failed turns in a row. */
function pauseEnd({ now, redeliveries }: TroubleFacts, { pauseMs, longestPauseMs }: TroublePolicy): number {
  return now + Math.min(pauseMs * 2 ** Math.min(redeliveries, 30), longestPauseMs);
}

const words: Record<TurnFailure['kind'], string> = {
  'rate-limit': 'rate-limited',
  provider: 'the provider fails',
  account: 'the provider does not take this account',
  refused: 'the provider refused the request',
  circles: 'it goes in circles',
};

export function decideTrouble(facts: TroubleFacts, policy: TroublePolicy): TroubleAction {
  const { failure, now, redeliveries, owes, alternative } = facts;
  const reason = `${words[failure.kind]}: ${failure.reason}`;
  const limitEnd = failure.until !== undefined && failure.until > now ? failure.until : undefined;
  // It would do so again, with this agent or with another, and spend: whoever owes nothing is watched by nobody either.
  if (failure.kind === 'circles') return { kind: 'escalate', reason };
  if (!owes) {
    return limitEnd === undefined
      ? { kind: 'nothing', reason }
      : { kind: 'park', until: limitEnd, goOn: false, reason };
  }
  // An account and a request do not mend by themselves.
  const lasting = failure.kind === 'account' || failure.kind === 'refused';
  if (redeliveries >= policy.maxRedeliveries) {
    return { kind: 'escalate', reason: `${reason} (${redeliveries} times in a row)` };
  }
  const short = limitEnd !== undefined && limitEnd - now <= policy.graceMs;
  if (alternative !== undefined && !short) return { kind: 'fail-over', agent: alternative, reason };
  if (lasting) return { kind: 'escalate', reason };
  return { kind: 'park', until: limitEnd ?? pauseEnd(facts, policy), goOn: true, reason };
}
