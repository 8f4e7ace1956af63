/** Messages → rows of the Messages view, the newest first, and what hovers and filters say of them. Pure. */
import type { MessageKind, MessageState } from '../../shared/domain/message.ts';
import type { MessageView } from '../../shared/channel/views.ts';
import type { Translate } from '../translate.ts';
import { messageKindText, messageStateText, partyName } from './message-text.ts';
import type { StateIcon } from './session-icon.ts';
import { longAge, shortAge } from './session-text.ts';
import { escaped, fenced, field, lines } from './tooltip.ts';
import type { TreeNode } from './tree-node.ts';
import type { ViewContext } from './view-context.ts';

const messageIcons: Record<MessageState, StateIcon> = {
  accepted: { icon: 'clock', color: 'disabledForeground' },
  delivered: { icon: 'mail-read', color: 'charts.blue' },
  acted: { icon: 'pass-filled', color: 'charts.green' },
  refused: { icon: 'circle-slash', color: 'list.warningForeground' },
  expired: { icon: 'watch', color: 'list.warningForeground' },
  dead: { icon: 'error', color: 'list.errorForeground' },
};

/** What the view is limited to; what is absent is not asked for. */
export interface ShownMessages {
  state?: MessageState;
  kind?: MessageKind;
  /** Sender or recipient. */
  session?: string;
}

export function messageTree(messages: readonly MessageView[], context: ViewContext): TreeNode[] {
  return messages.map((message) => messageNode(message, context));
}

function messageNode(message: MessageView, context: ViewContext): TreeNode {
  const { t } = context;
  const { id, from, to, state, sentAt } = message;
  const stateWord = message.repeated
    ? t('{0}, possibly repeated', messageStateText(state, t))
    : messageStateText(state, t);
  const kindWords = kindAndPriority(message, t);
  const text = gist(message);
  return {
    id: `message:${id}`,
    label: t('{0} → {1}', partyName(from, t), partyName(to, t)),
    description: [stateWord, kindWords, shortAge(sentAt, context), ...(text === '' ? [] : [text])].join(' · '),
    icon: messageIcons[state],
    aria: t(
      '{0} from {1} to {2}, {3}, sent {4} ago: {5}',
      kindWords,
      partyName(from, t),
      partyName(to, t),
      stateWord,
      longAge(sentAt, context),
      text,
    ),
    contextValue: `message.${state}`,
    expanded: false,
    target: { kind: 'message', message: id },
    children: [],
  };
}

/** The hover: every state that it has been in, with its time, and why. */
export function messageTooltip(message: MessageView, context: ViewContext): string {
  const { t } = context;
  const at = (time: number | undefined): string | undefined =>
    time === undefined ? undefined : t('{0}, {1} ago', context.clock(time), longAge(time, context));
  const { state, closedAt, expiresAt } = message;
  const ended = state === 'refused' || state === 'expired' || state === 'dead';
  const head = lines(
    `**${t('{0} → {1}', escaped(partyName(message.from, t)), escaped(partyName(message.to, t)))}** — ${messageStateText(state, t)}`,
    [
      field(t('Because of'), message.reason),
      field(t('Kind'), kindAndPriority(message, t)),
      field(t('Accepted'), at(message.sentAt)),
      field(t('Delivered'), at(message.deliveredAt)),
      field(t('Read'), at(message.readAt)),
      field(t('Acted on'), at(message.actedAt)),
      field(ended ? t('Closed') : t('Archived'), at(closedAt)),
      field(t('Expires at'), state === 'accepted' && expiresAt !== undefined ? context.clock(expiresAt) : undefined),
      field(t('Attempts'), String(message.attempts)),
      field(
        t('Possibly repeated'),
        message.repeated ? t('an earlier attempt may have reached the model, too') : undefined,
      ),
      field(t('Id'), message.id),
    ],
  );
  return message.body === '' ? head : `${head}\n\n${fenced(message.body)}`;
}

/** All of a message as plain text, for an editor. */
export function messageText(message: MessageView, context: ViewContext): string {
  const { t } = context;
  const time = (name: string, at: number | undefined): string[] =>
    at === undefined ? [] : [`${name}: ${new Date(at).toISOString()}`];
  return [
    t(
      '{0} {1} from {2} to {3}: {4}',
      messageKindText(message.kind, t),
      message.id,
      partyName(message.from, t),
      partyName(message.to, t),
      messageStateText(message.state, t),
    ),
    ...(message.reason === undefined ? [] : [`${t('Because of')}: ${message.reason}`]),
    ...time(t('Accepted'), message.sentAt),
    ...time(t('Delivered'), message.deliveredAt),
    ...time(t('Acted on'), message.actedAt),
    ...time(t('Closed'), message.closedAt),
    // Without a subject of its own, a message has its first words as one.
    ...(message.body.trim().startsWith(message.subject) ? [] : [`${t('Subject')}: ${message.subject}`]),
    '',
    message.body,
  ].join('\n');
}

/** What the view shows now, for its title; empty where it shows everything. */
export function shownText({ state, kind, session }: ShownMessages, t: Translate): string {
  return [
    ...(state ? [messageStateText(state, t)] : []),
    ...(kind ? [messageKindText(kind, t)] : []),
    ...(session ? [partyName(session, t)] : []),
  ].join(' · ');
}

function kindAndPriority({ kind, priority }: MessageView, t: Translate): string {
  return priority === 'urgent' ? t('urgent {0}', messageKindText(kind, t)) : messageKindText(kind, t);
}

function gist({ subject, body, reason }: MessageView): string {
  return (reason ?? (subject === '' ? body : subject)).replace(/\s+/g, ' ').trim().slice(0, 120);
}
