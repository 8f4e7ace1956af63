import { host } from '../domain/message.ts';
import { spawnSession } from '../orchestration/spawn-session.ts';
import type { Town } from '../orchestration/town.ts';
import { GasTownError, messageOf } from '../platform/errors.ts';
import type { StoredWork } from '../store/work.ts';
import { asleep } from './asleep.ts';
import { mayCall } from './call-guard.ts';

export interface Loan {
  to: string;
  /** The unit's own, which it keeps. */
  branch: string;
  note: string | undefined;
}

/**
 * Gives a queued unit, on the branch that it has, to a session that is to resolve something in it, which is started where it
 * sleeps; where that cannot be, to its author, if that lives. False where neither takes it.
 */
export async function lend(town: Town, unit: StoredWork, loan: Loan): Promise<boolean> {
  const { id } = unit;
  const isUp = await wake(town, id, loan.to);
  // It may have been cancelled meanwhile.
  if (town.work.get(id).state !== 'queued' || (isUp && give(town, id, loan))) return true;
  const author = town.merges.find(id)?.detail.author;
  return author !== undefined && give(town, id, { ...loan, to: author });
}

/** Whether it lives by now. */
async function wake(town: Town, work: string, to: string): Promise<boolean> {
  const order = asleep(town, to);
  if (order === undefined) return true;
  if (!mayCall(town, to, work)) return false;
  try {
    await spawnSession(town, order, host, new AbortController().signal);
  } catch (error) {
    // Somebody else starts it in this moment.
    if (GasTownError.is(error, 'name-taken')) throw error;
    town.log.warn(`[orchestration] ${to} was called for ${work} and could not be started: ${messageOf(error)}`);
    return false;
  }
  return true;
}

function give(town: Town, id: string, { to, branch, note = '' }: Loan): boolean {
  const session = town.registry.find(to);
  const unit = town.work.get(id);
  if (session?.state !== 'running' || unit.branch !== branch) return false;
  town.store.transaction(() => {
    const change = { by: host, runId: session.runId, note: `assigned to ${to}` };
    town.work.move(unit, 'assigned', change, { owner: to, notBefore: null, dispatch: null });
    town.outbox.accept({ from: host, to, kind: 'work', body: note, workId: id });
  });
  return true;
}
