/** What is being done before a session starts, and until its agent does. Pure. */
import type { TownSnapshot } from '../../shared/channel/views.ts';
import type { Translate } from '../translate.ts';

type Starts = Pick<TownSnapshot, 'starting' | 'sessions' | 'work'>;

/** Of one session; empty where nothing is being done, or it runs. */
export function startText(session: string | undefined, { starting, sessions }: Starts, t: Translate): string {
  const stage = starting.find((each) => each.session === session);
  if (stage) return stage.text;
  return sessions.some(({ id, state }) => id === session && state === 'starting') ? t('starts its agent') : '';
}

/** Of the session that a unit is given to. */
export const startTextOfWork = (work: string, snapshot: Starts, t: Translate): string =>
  startText(snapshot.work.find(({ id }) => id === work)?.owner, snapshot, t);

/** Of the newest one that the town had not begun to start before: a session whose name the town chooses is known by nothing else. */
export function startTextSince(known: readonly string[], snapshot: Starts, t: Translate): string {
  const ids = [...snapshot.sessions.map(({ id }) => id), ...snapshot.starting.map(({ session }) => session)];
  return startText(
    ids.findLast((id) => !known.includes(id)),
    snapshot,
    t,
  );
}
