/** What is lost when a session is ended now, a sentence for each: empty where nobody needs to be asked. Pure. */
import type { SessionView, WorkView } from '../../shared/channel/views.ts';
import { ownedStates } from '../../shared/domain/work-state.ts';
import type { Translate } from '../translate.ts';

export function lostByEnding(session: SessionView, work: readonly WorkView[], t: Translate): string[] {
  const units = work.filter(({ owner, state }) => owner === session.id && ownedStates.includes(state));
  return [
    ...doing(session, t),
    ...(units.length === 0 ? [] : [t('Not done yet: {0}.', units.map(({ id }) => id).join(', '))]),
    ...(session.queued === 0
      ? []
      : [
          session.queued === 1
            ? t('A message to it waits, and will not arrive.')
            : t('{0} messages to it wait, and will not arrive.', session.queued),
        ]),
  ];
}

function doing({ state, activity, asks }: SessionView, t: Translate): string[] {
  const [ask] = asks;
  if (ask) return [t('It waits for your answer: {0}', ask.title)];
  if (state !== 'running') return [];
  switch (activity.kind) {
    case 'idle':
      return [];
    case 'busy':
      return [t('It is at work: what it is doing now is broken off.')];
    case 'attention':
      return [t('It waits for you in its terminal.')];
    case 'rate-limited':
      return [t('It goes on by itself when its provider answers again.')];
    case 'unknown':
      return [t('It is not known whether it is at work.')];
  }
}
