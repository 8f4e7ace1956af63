/** The number on the container's icon: what waits for the user. Pure. */
import type { TownSnapshot } from '../../shared/channel/views.ts';
import type { Translate } from '../translate.ts';
import { waitsForUser } from './merge-text.ts';
import { classOf } from './session-icon.ts';

/** Undefined where nothing waits. The tooltip says what is counted. */
export function badgeOf(
  { sessions, merges }: Pick<TownSnapshot, 'sessions' | 'merges'>,
  t: Translate,
): { value: number; tooltip: string } | undefined {
  const waiting = sessions.filter((session) => classOf(session) === 'waiting').length;
  const reviews = merges.filter(waitsForUser).length;
  if (waiting + reviews === 0) return undefined;
  const parts = [
    ...(waiting === 0 ? [] : [waiting === 1 ? t('1 session waits for you') : t('{0} sessions wait for you', waiting)]),
    ...(reviews === 0
      ? []
      : [reviews === 1 ? t('1 finished unit waits for you') : t('{0} finished units wait for you', reviews)]),
  ];
  return { value: waiting + reviews, tooltip: parts.join(', ') };
}
