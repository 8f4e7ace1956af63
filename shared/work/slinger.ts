import { host } from '../domain/message.ts';
import type { Store } from '../store/store.ts';
import type { StoredWork } from '../store/work.ts';

/**
 * Who is told what becomes of a unit that `by` gives to a session. The host only does what somebody else wanted: the first
 * slinger's it stays, or theirs who had it queued. Nothing where nobody did.
 */
export function slingerOf(
  store: Pick<Store, 'work'>,
  work: StoredWork | undefined,
  by: string,
): Partial<Pick<StoredWork, 'slungBy'>> {
  if (by !== host) return { slungBy: by };
  if (work === undefined || work.slungBy !== undefined) return {};
  const queued = store.work.history(work.id).findLast((entry) => entry.state === 'queued' && entry.by !== host);
  return queued === undefined ? {} : { slungBy: queued.by };
}
