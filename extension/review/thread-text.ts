/** Words for conversations about lines. Pure. */
import type { CommentView, ThreadView } from '../../shared/channel/views.ts';
import { overseer } from '../../shared/domain/message.ts';
import type { Translate } from '../translate.ts';
import { messageStateText } from '../views/message-text.ts';

/** `C-3 · delivered`: its name, and how far it has come to the author of the change. */
export function threadLabel({ id, state, comments, quote }: ThreadView, t: Translate): string {
  const last = comments.findLast(({ by }) => by === overseer);
  const parts = [id, ...(last === undefined ? [] : [receiptText(last, t)])];
  if (state === 'resolved') parts.push(t('resolved'));
  if (state === 'outdated') parts.push(t('outdated, was about: {0}', quote.trim()));
  return parts.join(' · ');
}

/** What has become of a comment of the user's. */
export const receiptText = ({ receipt }: CommentView, t: Translate): string =>
  receipt === undefined ? t('not sent yet') : messageStateText(receipt, t);

/** Comments of the user's that go to the author with the next *Send Back*. */
export function unsentIn(threads: readonly ThreadView[]): CommentView[] {
  return threads
    .filter(({ state }) => state !== 'resolved')
    .flatMap(({ comments }) => comments)
    .filter(({ by, receipt }) => by === overseer && receipt === undefined);
}

/**
 * Whether nothing is left to do about it: it is resolved, or its line is another one by now and all that the user said of it has
 * been sent.
 */
export const isSettled = (thread: ThreadView): boolean =>
  thread.state === 'resolved' || (thread.state === 'outdated' && unsentIn([thread]).length === 0);
