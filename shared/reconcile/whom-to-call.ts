/** Which role is called about what, and what it is told. Pure. */
import type { CalledRole } from '../config/role-settings.ts';
import { identityOfId, sessionIdOf } from '../domain/names.ts';
import type { SessionId } from '../domain/orchestrator.ts';
import { conflictsText, failedGates } from '../orchestration/told-text.ts';
import type { BreakerOf } from '../backends/breakers.ts';
import type { StoredEscalation } from '../store/escalations.ts';
import type { StoredMerge } from '../store/merges.ts';
import type { StoredWork } from '../store/work.ts';

/** What has happened that somebody may have to judge. */
export type Cause =
  | { kind: 'escalation'; escalation: StoredEscalation; work?: StoredWork | undefined }
  | { kind: 'merge'; merge: StoredMerge; work: StoredWork }
  /** `at`: since when, in epoch milliseconds. */
  | { kind: 'breaker'; of: BreakerOf; reason: string; at: number };

export interface Call {
  /** The message's: the same cause calls once. */
  id: string;
  role: CalledRole;
  /** Empty for the deacon. */
  rig: string;
  to: SessionId;
  /** The first line is ours, what follows is quoted. */
  body: string;
}

/** Whom to call; undefined where it is nobody's to judge but the user's, or would be called about itself or what it did. */
export function whomToCall(cause: Cause): Call | undefined {
  switch (cause.kind) {
    case 'escalation':
      return ofEscalation(cause.escalation, cause.work);
    case 'merge':
      return ofMerge(cause.merge, cause.work);
    case 'breaker':
      return ofBreaker(cause.of, cause.reason, cause.at);
  }
}

function ofEscalation(escalation: StoredEscalation, work: StoredWork | undefined): Call | undefined {
  const { id, by, sessionId, message } = escalation;
  const what = happened(escalation, work);
  if (what === undefined) return undefined;
  const { role, rig, text } = what;
  const to = sessionIdOf(role, rig, '');
  if (to === by || to === sessionId) return undefined;
  const body = `${text} When it is dealt with: gt escalate close ${id} -m "<what was done>". What was escalated:\n${message}`;
  return { id: `call_${id}`, role, rig, to, body };
}

interface Happened {
  role: CalledRole;
  rig: string;
  text: string;
}

function happened(escalation: StoredEscalation, work: StoredWork | undefined): Happened | undefined {
  const { key, by, sessionId, workId } = escalation;
  if (key.kind === 'quarantined') {
    const text = `${sessionId} is quarantined: it ended again and again, and is not started until it is reset. Look at it: gt agents.`;
    return { role: 'deacon', rig: '', text };
  }
  const session = sessionId === undefined ? undefined : identityOfId(sessionId);
  const isWorker = session?.role === 'polecat' || session?.role === 'crew';
  const rig = isWorker ? session.rig : work?.rig;
  if (rig === undefined || rig === '') return undefined;
  const look = `Look at it: ${workId === undefined ? 'gt agents' : `gt work show ${workId}`}.`;
  const witness = (text: string): Happened => ({ role: 'witness', rig, text: `${text} ${look}` });
  if (key.kind === 'stalled') return witness(`${workId} has stalled.`);
  if (key.kind === 'escalated') return witness(`${sessionId ?? by} cannot finish ${workId}.`);
  if (!isWorker) return undefined;
  if (key.kind === 'hung') return witness(`${sessionId} is busy without any progress.`);
  return key.kind === 'reported' && by === sessionId ? witness(`${sessionId} asks for help.`) : undefined;
}

function ofMerge(merge: StoredMerge, { id, title, owner }: StoredWork): Call | undefined {
  const { rig, state, round, head, target, branch } = merge;
  if (state !== 'conflict' && state !== 'gate-failed') return undefined;
  const to = sessionIdOf('refinery', rig, '');
  if (owner === to) return undefined;
  const why = state === 'conflict' ? `it conflicts with ${conflictsText(merge)}` : `${failedGates(merge)} failed`;
  const body =
    `${id} (${title}), on ${branch}, cannot be merged into ${target}: ${why}. Judge what is to be done: gt review ${id} shows what it changes, ` +
    `gt work show ${id} what was wanted. To have it tried again as it is: gt merge ${id}. What its author has to mend goes to whoever slung it, by mail.`;
  return { id: `call_${id}_${state}_${round}_${head.slice(0, 12)}`, role: 'refinery', rig, to, body };
}

function ofBreaker({ backend, agent, program, rig }: BreakerOf, reason: string, at: number): Call {
  const part = [agent, program].find((name) => name !== undefined);
  const what = rig === undefined ? (part ?? backend) : `${backend} in ${rig === '' ? 'the town' : `the rig ${rig}`}`;
  return {
    id: `call_down_${what.replace(/[^A-Za-z0-9-]+/g, '-')}_${at}`,
    role: 'deacon',
    rig: '',
    to: sessionIdOf('deacon', '', ''),
    body: `Nothing is started with ${what} now. What waits for it is tried again by itself. Look at it: gt doctor, gt agents. The reason:\n${reason}`,
  };
}
