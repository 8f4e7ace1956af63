import { resultText } from '../platform/git/result.ts';
import { hasEnded } from '../domain/session-state.ts';
import type { Dispatch, StoredWork } from '../store/work.ts';
import { ownedStates } from '../domain/work-state.ts';
import { withdrawWork } from '../messages/withdraw.ts';
import type { Town } from './town.ts';

export interface TakeBack {
  by: string;
  /** For the unit's history. */
  note: string;
  attempts: number;
  /** Not slung before this, in epoch milliseconds. */
  notBefore?: number;
  /** The session that is to get it again, where it lives then. */
  to?: string;
  /** The session that has it is stopped after this, so it need not be told. */
  ends?: boolean;
}

/**
 * Queues a unit for another attempt: it is nobody's from now on, and a session that lives on and had it is told so. What was
 * asked for when it was slung (the agent) stays asked for, and whoever gets it next is told what was before.
 */
export function takeBack(
  town: Town,
  work: StoredWork,
  { by, note, attempts, notBefore, to, ends }: TakeBack,
): StoredWork {
  const { id, owner, dispatch } = work;
  const next: Dispatch = {
    ...(dispatch?.agent === undefined ? {} : { agent: dispatch.agent }),
    ...(dispatch?.bare ? { bare: true } : {}),
    ...(to === undefined ? {} : { to }),
    note: storyOf(work),
  };
  return town.store.transaction(() => {
    const session = owner !== undefined && ownedStates.includes(work.state) ? town.registry.find(owner) : undefined;
    const queued = town.work.move(
      work,
      'queued',
      { by, note },
      { owner: null, attempts, notBefore: notBefore ?? null, dispatch: next },
    );
    if (!session) return queued;
    withdrawWork(town.store, session.id, id, `${id} was taken back`, town.manager.now());
    if (!ends && !hasEnded(session)) {
      const body = `${id} is no longer yours: ${note}. Stop working on it, and leave its branch as it is.`;
      town.outbox.accept({ id: closedNoticeId(queued), from: 'host', to: session.id, kind: 'nudge', body });
    }
    return queued;
  });
}

/** What whoever gets it next should know. */
function storyOf({ owner, note, branch, result }: StoredWork): string {
  const before = owner === undefined ? 'This was tried before' : `${owner} had this before`;
  const how = note === undefined ? '' : ` (${note})`;
  const place = result === undefined ? branch && `branch ${branch}` : resultText(result);
  const where = place === undefined ? '' : ` What was committed is on ${place}: look there first.`;
  return `${before}${how}.${where}`;
}

/** The message by which a session is told that its unit is closed; one id for each time. */
export const closedNoticeId = ({ id, changedAt }: Pick<StoredWork, 'id' | 'changedAt'>): string =>
  `closed_${id}_${changedAt}`;
