import { GasTownError } from '../platform/errors.ts';
import { messageTypes } from './orchestrator.ts';
import type { Message, MessageType } from './orchestrator.ts';

/** What the outbox carries: the seed's messages, work that is handed over, and the reminder of DESIGN D2. */
export const messageKinds = ['nudge', 'mail', 'broadcast', 'work', 'reminder'] as const satisfies readonly (
  MessageType | 'work' | 'reminder'
)[];
export type MessageKind = (typeof messageKinds)[number];

/**
 * accepted → delivered (the model has it) → acted (the turn that contained it has ended); or refused, expired, dead
 * (given up after bounded attempts), each with a reason.
 */
export const messageStates = ['accepted', 'delivered', 'acted', 'refused', 'expired', 'dead'] as const;
export type MessageState = (typeof messageStates)[number];

/** Urgent ones go first, and live longer. */
export const priorities = ['normal', 'urgent'] as const;
export type Priority = (typeof priorities)[number];

/** Sender or recipient that is the user. */
export const overseer = 'overseer';
/** Sender that is the host itself. */
export const host = 'host';

/** Throws `bad-input`, which names the field: what is stored is delivered, so nothing is stored that cannot be. */
export function checkMessage({ id, type, from, subject, body, sentAt }: Message): void {
  const texts = Object.entries({ from, subject, body, ...(id === undefined ? {} : { id }) });
  const wrong =
    texts.find(([, value]) => typeof value !== 'string')?.[0] ??
    (from === '' ? 'from' : id === '' ? 'id' : Number.isSafeInteger(sentAt) && sentAt >= 0 ? undefined : 'sentAt');
  if (wrong !== undefined) {
    const wanted =
      wrong === 'sentAt'
        ? 'epoch milliseconds'
        : wrong === 'from' || wrong === 'id'
          ? 'a text that is not empty'
          : 'a text';
    throw new GasTownError('bad-input', `The message's ${wrong} has to be ${wanted}. Nothing was sent.`);
  }
  if (!messageTypes.includes(type)) {
    throw new GasTownError(
      'bad-input',
      `There is no message type ${JSON.stringify(type)}. The types are: ${messageTypes.join(', ')}. Nothing was sent.`,
    );
  }
}
