/** Words for messages. Pure. */
import type { MessageKind, MessageState } from '../../shared/domain/message.ts';
import type { Translate } from '../translate.ts';

export const partyName = (who: string, t: Translate): string =>
  who === 'overseer' ? t('you') : who === 'host' ? t('Gas Town') : who;

export function messageStateText(state: MessageState, t: Translate): string {
  switch (state) {
    case 'accepted':
      return t('accepted');
    case 'delivered':
      return t('delivered');
    case 'acted':
      return t('acted on');
    case 'refused':
      return t('refused');
    case 'expired':
      return t('expired');
    case 'dead':
      return t('given up');
  }
}

export function messageKindText(kind: MessageKind, t: Translate): string {
  switch (kind) {
    case 'nudge':
      return t('nudge');
    case 'mail':
      return t('mail');
    case 'broadcast':
      return t('broadcast');
    case 'work':
      return t('work');
    case 'reminder':
      return t('reminder');
  }
}
